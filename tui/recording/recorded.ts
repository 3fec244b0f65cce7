// The recording behind a screen: of the agent it shows, from the moment it starts, or one that was opened from a file.
import { writeFile } from "node:fs/promises";
import { arch, platform, release } from "node:os";
import { resolve } from "node:path";
import { breathe } from "../../src/platform/breathe.ts";
import type { Clock } from "../../src/platform/clock.ts";
import { version } from "../../src/version.ts";
import type { Past, Store } from "../session.ts";
import type { Chunk } from "./chunk.ts";
import { incidentFile } from "./incident.ts";
import { Playback } from "./playback.ts";
import { Recorder } from "./recorder.ts";

export type Recorded = Past & {
  /** In the working directory, never over a file that is there; resolves to its path. */
  save(name: string, privacy: boolean): Promise<string>;
  /** What the recording takes, compressed. */
  readonly bytes: number;
  end(): void;
};

export function recorded(store: Store, clock: Clock, opened?: readonly Chunk[]): Recorded {
  const live = opened === undefined ? recording(store) : undefined;
  const chunks = () => opened ?? live?.recorder.chunks ?? [];
  const playback = new Playback(chunks, { pause: breathe, monotonicMs: () => clock.monotonicMs() });
  return {
    at: (time) => playback.at(time),
    forget: () => playback.forget(),
    async save(name, privacy) {
      if (chunks().length === 0) throw new Error("nothing has been recorded yet");
      const saver = { outflow: version, runtime: runtime(), system: `${platform()} ${release()} ${arch()}` };
      const bytes = await incidentFile({
        ...{ chunks: chunks(), snapshot: store.snapshot, now: clock.now(), privacy, saver, pause: breathe },
      });
      const path = resolve(name);
      await writeFile(path, bytes, { flag: "wx", mode: 0o600 });
      return path;
    },
    get bytes() {
      return live?.recorder.bytes ?? 0;
    },
    end: () => live?.end(),
  };
}

function recording(store: Store): { recorder: Recorder; end(): void } {
  const recorder = new Recorder(store.snapshot, { pause: breathe });
  let last = store.snapshot;
  const end = store.subscribe((event) => {
    const { snapshot } = store;
    if (snapshot === last) return;
    last = snapshot;
    if (event === undefined) recorder.restart(snapshot);
    else recorder.note(event, snapshot);
  });
  return { recorder, end };
}

const runtime = (): string => {
  const { bun, deno, node } = process.versions as Record<string, string | undefined>;
  return bun !== undefined ? `bun ${bun}` : deno !== undefined ? `deno ${deno}` : `node ${node}`;
};
