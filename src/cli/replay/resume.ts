// What a replay of a time range remembers, so that the same command continues where it stopped: a small file in the state
// directory, which the running agent does not look at.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EpochMs } from "../../platform/clock.ts";
import { sha256 } from "../../platform/hash.ts";
import { StartError } from "../agent/start-error.ts";

export type Resume = {
  cursor(source: string): EpochMs | undefined;
  /** Throws StartError where nothing can be written. */
  open(): void;
  /** What cannot be written is told once, and the replay continues. */
  moved(source: string, cursor: EpochMs): void;
  /** Everything was delivered: the next run starts over. */
  done(): void;
};

/** `what`: everything that makes this replay another one than others. */
export function resumeFile(stateDir: string, what: unknown, tell: (message: string) => void): Resume {
  const dir = join(stateDir, "replays");
  const file = join(dir, `${sha256(JSON.stringify(what)).slice(0, 32)}.json`);
  const cursors = new Map<string, EpochMs>(read(file));
  let told = false;
  const write = () => {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.new`, JSON.stringify([...cursors]), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  const why = (error: unknown) => (error as { code?: string }).code ?? "unknown reason";
  return {
    cursor: (source) => cursors.get(source),
    open() {
      try {
        write();
      } catch (error) {
        throw new StartError(
          `cannot write in ${dir} (${why(error)}), where a replay saves its progress: make it writable, or choose another with --state-dir.`,
        );
      }
    },
    moved(source, cursor) {
      cursors.set(source, cursor);
      try {
        write();
      } catch (error) {
        if (!told)
          tell(
            `cannot save the progress of the replay in ${file} (${why(error)}): if it stops, it starts again from an earlier time.`,
          );
        told = true;
      }
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
