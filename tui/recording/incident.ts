// The incident file: a zip with the recording, the events as people read them, the policies as they run and the versions, for
// somebody on another machine. Policies name their Secrets and never hold them; every line passes scrub.ts.
import { strToU8, Zip, ZipDeflate } from "fflate";
import type { EpochMs } from "../../src/platform/clock.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { instant } from "../../src/status/text/words.ts";
import { redacted } from "../screens/privacy.ts";
import type { Chunk } from "./chunk.ts";
import { scrubbed } from "./scrub.ts";

export const FORMAT = 1;

export type Manifest = {
  format: number;
  /** Of the agent that was recorded. */
  agent: string;
  saved: EpochMs;
  from: EpochMs;
  to: EpochMs;
  /** Addresses and label values are hidden. */
  privacy: boolean;
  /** What it was saved with: versions of outflow, of the runtime, of the system. */
  saver: Readonly<Record<string, string>>;
  chunks: readonly { file: string; from: EpochMs; to: EpochMs; keyframe: boolean }[];
};

export type Incident = {
  chunks: readonly Chunk[];
  snapshot: Snapshot;
  now: EpochMs;
  privacy: boolean;
  saver: Readonly<Record<string, string>>;
  pause(): Promise<void>;
};

const README = `An incident file of outflow: what its screen showed, moment by moment.

  outflow top FILE       opens it; < and > move through it
  manifest.json          versions, and the times it covers
  events.txt             what happened, as in the log
  policies/              the policies as they ran; Secrets by name only
  status.json            the last state
  recording/             the recording: states and events, a line of JSON each
`;

/** Lines that are cleaned at a time. */
const SLICE = 200;

export async function incidentFile({ chunks, snapshot, now, privacy, saver, pause }: Incident): Promise<Uint8Array> {
  const clean = (line: string) => scrubbed(privacy ? hideIn(line, snapshot) : line);
  const parts: Uint8Array[] = [];
  let failed: Error | undefined;
  const zip = new Zip((error, data) => {
    if (error !== null) failed = error;
    else parts.push(data);
  });
  const add = async (name: string, texts: Iterable<string>) => {
    const file = new ZipDeflate(name, { level: 4 });
    file.mtime = now;
    zip.add(file);
    for (const text of texts) {
      file.push(strToU8(text));
      await pause();
    }
    file.push(new Uint8Array(0), true);
    if (failed !== undefined) throw failed;
  };
  const manifest: Manifest = {
    format: FORMAT,
    agent: snapshot.version,
    saved: now,
    from: chunks[0]?.from ?? now,
    to: Math.max(now, chunks.at(-1)?.to ?? now),
    privacy,
    saver,
    chunks: chunks.map(({ from, to, keyframe }, i) => ({ file: fileOf(i), from, to, keyframe })),
  };
  await add("README.txt", [README]);
  await add("manifest.json", [`${JSON.stringify(manifest, undefined, 2)}\n`]);
  await add(
    "events.txt",
    snapshot.events.map(({ at, level, text }) => `${instant(at)} ${level.padEnd(5)} ${plain(text, clean)}\n`),
  );
  for (const policy of snapshot.policies)
    if (policy.yaml !== undefined)
      await add(`policies/${policy.id.replace(/[^A-Za-z0-9._-]/g, "_")}.yaml`, [
        `${policy.yaml
          .split("\n")
          .map((l) => plain(l, clean))
          .join("\n")}\n`,
      ]);
  await add("status.json", [`${clean(JSON.stringify(snapshot))}\n`]);
  for (const [i, chunk] of chunks.entries()) await add(fileOf(i), sliced(chunk, clean));
  zip.end();
  if (failed !== undefined) throw failed;
  return joined(parts);
}

const fileOf = (i: number): string => `recording/${String(i).padStart(5, "0")}.jsonl`;

function* sliced(chunk: Chunk, clean: (line: string) => string): Iterable<string> {
  for (const text of chunk.texts()) {
    const lines = text.split("\n");
    for (let i = 0; i < lines.length; i += SLICE)
      yield lines
        .slice(i, i + SLICE)
        .map((l) => (l === "" ? "" : `${clean(l)}\n`))
        .join("");
  }
}

/** A text that is not JSON, as a line of JSON passes the same door. */
const plain = (text: string, clean: (line: string) => string): string =>
  JSON.parse(clean(JSON.stringify(text))) as string;

const hideIn = (line: string, snapshot: Snapshot): string =>
  JSON.stringify(JSON.parse(line), (_, value: unknown) =>
    typeof value === "string" ? redacted(value, snapshot) : value,
  );

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
