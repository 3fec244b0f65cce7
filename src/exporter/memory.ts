// What a reader remembers of each series: the last timestamp that was taken. It makes late samples come through once, and
// nothing twice. A version is never changed; a read that succeeds makes the next one.
import type { EpochMs } from "../platform/clock.ts";
import type { SeriesTable } from "../series/table.ts";

export class Memory {
  readonly table: SeriesTable;
  /** By series id; -Infinity (or beyond the end): not seen by this reader. */
  readonly last: Float64Array;
  /** Series that were not seen yet: only samples newer than this. */
  readonly floor: EpochMs;
  /** From before a restart, for series that have not been seen since. */
  readonly #saved: Map<number, EpochMs> | undefined;
  /** False after a restart, until the first read: which series were alive is not known (evaluated sources). */
  readonly known: boolean;

  constructor(table: SeriesTable, last: Float64Array, floor: EpochMs, saved?: Map<number, EpochMs>, known = true) {
    this.table = table;
    this.last = last;
    this.floor = floor;
    this.#saved = saved;
    this.known = known;
  }

  static fresh(table: SeriesTable, floor: EpochMs, saved?: Map<number, EpochMs>): Memory {
    return new Memory(table, new Float64Array(0), floor, saved);
  }

  /** The last timestamp taken of a series: only newer samples pass. */
  of(id: number): EpochMs {
    const last = id < this.last.length ? this.last[id]! : Number.NEGATIVE_INFINITY;
    if (last !== Number.NEGATIVE_INFINITY) return last;
    return this.#saved?.get(fingerprint(this.table, id)) ?? this.floor;
  }

  /** Was a sample of this series taken? */
  has(id: number): boolean {
    return (
      (id < this.last.length && this.last[id] !== Number.NEGATIVE_INFINITY) ||
      (this.#saved?.has(fingerprint(this.table, id)) ?? false)
    );
  }

  /** The next version: `last` is taken over as it is. */
  next(last: Float64Array): Memory {
    return new Memory(this.table, last, this.floor, this.#saved);
  }

  /** The same position in another query: its series are other ones, all taken up to `read`. */
  at(read: EpochMs): Memory {
    return Memory.fresh(this.table, read);
  }

  /** The same memory over another table: series not seen since `reach` are left behind. */
  migrate(table: SeriesTable, reach: EpochMs): Memory {
    const last = new Map<number, EpochMs>();
    for (let id = 0; id < this.last.length; id++)
      if (this.last[id]! > reach) last.set(table.adopt(this.table, id), this.last[id]!);
    const column = new Float64Array(table.size).fill(Number.NEGATIVE_INFINITY);
    for (const [id, ts] of last) column[id] = ts;
    const saved = new Map([...(this.#saved ?? [])].filter(([, ts]) => ts > reach));
    return new Memory(table, column, this.floor, saved, this.known);
  }

  /** Do both let the same samples newer than `reachFrom` pass? */
  equals(other: Memory, reachFrom: EpochMs): boolean {
    if (this === other) return true;
    if (this.table !== other.table) return false;
    const n = Math.max(this.last.length, other.last.length);
    for (let id = 0; id < n; id++) {
      if (Math.max(this.of(id), reachFrom) !== Math.max(other.of(id), reachFrom)) return false;
    }
    return (
      Math.max(this.floor, reachFrom) === Math.max(other.floor, reachFrom) &&
      this.#savedAbove(reachFrom) === other.#savedAbove(reachFrom)
    );
  }

  /**
   * For the state store: fingerprint and last timestamp of every series with one newer than `since`, as pairs of little-endian
   * doubles; older ones are not needed, since no read reaches back so far.
   */
  toBlob(since: EpochMs): Uint8Array {
    const pairs = new Float64Array(2 * (this.last.length + (this.#saved?.size ?? 0)));
    let n = 0;
    for (const [print, ts] of this.#saved ?? []) {
      if (ts <= since) continue;
      pairs[n++] = print;
      pairs[n++] = ts;
    }
    for (let id = 0; id < this.last.length; id++) {
      if (this.last[id]! <= since) continue;
      pairs[n++] = fingerprint(this.table, id);
      pairs[n++] = this.last[id]!; // a later pair wins over an earlier one of the same series
    }
    return new Uint8Array(pairs.buffer, 0, n * 8);
  }

  /** `floor`: series that are not in the blob pass only newer samples. A blob that is no whole number of pairs is ignored. */
  static fromBlob(table: SeriesTable, blob: Uint8Array, floor: EpochMs): Memory {
    const saved = new Map<number, EpochMs>();
    const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
    for (let at = 0; at + 16 <= blob.byteLength; at += 16)
      saved.set(view.getFloat64(at, true), view.getFloat64(at + 8, true));
    return new Memory(table, new Float64Array(0), floor, saved, false);
  }

  #savedAbove(reachFrom: EpochMs): number {
    let n = 0;
    for (const [, ts] of this.#saved ?? []) if (ts > reachFrom) n++;
    return n;
  }
}

/** By table and id, 0 where not made yet: labels never change, so their hash is made once. */
const prints = new WeakMap<SeriesTable, Float64Array>();

/** 53 bits of hash over a series' encoded labels (two 32-bit multiplicative lanes): the same in every process. */
export function fingerprint(table: SeriesTable, id: number): number {
  let known = prints.get(table);
  if (known === undefined || id >= known.length) {
    const grown = new Float64Array(Math.max(1024, 2 * (id + 1)));
    if (known !== undefined) grown.set(known);
    prints.set(table, grown);
    known = grown;
  }
  if (known[id] === 0) known[id] = hash(table.arena, table.blockStart(id), table.blockEnd(id));
  return known[id]!;
}

function hash(bytes: Uint8Array, from: number, to: number): number {
  let a = 0x811c9dc5;
  let b = 0xdeadbeef;
  for (let i = from; i < to; i++) {
    a = Math.imul(a ^ bytes[i]!, 0x01000193);
    b = Math.imul(b ^ bytes[i]!, 0x85ebca6b) ^ (b >>> 13);
  }
  return (a >>> 0) * 0x200000 + ((b >>> 0) & 0x1fffff);
}
