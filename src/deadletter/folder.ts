// Dropped samples in, files out: one folder a sink, gzip JSON lines (lines.ts) that any tool can import, and an index that says
// when and why. Bounded in size and age; what is removed for that is told. Disk trouble is told too, and stops nothing.
//   DIR/<namespace>/<policy>/<sink>/20261125T015523123Z-0.jsonl.gz   a gzip member for each drop
//   DIR/<namespace>/<policy>/<sink>/index.jsonl                      {"at","reason","message","samples","series","from","to","file"}
//                                                                    {"at","reason","message","lost"}: a series that is only named
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Span, samplesOf, timesOf } from "../batch/batch.ts";
import type { Clock, EpochMs } from "../platform/clock.ts";
import { toLines } from "./lines.ts";

export type Letter = { sink: string; reason: string; message: string; spans: readonly Span[] };

export type DeadLetterSettings = {
  dir: string;
  /** Bytes kept for each sink. */
  maxBytes: number;
  maxAgeMs: number;
};

export type DeadLetterPorts = {
  clock: Clock;
  /** A sentence: what could not be written, or what was removed. */
  tell(level: "warn" | "error", message: string): void;
};

export const INDEX = "index.jsonl";
const END = ".jsonl.gz";
const FILE_BYTES = 4 * 1024 * 1024;
const FILE_SAMPLES = 500_000;
const FILE_AGE_MS = 3_600_000;
const INDEX_BYTES = 1024 * 1024;
/** Series that are named in the index of a sink, in one life of the agent. */
const NAMED_AT_MOST = 1_000;

type OpenFile = { name: string; bytes: number; samples: number; since: EpochMs };

export class DeadLetters {
  readonly #settings: DeadLetterSettings;
  readonly #ports: DeadLetterPorts;
  readonly #fileBytes: number;
  readonly #open = new Map<string, OpenFile>();
  /** Series that were named, by sink. */
  readonly #named = new Map<string, Set<string>>();
  #files = 0;
  #failing = false;

  constructor(settings: DeadLetterSettings, ports: DeadLetterPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#fileBytes = Math.min(FILE_BYTES, settings.maxBytes / 8);
  }

  /** Written when this returns true. */
  keep({ sink, reason, message, spans }: Letter): boolean {
    const folder = folderOf(this.#settings.dir, sink);
    return this.#try(() => {
      const file = this.#fileFor(folder, sink);
      const member = gzipSync(toLines(spans));
      appendFileSync(join(folder, file.name), member, { mode: 0o600 });
      const samples = spans.reduce((n, span) => n + samplesOf(span), 0);
      file.bytes += member.length;
      file.samples += samples;
      const [from, to] = timesOf(spans);
      const entry = {
        at: new Date(this.#ports.clock.now()).toISOString(),
        reason,
        message,
        samples,
        series: spans.reduce((n, span) => n + span.endRun - span.firstRun, 0),
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
        file: file.name,
      };
      appendFileSync(join(folder, INDEX), `${JSON.stringify(entry)}\n`, { mode: 0o600 });
    });
  }

  /** Names series in the index whose samples never became a sink's: they are at the source. Each once, and not without end. */
  name(sink: string, reason: string, series: readonly { lost: string; message: string }[]): void {
    const named = this.#named.get(sink) ?? new Set();
    this.#named.set(sink, named);
    const at = new Date(this.#ports.clock.now()).toISOString();
    const entries: object[] = [];
    for (const { lost, message } of series) {
      if (named.has(lost) || named.size > NAMED_AT_MOST) continue;
      named.add(lost);
      if (named.size <= NAMED_AT_MOST) entries.push({ at, reason, message, lost });
      else
        entries.push({ at, reason, message: `More than ${NAMED_AT_MOST} series: the others are counted, not named.` });
    }
    if (entries.length === 0) return;
    const folder = folderOf(this.#settings.dir, sink);
    this.#try(() => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      appendFileSync(join(folder, INDEX), entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""), {
        mode: 0o600,
      });
    });
  }

  /** Removes what is too old, of all sinks. */
  prune(): void {
    for (const { sink, folder } of sinkFolders(this.#settings.dir)) this.#try(() => this.#pruneSink(folder, sink));
  }

  #fileFor(folder: string, sink: string): OpenFile {
    const now = this.#ports.clock.now();
    const open = this.#open.get(folder);
    const fits =
      open !== undefined &&
      open.bytes < this.#fileBytes &&
      open.samples < FILE_SAMPLES &&
      now - open.since < FILE_AGE_MS;
    if (fits) return open;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#pruneSink(folder, sink);
    const stamp = new Date(now).toISOString().replace(/[-:.]/g, "");
    const file = { name: `${stamp}-${process.pid}-${this.#files++}${END}`, bytes: 0, samples: 0, since: now };
    this.#open.set(folder, file);
    return file;
  }

  #pruneSink(folder: string, sink: string): void {
    const oldest = this.#ports.clock.now() - this.#settings.maxAgeMs;
    const files = letterFiles(folder).map((name) => ({ name, stat: statSync(join(folder, name)) }));
    let bytes = files.reduce((n, { stat }) => n + stat.size, 0);
    const gone: { name: string; old: boolean }[] = [];
    for (const { name, stat } of files) {
      const old = stat.mtimeMs < oldest;
      if (!old && bytes <= this.#settings.maxBytes - this.#fileBytes) break;
      rmSync(join(folder, name), { force: true });
      bytes -= stat.size;
      gone.push({ name, old });
    }
    shortenIndex(folder);
    if (gone.length === 0) return;
    const why = gone.every(({ old }) => old) ? "--dead-letter-max-age" : "--dead-letter-max-size";
    this.#ports.tell(
      "warn",
      `Removed ${gone.length === 1 ? "1 file" : `${gone.length} files`} of dead letters of ${sink} (${why}), the oldest ${gone[0]!.name}: those samples are lost.`,
    );
  }

  #try(write: () => void): boolean {
    try {
      write();
      this.#failing = false;
      return true;
    } catch (error) {
      if (!this.#failing)
        this.#ports.tell(
          "error",
          `Cannot write dead letters to ${this.#settings.dir} (${(error as Error).message}): dropped samples are counted, but not kept. Make the folder writable, or free some space.`,
        );
      this.#failing = true;
      return false;
    }
  }
}

/** Names of files are sorted by time. */
export function letterFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(END))
    .sort();
}

/** Every sink that has a folder. */
export function sinkFolders(dir: string): { sink: string; folder: string }[] {
  const folders = (path: string): string[] => {
    try {
      return readdirSync(path, { withFileTypes: true })
        .filter((e) => e.isDirectory())
        .map((e) => e.name)
        .sort();
    } catch {
      return [];
    }
  };
  return folders(dir).flatMap((namespace) =>
    folders(join(dir, namespace)).flatMap((policy) =>
      folders(join(dir, namespace, policy)).map((sink) => ({
        sink: [namespace, policy, sink].map(nameOf).join("/"),
        folder: join(dir, namespace, policy, sink),
      })),
    ),
  );
}

export const folderOf = (dir: string, sink: string): string => join(dir, ...sink.split("/").map(segment));

/** What stands there by another hand is called as it is. */
function nameOf(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Any name as the name of one folder. */
const segment = (name: string): string =>
  encodeURIComponent(name).replace(/^\.+$/, (dots) => dots.replaceAll(".", "%2E"));

/** The index of a folder that is written to for years: its newer half. */
function shortenIndex(folder: string): void {
  const file = join(folder, INDEX);
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= INDEX_BYTES) return;
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.slice(text.indexOf("\n", text.length / 2) + 1), { mode: 0o600 });
}
