// What a replay of a time range remembers, so that the same command continues where it stopped: a small file in the state
// directory, which the running agent does not look at.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EpochMs } from "../../platform/clock.ts";
import { sha256 } from "../../platform/hash.ts";

export type Resume = {
  cursor(source: string): EpochMs | undefined;
  moved(source: string, cursor: EpochMs): void;
  /** Everything was delivered: the next run starts over. */
  done(): void;
};

/** `what`: everything that makes this replay another one than others. */
export function resumeFile(stateDir: string, what: unknown): Resume {
  const dir = join(stateDir, "replays");
  const file = join(dir, `${sha256(JSON.stringify(what)).slice(0, 32)}.json`);
  const cursors = new Map<string, EpochMs>(read(file));
  return {
    cursor: (source) => cursors.get(source),
    moved(source, cursor) {
      cursors.set(source, cursor);
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      writeFileSync(`${file}.new`, JSON.stringify([...cursors]), { mode: 0o600 });
      renameSync(`${file}.new`, file);
    },
    done: () => rmSync(file, { force: true }),
  };
}

function read(file: string): [string, EpochMs][] {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as [string, EpochMs][]).filter(
      ([source, cursor]) => typeof source === "string" && Number.isFinite(cursor),
    );
  } catch {
    return [];
  }
}
