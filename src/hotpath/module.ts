// The one door to the WebAssembly module (assembly/): compiled once, an instance for each series table, which is its memory. Places in
// that memory are numbers; a view of it is void as soon as anything is put into it, so nobody keeps one.
import { Buffer } from "node:buffer";
import base64 from "./generated/bytes.ts";
import { parseNumber } from "./numbers.ts";

type Exports = {
  memory: WebAssembly.Memory;
  seed(a: number, b: number): void;
  allocate(bytes: number): number;
  release(place: number): void;

  seriesCount(): number;
  internBlock(from: number, length: number): number;
  blockBytes(id: number): number;
  writeBlock(id: number, to: number): number;
  fingerprint(id: number): number;
  placeOf(id: number): number;
  placesOfAll(): number;
  sortSome(work: number): number;
  workOfSorting(): number;

  newKeyspace(plain: number, oneOrigin: number): number;
  keys(keyspace: number): number;
  made(keyspace: number, id: number): number;
  setMade(keyspace: number, id: number, how: number): void;
  knownLabels(keyspace: number, from: number, length: number): number;
  hashLow(): number;
  hashHigh(): number;
  lookupLabels(keyspace: number, from: number, length: number): number;
  rememberLabels(keyspace: number, from: number, length: number, id: number): void;

  newRead(keyspace: number, nanIsStale: number): number;
  freeRead(read: number): void;
  know(read: number, count: number): void;
  setSeries(read: number, id: number, floor: number, expected: number, tell: number): void;
  setMany(read: number, first: number, count: number, floors: number, expected: number, tells: number): void;
  scan(read: number, from: number, end: number, first: number, to: number): number;
  stoppedFor(): number;
  take(read: number, id: number): void;
  singles(read: number): number;
  seen(read: number): number;
  staging(read: number): number;
  stagedRuns(read: number): number;
  stagedSamples(read: number): number;
  unstage(read: number): void;
  collect(read: number, from: number, to: number): number;

  bodyBound(ids: number, runs: number, samples: number): number;
  encode(
    ids: number,
    ends: number,
    runs: number,
    timestamps: number,
    values: number,
    stales: number,
    raw: number,
    out: number,
  ): number;
  bodyStart(): number;
  rawLength(): number;
};

/** Instead of an id: only JavaScript can tell what the labels mean. */
export const ASK = -4;
/** Why scan() stopped: at the end of what is there, at a series that JavaScript takes, or since the staging is full. */
export const MORE = 0;
export const FULL = 2;
/** Samples that fit in the staging of a read, and where its columns begin. */
const ROOM = 8192;

let compiled: WebAssembly.Module | undefined;

export class Instance {
  readonly exports: Exports;
  /** Told of each series that a read meets first. */
  #learned: ((id: number) => void) | undefined;
  #views = viewsOf(new ArrayBuffer(0));
  #desk = 0;
  #deskBytes = 0;

  /** `seed`: two random 32-bit numbers. */
  constructor(seed: readonly [number, number]) {
    compiled ??= new WebAssembly.Module(Buffer.from(base64, "base64"));
    const { exports } = new WebAssembly.Instance(compiled, {
      env: {
        abort: () => {
          throw new Error("the WebAssembly module ran out of memory");
        },
      },
      host: {
        number: (at: number, length: number) => parseNumber(this.bytes, at, at + length),
        learned: (_read: number, id: number) => this.#learned?.(id),
      },
    });
    this.exports = exports as unknown as Exports;
    this.exports.seed(seed[0], seed[1]);
  }

  /** All of its memory, each view of it; void after the next call of the module. */
  get views(): Views {
    const { buffer } = this.exports.memory;
    if (this.#views.bytes.buffer !== buffer) this.#views = viewsOf(buffer as ArrayBuffer);
    return this.#views;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.views.bytes;
  }

  /** A place that anybody may use until somebody else asks for it. */
  desk(bytes: number): number {
    if (bytes > this.#deskBytes) {
      if (this.#desk !== 0) this.exports.release(this.#desk);
      this.#deskBytes = Math.max(4096, Math.ceil(bytes * 1.25));
      this.#desk = this.exports.allocate(this.#deskBytes);
    }
    return this.#desk;
  }

  /** Gives a large desk back: what it took is used for other things. */
  clearDesk(): void {
    if (this.#deskBytes <= KEEP_BYTES) return;
    this.exports.release(this.#desk);
    this.#desk = 0;
    this.#deskBytes = 0;
  }

  scan(read: number, from: number, end: number, first: boolean, to: number, learned: (id: number) => void): number {
    this.#learned = learned;
    const at = this.exports.scan(read, from, end, first ? 1 : 0, to);
    this.#learned = undefined;
    return at;
  }

  /** Calls `take` with what a read has staged, as views, and empties the staging. */
  fetch(read: number, take: (staged: Staged) => void): void {
    const { exports } = this;
    const runs = exports.stagedRuns(read);
    if (runs === 0) return;
    const samples = exports.stagedSamples(read);
    const at = exports.staging(read);
    const { buffer } = this.bytes;
    take({
      ids: new Int32Array(buffer, at, runs),
      ends: new Int32Array(buffer, at + 4 * ROOM, runs),
      timestamps: new Float64Array(buffer, at + 8 * ROOM, samples),
      values: new Float64Array(buffer, at + 16 * ROOM, samples),
      stale: new Uint8Array(buffer, at + 24 * ROOM, samples),
    });
    exports.unstage(read);
  }
}

const KEEP_BYTES = 1024 * 1024;

/** `ints` by places divided by four, `doubles` by places divided by eight. */
type Views = { bytes: Uint8Array<ArrayBuffer>; ints: Int32Array<ArrayBuffer>; doubles: Float64Array<ArrayBuffer> };

const viewsOf = (buffer: ArrayBuffer): Views => ({
  bytes: new Uint8Array(buffer),
  ints: new Int32Array(buffer),
  doubles: new Float64Array(buffer),
});

/** Runs of samples: of series `ids[i]`, up to `ends[i]`. */
export type Staged = {
  ids: Int32Array;
  ends: Int32Array;
  timestamps: Float64Array;
  values: Float64Array;
  stale: Uint8Array;
};
