// What was remembered of each series before a restart, by its fingerprint: the last timestamp that was taken, and how many samples of
// the recent past. Columns and an index of our own: a map of a million entries takes ten times as much.
import type { EpochMs } from "../../platform/clock.ts";

/** Series by fingerprint, numbered from 0, each with the last timestamp that was taken of it. */
export class RestoredSeries {
  #size = 0;
  readonly #prints: Float64Array;
  readonly #last: Float64Array;
  /** Number + 1, or 0. */
  readonly #slots: Int32Array;
  #newest = Number.NEGATIVE_INFINITY;

  /** Room for `most` series. */
  constructor(most: number) {
    this.#prints = new Float64Array(most);
    this.#last = new Float64Array(most);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(most / 0.75 + 1)));
  }

  get size(): number {
    return this.#size;
  }

  /** The newest of all timestamps; -Infinity without series. */
  get newest(): EpochMs {
    return this.#newest;
  }

  print(i: number): number {
    return this.#prints[i]!;
  }

  last(i: number): EpochMs {
    return this.#last[i]!;
  }

  /** The number of a series; -1: it is not here. */
  find(print: number): number {
    return this.#slots[this.#slot(print)]! - 1;
  }

  /** Adds a series, or changes its last timestamp; returns its number. */
  set(print: number, last: EpochMs): number {
    const slot = this.#slot(print);
    if (this.#slots[slot] === 0) {
      this.#prints[this.#size] = print;
      this.#slots[slot] = ++this.#size;
    }
    const i = this.#slots[slot]! - 1;
    this.#last[i] = last;
    if (last > this.#newest) this.#newest = last;
    return i;
  }

  /** Those whose last timestamp is after `ts`. */
  after(ts: EpochMs): RestoredSeries {
    const left = new RestoredSeries(this.#size);
    for (let i = 0; i < this.#size; i++) if (this.#last[i]! > ts) left.set(this.#prints[i]!, this.#last[i]!);
    return left;
  }

  /** The slot of the series, or the free one for it. A fingerprint is a hash: its upper 32 bits tell the place. */
  #slot(print: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = Math.floor(print / 0x200000) & mask; ; slot = (slot + 1) & mask) {
      const i = this.#slots[slot]! - 1;
      if (i < 0 || this.#prints[i] === print) return slot;
    }
  }
}

/** Samples of each of `series` in the stretches from `first` on: `length` counts a series. */
export type RestoredCounts = { first: number; length: number; series: RestoredSeries; counts: Uint16Array };

export type RestoredBlob = RestoredCounts & { stretchMs: number; from: EpochMs };

/** Series as they were saved together: their fingerprints; `columns`: last timestamps, then the counts of each of `length` stretches. */
export type RestoredBlock = { prints: Float64Array; first: number; length: number; columns(): Float64Array[] };

/** Counts of series, more than any memory has (RecentCounts): damaged. */
const MAX_COUNTS = 64_000_000;

/** Series of several blocks, in none of them twice: their newest timestamp, which is newer than `since`, and the sum of their counts. */
export function mergedSeries(
  { stretchMs, from, since }: { stretchMs: number; from: EpochMs; since: EpochMs },
  blocks: readonly RestoredBlock[],
): RestoredBlob | undefined {
  if (!Number.isFinite(stretchMs) || !Number.isFinite(from) || Number.isNaN(since)) return undefined;
  const counted = blocks.filter((block) => block.length > 0);
  const first = counted.reduce((least, block) => Math.min(least, block.first), counted[0]?.first ?? 0);
  const length = counted.reduce((most, block) => Math.max(most, block.first + block.length - first), 0);
  const most = blocks.reduce((n, { prints }) => n + prints.length, 0);
  if (most * length > MAX_COUNTS) return undefined;
  const series = new RestoredSeries(most);
  const sums = new Uint16Array(most * length);
  for (const block of blocks) {
    const [last, ...counts] = block.columns() as [Float64Array, ...Float64Array[]];
    for (let j = 0; j < last.length; j++) {
      const [print, time] = [block.prints[j]!, last[j]!];
      if (!Number.isSafeInteger(print) || print < 0 || !Number.isFinite(time) || time <= since) continue; // damaged, or too old
      const known = series.find(print);
      const i = known >= 0 && series.last(known) >= time ? known : series.set(print, time);
      const row = length * i + block.first - first;
      for (let k = 0; k < counts.length; k++) sums[row + k] = Math.min(0xffff, sums[row + k]! + counts[k]![j]!);
    }
  }
  return { stretchMs, from, first, length, series, counts: sums };
}
