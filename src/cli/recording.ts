// An incident file in place of an agent: its last state as a store, and the recording behind it.

import { existsSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { breathe } from "../platform/breathe.ts";
import type { Clock, EpochMs } from "../platform/clock.ts";
import { systemClock } from "../platform/clock.ts";
import type { Link } from "../status/link.ts";
import type { Snapshot } from "../status/snapshot.ts";
import { StartError } from "./agent/start-error.ts";

type Chunk = import("../../tui/recording/chunk.ts").Chunk;

const MAX_BYTES = 512 * 1024 * 1024;

export type Recording = {
  store: { readonly snapshot: Snapshot; readonly link: Link; subscribe(): () => void };
  /** Its time stands still at the end of the recording. */
  clock: Clock;
  chunks: readonly Chunk[];
};

/** A path that is there, or a name that only a file can have. */
export const isFile = (text: string): boolean =>
  !/^https?:\/\//i.test(text) && (/\.zip$/i.test(text) || (existsSync(text) && statSync(text).isFile()));

export async function openRecording(file: string): Promise<Recording> {
  const { openIncident } = await import("../../tui/recording/open.ts");
  const { Playback } = await import("../../tui/recording/playback.ts");

  const opened = openIncident(bytesOf(file));
  if (!opened.ok) throw new StartError(`cannot open ${file}: ${opened.why}.`);
  const { manifest, chunks } = opened;
  const end: EpochMs = manifest.to;
  const playback = new Playback(() => chunks, { pause: breathe, monotonicMs: () => systemClock.monotonicMs() });
  const last = await playback.at(end).catch((error: Error) => {
    throw new StartError(`cannot open ${file}: its recording cannot be read (${error.message}).`);
  });
  if (last === undefined) throw new StartError(`cannot open ${file}: it holds no recording.`);
  const link: Link = { url: basename(file), state: "recorded", from: manifest.from, to: end };
  return {
    store: { snapshot: last.snapshot, link, subscribe: () => () => {} },
    clock: { ...systemClock, now: () => end },
    chunks,
  };
}

function bytesOf(file: string): Uint8Array {
  try {
    const { size } = statSync(file);
    if (size > MAX_BYTES) throw new StartError(`cannot open ${file}: it is larger than ${MAX_BYTES} bytes.`);
    return readFileSync(file);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`cannot open ${file} (${(error as { code?: string }).code ?? "unknown reason"}).`);
  }
}
