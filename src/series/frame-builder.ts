// Samples in as they are decoded, a Frame out: columns that grow and are used again, then one right-sized copy in sending order.
import type { Staged } from "../hotpath/module.ts";
import type { EpochMs } from "../platform/clock.ts";
import { type Column, release, wider } from "./columns.ts";
import { emptyFrame, type Frame } from "./frame.ts";
import type { SeriesTable } from "./table.ts";

export class FrameBuilder {
  #timestamps = new Float64Array(4096);
  #values = new Float64Array(4096);
  #stale = new Uint8Array(4096);
  #samples = 0;
  #runSeries = new Int32Array(1024);
  #runStart = new Int32Array(1025);
  #runs = 0;
  /** A series came more than once, or its samples were not in order. */
  #tidy = true;

  /** Series with one sample, which are kept elsewhere until build(). */
  #singles: Singles | undefined;

  /** All that were added. */
  get samples(): number {
    return this.#samples + (this.#singles?.singles ?? 0);
  }

  /** Samples of series that have only one of this frame are not added, but in `singles`. */
  with(singles: Singles): void {
    this.#singles = singles;
  }

  get runs(): number {
    return this.#runs;
  }

  clear(): void {
    this.#singles = undefined;
    this.#samples = 0;
    this.#runs = 0;
    this.#tidy = true;
    if (this.#timestamps.length > KEEP_CAPACITY) {
      this.#timestamps = emptied(this.#timestamps, new Float64Array(4096));
      this.#values = emptied(this.#values, new Float64Array(4096));
      this.#stale = emptied(this.#stale, new Uint8Array(4096));
    }
    if (this.#runSeries.length > KEEP_CAPACITY) {
      this.#runSeries = emptied(this.#runSeries, new Int32Array(1024));
      this.#runStart = emptied(this.#runStart, new Int32Array(1025));
    }
  }

  /** Samples that follow belong to this series. */
  startRun(series: number): void {
    this.#dropEmptyRun();
    this.#runSeries = wider(this.#runSeries, this.#runs + 1);
    this.#runStart = wider(this.#runStart, this.#runs + 2);
    this.#runSeries[this.#runs] = series;
    this.#runStart[this.#runs] = this.#samples;
    this.#runs++;
  }

  /** Takes back the run that was started last, and its samples. */
  dropRun(): void {
    this.#runs--;
    this.#samples = this.#runStart[this.#runs]!;
  }

