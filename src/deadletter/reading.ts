// A file of dead letters, for a replay: taken away from the agent that may still write to it, read as a frame, removed when all of
// it was delivered.
import { appendFileSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { constants, gunzipSync } from "node:zlib";
import type { Frame } from "../series/frame.ts";
import { FrameBuilder } from "../series/frame-builder.ts";
import { Keyspace } from "../series/keyspace.ts";
import { plainRules } from "../series/labels.ts";
import type { NameEscaping } from "../series/names.ts";
import { SeriesTable } from "../series/table.ts";
import { INDEX } from "./folder.ts";
import { addLine } from "./lines.ts";

export type Letters = {
  frame: Frame;
  /** Samples whose labels are not legal: they cannot be sent. */
  illegal: number;
  /** Lines that are not valid, and whether the file ends in the middle (the agent was killed while it wrote). */
  broken: number;
  torn: boolean;
};

/** Renames the file, so that the agent, which appends by name, begins another one. Returns the new name. */
export function claim(folder: string, name: string, suffix: string): string {
  if (name.includes(".claimed-")) return name;
  const claimed = name.replace(/\.jsonl\.gz$/, `.claimed-${suffix}.jsonl.gz`);
  renameSync(join(folder, name), join(folder, claimed));
  return claimed;
}

/** `escaping`: of names that the sink does not take as they are (any longer); what was escaped before stays. */
export function readLetters(folder: string, name: string, escaping: NameEscaping): Letters {
  const packed = readFileSync(join(folder, name));
  const { text, torn } = unpack(packed);
  const keyspace = new Keyspace(new SeriesTable(), undefined, { ...plainRules, escaping });
  const read = framed(text, keyspace);
  // Of series that become one the last may win, and samples are mixed: the second time the winner is known.
  return { ...(keyspace.takeovers === 0 ? read : framed(text, keyspace)), torn };
}

function framed(text: string, keyspace: Keyspace): Omit<Letters, "torn"> {
  const { table } = keyspace;
  const builder = new FrameBuilder();
  let illegal = 0;
  let broken = 0;
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    try {
      const added = addLine(line, keyspace, builder);
      if (!added.legal) illegal += added.samples;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      broken++;
    }
  }
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  const { frame } = builder.build(table, 0, 0);
  for (const ts of frame.timestamps) {
    from = Math.min(from, ts);
    to = Math.max(to, ts);
  }
  return { frame: { ...frame, from, to }, illegal, broken };
}

/** What can be read of a file that was not written to its end is read. */
function unpack(packed: Uint8Array): { text: string; torn: boolean } {
  try {
    return { text: gunzipSync(packed).toString("utf8"), torn: false };
  } catch {
    try {
      const text = gunzipSync(packed, { finishFlush: constants.Z_SYNC_FLUSH }).toString("utf8");
      return { text: text.slice(0, text.lastIndexOf("\n") + 1), torn: true };
    } catch {
      return { text: "", torn: true };
    }
  }
}

export function delivered(folder: string, name: string, at: string): void {
  rmSync(join(folder, name), { force: true });
  appendFileSync(join(folder, INDEX), `${JSON.stringify({ at, replayed: name })}\n`, { mode: 0o600 });
}
