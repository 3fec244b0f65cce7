// How many samples of each series one time range has: two bytes a series, and their sums, which are asked for at each read.
import type { EpochMs } from "../../platform/clock.ts";
import type { Frame } from "../../series/frame.ts";
import { allEqual } from "./packed.ts";

/** A count at its maximum is not used: no late samples are found in that stretch of that series. */
export const FULL = 0xffff;

export class Column {
  readonly #counts: Uint16Array;
  #samples = 0;
  #series = 0;

  /** Room for `size` series, or for more where it is a copy of a column that has more. */
  constructor(size: number, copyOf?: Column) {
    this.#counts = new Uint16Array(Math.max(size, copyOf?.size ?? 0));
    if (copyOf === undefined) return;
    this.#counts.set(copyOf.#counts);
    this.#samples = copyOf.#samples;
    this.#series = copyOf.#series;
  }

  get size(): number {
    return this.#counts.length;
  }

  /** Sum of all counts. */
  get samples(): number {
    return this.#samples;
  }

  /** Series that have one. */
  get series(): number {
    return this.#series;
  }

  /** By series id; 0 beyond the end. */
  get(id: number): number {
    return id < this.#counts.length ? this.#counts[id]! : 0;
  }

  /** Of `size` series from `first` on; undefined: they have not all the same. */
  ofAll(first: number, size: number): number | undefined {
    const known = this.#counts.subarray(first, first + size);
    if (known.length === 0) return 0;
    return known.length === size && allEqual(known) ? known[0]! : undefined;
  }

  /** Of the series from `first` on, as many as `into` takes. */
  copy(first: number, into: Float64Array): void {
    const known = this.#counts.subarray(first, first + into.length);
    into.set(known);
    into.fill(0, known.length);
  }

  add(id: number, samples: number): void {
    this.set(id, this.#counts[id]! + samples);
  }

  /** Counts the runs of a frame from `run` on that lie in (from, to] as a whole; returns the first that does not. */
  addRuns({ timestamps, runStart, runSeries, runs }: Frame, run: number, from: EpochMs, to: EpochMs): number {
    const counts = this.#counts;
    let at = run;
    let samples = 0;
    let series = 0;
    for (; at < runs; at++) {
      const start = runStart[at]!;
      const end = runStart[at + 1]!;
      if (timestamps[start]! <= from || timestamps[end - 1]! > to) break;
      const id = runSeries[at]!;
      const before = counts[id]!;
      const now = Math.min(FULL, before + end - start);
      counts[id] = now;
      samples += now - before;
      if (before === 0 && now > 0) series++;
    }
    this.#samples += samples;
    this.#series += series;
    return at;
  }

  set(id: number, samples: number): void {
    const before = this.#counts[id]!;
    const now = Math.max(0, Math.min(FULL, samples));
    this.#counts[id] = now;
    this.#samples += now - before;
    if (before === 0 && now > 0) this.#series++;
    if (before > 0 && now === 0) this.#series--;
  }
}