  add(timestamp: EpochMs, value: number, stale: boolean): void {
    let n = this.#samples;
    if (n === this.#timestamps.length) this.#grow();
    if (n > this.#runStart[this.#runs - 1]! && timestamp < this.#timestamps[n - 1]!) this.#tidy = false;
    this.#timestamps[n] = timestamp;
    this.#values[n] = value;
    this.#stale[n] = stale ? 1 : 0;
    this.#samples = ++n;
  }

  /** Whole runs, of series that have several samples each, in order. */
  addRuns({ ids, ends, timestamps, values, stale }: Staged): void {
    this.#dropEmptyRun();
    const runs = this.#runs + ids.length;
    const samples = this.#samples + timestamps.length;
    this.#runSeries = wider(this.#runSeries, runs);
    this.#runStart = wider(this.#runStart, runs + 1);
    this.#timestamps = wider(this.#timestamps, samples);
    this.#values = wider(this.#values, samples);
    this.#stale = wider(this.#stale, samples);
    this.#runSeries.set(ids, this.#runs);
    this.#runStart[this.#runs] = this.#samples;
    for (let i = 0; i < ids.length; i++) this.#runStart[this.#runs + i + 1] = this.#samples + ends[i]!;
    this.#timestamps.set(timestamps, this.#samples);
    this.#values.set(values, this.#samples);
    this.#stale.set(stale, this.#samples);
    this.#runs = runs;
    this.#samples = samples;
  }

  #dropEmptyRun(): void {
    if (this.#runs > 0 && this.#runStart[this.#runs - 1] === this.#samples) this.#runs--;
  }

  /**
   * What was added, as a frame; the builder is empty then. `seriesTwice`: two different label sets of the answer became one series.
   * Of a large answer each column is given back as soon as it is copied.
   */
  build(table: SeriesTable, from: EpochMs, to: EpochMs): { frame: Frame; seriesTwice: boolean } {
    const alone = this.#singles?.singles ? frameOf(this.#singles, table, from, to) : undefined;
    this.#singles = undefined;
    this.#dropEmptyRun();
    if (alone !== undefined && this.#runs === 0) return { frame: alone, seriesTwice: false };
    const { frame, seriesTwice } = this.#build(table, from, to);
    return { frame: alone === undefined ? frame : merged(frame, alone), seriesTwice };
  }

  #build(table: SeriesTable, from: EpochMs, to: EpochMs): { frame: Frame; seriesTwice: boolean } {
    this.#runStart[this.#runs] = this.#samples;
    const order = this.#order(table);
    const { runs, seriesTwice } = this.#countRuns(order);
    const samples = this.#samples;
    const runSeries = new Int32Array(runs);
    const runStart = new Int32Array(runs + 1);
    let at = 0;
    let run = -1;
    // By index: an iterator over a typed array makes an object a step.
    for (let o = 0; o < order.length; o++) {
      const i = order[o]!;
      const series = this.#runSeries[i]!;
      if (run < 0 || runSeries[run] !== series) {
        run++;
        runSeries[run] = series;
        runStart[run] = at;
      }
      at += this.#runStart[i + 1]! - this.#runStart[i]!;
    }
    runStart[runs] = samples;
    const timestamps = this.#inOrder(order, this.#timestamps, samples);
    if (samples > KEEP_CAPACITY) this.#timestamps = emptied(this.#timestamps, new Float64Array(4096));
    const values = this.#inOrder(order, this.#values, samples);
    if (samples > KEEP_CAPACITY) this.#values = emptied(this.#values, new Float64Array(4096));
    const stale = this.#bytesInOrder(order, this.#stale, samples);
    release(order);
    const frame: Frame = {
      table,
      from,
      to,
      runs,
      runSeries,
      runStart,
      samples,
      timestamps,
      values,
      stale,
      dropped: {},
      bytes: 0,
    };
    if (!this.#tidy || seriesTwice) sortRuns(frame);
    this.clear();
    return { frame, seriesTwice };
  }

  #inOrder(order: Int32Array, column: Float64Array, samples: number): Float64Array<ArrayBuffer> {
    const sorted = new Float64Array(samples);
    let at = 0;
    for (let o = 0; o < order.length; o++) {
      const i = order[o]!;
      const end = this.#runStart[i + 1]!;
      for (let s = this.#runStart[i]!; s < end; s++) sorted[at++] = column[s]!;
    }
    return sorted;
  }

  /** The same: one loop for both kinds of columns is three times slower. */
  #bytesInOrder(order: Int32Array, column: Uint8Array, samples: number): Uint8Array<ArrayBuffer> {
    const sorted = new Uint8Array(samples);
    let at = 0;
    for (let o = 0; o < order.length; o++) {
      const i = order[o]!;
      const end = this.#runStart[i + 1]!;
      for (let s = this.#runStart[i]!; s < end; s++) sorted[at++] = column[s]!;
    }
    return sorted;
  }

  /** Runs in the table's sending order. A series that comes twice keeps the order of its runs. */
  #order(table: SeriesTable): Int32Array<ArrayBuffer> {
    const positions = table.positions();
    // Series by place: the first run of each, and chains of the rare further ones.
    const first = new Int32Array(positions.length);
    const next = new Int32Array(this.#runs);
    for (let run = this.#runs - 1; run >= 0; run--) {
      const place = positions[this.#runSeries[run]!]!;
      next[run] = first[place]!;
      first[place] = run + 1;
    }
    const order = new Int32Array(this.#runs);
    let n = 0;
    for (let place = 0; place < first.length; place++) {
      for (let run = first[place]!; run !== 0; run = next[run - 1]!) order[n++] = run - 1;
    }
    release(first, next);
    return order;
  }

  #countRuns(order: Int32Array): { runs: number; seriesTwice: boolean } {
    let runs = 0;
    let last = -1;
    for (let o = 0; o < order.length; o++) {
      const series = this.#runSeries[order[o]!]!;
      if (series !== last) runs++;
      last = series;
    }
    return { runs, seriesTwice: runs !== order.length };
  }

  #grow(): void {
    const more = this.#samples + 1;
    this.#timestamps = wider(this.#timestamps, more);
    this.#values = wider(this.#values, more);
    this.#stale = wider(this.#stale, more);
  }
}

/** Samples or runs; a builder that had to hold more gives its columns back afterwards. */
const KEEP_CAPACITY = 262_144;

function emptied<C extends Column>(column: C, empty: C): C {
  release(column);
  return empty;
}

/** Each run by timestamp, stable. Rare: sources answer in order. */
function sortRuns(frame: Frame): void {
  for (let run = 0; run < frame.runs; run++) {
    const from = frame.runStart[run]!;
    const to = frame.runStart[run + 1]!;
    const order = Array.from({ length: to - from }, (_, i) => from + i);
    order.sort((a, b) => frame.timestamps[a]! - frame.timestamps[b]! || a - b);
    for (const column of [frame.timestamps, frame.values, frame.stale]) {
      const sorted = order.map((i) => column[i]!);
      column.set(sorted, from);
    }
  }
}

/** Series that have one sample each: how many, and their samples in the order of sending, in pieces. */
export type Singles = { readonly singles: number; collect(each: (staged: Staged) => void): void };

function frameOf(singles: Singles, table: SeriesTable, from: EpochMs, to: EpochMs): Frame {
  const frame = emptyFrame(table, from, to, singles.singles, singles.singles);
  let at = 0;
  singles.collect(({ ids, timestamps, values, stale }) => {
    frame.runSeries.set(ids, at);
    frame.timestamps.set(timestamps, at);
    frame.values.set(values, at);
    frame.stale.set(stale, at);
    at += ids.length;
  });
  for (let run = 0; run <= at; run++) frame.runStart[run] = run;
  return frame;
}

/** Two frames of different series, as one. */
function merged(a: Frame, b: Frame): Frame {
  const { table, from, to } = a;
  const frame = emptyFrame(table, from, to, a.runs + b.runs, a.samples + b.samples);
  const positions = table.positions();
  let at = 0;
  for (let run = 0, i = 0, j = 0; run < frame.runs; run++) {
    const first = j === b.runs || (i < a.runs && positions[a.runSeries[i]!]! < positions[b.runSeries[j]!]!);
    const source = first ? a : b;
    const r = first ? i++ : j++;
    frame.runSeries[run] = source.runSeries[r]!;
    frame.runStart[run] = at;
    for (let s = source.runStart[r]!; s < source.runStart[r + 1]!; s++, at++) {
      frame.timestamps[at] = source.timestamps[s]!;
      frame.values[at] = source.values[s]!;
      frame.stale[at] = source.stale[s]!;
    }
  }
  frame.runStart[frame.runs] = at;
  return frame;
}
