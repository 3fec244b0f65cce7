// What a reader has taken of the recent past: how many samples of each series in each time range, two bytes each. A later
// answer that has more of them shows samples that became visible after newer ones of their series (producers with several queues,
// shards that a database flushes one after the other): these are late, and sent too. A version is never changed in place.
import type { EpochMs } from "../../platform/clock.ts";
import type { Frame } from "../../series/frame.ts";
import { FrameBuilder } from "../../series/frame-builder.ts";
import { Column, FULL } from "./column.ts";
import type { RestoredCounts } from "./restored-series.ts";

/** Counts kept at most (16 MB), however long an outage of the source was; but always what an ordinary read looks back. */
const MAX_COUNTS = 8_000_000;
const KEEP_STRETCHES = 5;

type Counts = ReadonlyMap<number, Column>;

export class RecentCounts {
  /** A stretch is (k·stretchMs, (k+1)·stretchMs]; 0: nothing is counted. */
  readonly stretchMs: number;
  /** Counts are complete for samples later than this. */
  readonly from: EpochMs;
  readonly #counts: Counts;
  readonly #saved: RestoredCounts | undefined;

  constructor(stretchMs: number, from: EpochMs, counts: Counts = new Map(), saved?: RestoredCounts) {
    this.stretchMs = stretchMs;
    this.from = from;
    this.#counts = counts;
    this.#saved = saved;
  }

  #stretch(ts: EpochMs): number {
    return Math.ceil(ts / this.stretchMs) - 1;
  }

  /** Samples of a series in a stretch; `print`: its fingerprint. */
  count(k: number, id: number, print: (id: number) => number): number {
    const counted = this.#counts.get(k)?.get(id) ?? 0;
    if (this.#saved === undefined) return counted;
    return counted + this.savedCount(k, print(id));
  }

  /** What was taken in a stretch by this process, by series. */
  column(k: number): Column | undefined {
    return this.#counts.get(k);
  }

  /** By series: how many of the samples later than `reach` (the start of a stretch) were taken; undefined where that is not known. */
  expected(reach: EpochMs, print: (id: number) => number): ((id: number) => number) | undefined {
    if (reach < this.from || this.stretchMs === 0) return undefined;
    const columns = [...this.#counts].filter(([k]) => k * this.stretchMs >= reach).map(([, column]) => column);
    const saved = this.#saved;
    const skip = saved === undefined ? 0 : Math.max(0, Math.ceil(reach / this.stretchMs) - saved.first);
    return (id) => {
      let n = 0;
      for (const column of columns) {
        const count = column.get(id);
        n += count === FULL ? Number.POSITIVE_INFINITY : count;
      }
      const before = saved === undefined ? -1 : saved.series.find(print(id));
      if (before >= 0) for (let i = skip; i < saved!.length; i++) n += saved!.counts[before * saved!.length + i]!;
      return n;
    };
  }

  /**
   * With the samples of `frame` that are later than `keepFrom`, and with `late` in place of what was counted of its stretches; what is
   * older is no longer needed.
   */
  add(frame: Frame, late: Frame | undefined, keepFrom: EpochMs, print: (id: number) => number): RecentCounts {
    if (this.stretchMs === 0) return this;
    const first = Math.ceil(keepFrom / this.stretchMs);
    const counts = new Map([...this.#counts].filter(([k]) => k >= first));
    const own = new Map<number, Column>();
    const column = (k: number): Column => {
      let mine = own.get(k);
      if (mine === undefined) {
        // The table knows all series of the frame by now.
        mine = new Column(frame.table.size, counts.get(k));
        counts.set(k, mine);
        own.set(k, mine);
      }
      return mine;
    };
    if (late !== undefined)
      this.#perStretch(late, 0, late.runs, (k, id, samples) => {
        if (k < first) return;
        column(k).set(id, samples - (this.#saved === undefined ? 0 : this.savedCount(k, print(id))));
      });
    for (let run = 0; run < frame.runs; ) {
      const k = this.#stretch(frame.timestamps[frame.runStart[run]!]!);
      const next = k < first ? run : column(k).addRuns(frame, run, k * this.stretchMs, (k + 1) * this.stretchMs);
      // It lies in several, or is too old.
      if (next === run) this.#perStretch(frame, run, run + 1, (k, id, n) => k >= first && column(k).add(id, n));
      run = Math.max(next, run + 1);
    }
    const bounded = this.#bounded(counts);
    const from = Math.max(this.from, first * this.stretchMs, bounded);
    const saved = this.#saved;
    return new RecentCounts(
      this.stretchMs,
      from,
      counts,
      saved !== undefined && saved.first + saved.length > first ? saved : undefined,
    );
  }

  /** How many samples the series of each of these runs has in each stretch. */
  #perStretch(
    { timestamps, runStart, runSeries }: Frame,
    run: number,
    end: number,
    into: (k: number, id: number, samples: number) => void,
  ): void {
    for (; run < end; run++)
      for (let i = runStart[run]!; i < runStart[run + 1]!; ) {
        const start = i;
        const k = this.#stretch(timestamps[i]!);
        while (i < runStart[run + 1]! && this.#stretch(timestamps[i]!) === k) i++;
        into(k, runSeries[run]!, i - start);
      }
  }

  /** Forgets the oldest stretches where there are too many; returns from when on they are complete. */
  #bounded(counts: Map<number, Column>): EpochMs {
    const stretches = [...counts.keys()].sort((a, b) => a - b);
    let total = [...counts.values()].reduce((n, column) => n + column.size, 0);
    let from = Number.NEGATIVE_INFINITY;
    while (total > MAX_COUNTS && stretches.length > KEEP_STRETCHES) {
      const k = stretches.shift()!;
      total -= counts.get(k)!.size;
      counts.delete(k);
      from = (k + 1) * this.stretchMs;
    }
    return from;
  }

  /**
   * `seen`: samples of the answer that are not newer than the newest taken of their series. Those of stretches where the answer has
   * more than were taken are late ones: which of them came late is not known, so all of that stretch are sent (again). `fresh`: as
   * many of them as are new, for counting.
   */
  late(seen: Frame, print: (id: number) => number): { frame: Frame; fresh: Frame } | undefined {
    const builder = new FrameBuilder();
    const fresh = new FrameBuilder();
    const { timestamps, values, stale, runStart, runSeries } = seen;
    for (let run = 0; run < seen.runs; run++) {
      const id = runSeries[run]!;
      builder.startRun(id);
      fresh.startRun(id);
      for (let i = runStart[run]!; i < runStart[run + 1]!; ) {
        const k = this.#stretch(timestamps[i]!);
        let end = i + 1;
        while (end < runStart[run + 1]! && this.#stretch(timestamps[end]!) === k) end++;
        const taken = this.count(k, id, print);
        if (end - i > taken && taken < FULL)
          for (let j = i; j < end; j++) {
            builder.add(timestamps[j]!, values[j]!, stale[j] === 1);
            if (j < end - taken) fresh.add(timestamps[j]!, values[j]!, stale[j] === 1);
          }
        i = end;
      }
    }
    if (builder.samples === 0) return undefined;
    const built = (b: FrameBuilder) => b.build(seen.table, seen.from, seen.to).frame;
    return { frame: built(builder), fresh: built(fresh) };
  }

  /** The same counts after `from`? Ids of both are of one table with `size` series. */
  equals(other: RecentCounts, from: EpochMs, size: number, print: (id: number) => number): boolean {
    if (this.stretchMs !== other.stretchMs) return false;
    if (this.stretchMs === 0) return true;
    if (Math.max(this.from, from) !== Math.max(other.from, from)) return false;
    const first = Math.ceil(from / this.stretchMs);
    for (const k of new Set([...this.#stretches(), ...other.#stretches()])) {
      if (k < first || (this.#counts.get(k) === other.#counts.get(k) && this.#saved === other.#saved)) continue;
      for (let id = 0; id < size; id++) if (this.count(k, id, print) !== other.count(k, id, print)) return false;
    }
    return true;
  }

  #stretches(): number[] {
    const saved = this.#saved;
    return [...this.#counts.keys(), ...Array.from({ length: saved?.length ?? 0 }, (_, i) => saved!.first + i)];
  }

  /** The same counts over other ids; series without a new id are dropped. */
  migrate(ids: ReadonlyMap<number, number>, size: number): RecentCounts {
    const counts = new Map<number, Column>();
    for (const [k, column] of this.#counts) {
      const moved = new Column(size);
      for (const [before, now] of ids) moved.set(now, column.get(before));
      counts.set(k, moved);
    }
    return new RecentCounts(this.stretchMs, this.from, counts, this.#saved);
  }

  /** What was taken before a restart. */
  get restored(): RestoredCounts | undefined {
    return this.#saved;
  }

  /** Stretches in which this process took something, as first and number. */
  get span(): { first: number; length: number } {
    const all = [...this.#counts.keys()];
    if (all.length === 0) return { first: 0, length: 0 };
    const first = Math.min(...all);
    return { first, length: Math.max(...all) - first + 1 };
  }

  /** What was taken of a series before a restart. */
  savedCount(k: number, print: number): number {
    const saved = this.#saved;
    if (saved === undefined || k < saved.first || k >= saved.first + saved.length) return 0;
    const i = saved.series.find(print);
    return i < 0 ? 0 : saved.counts[i * saved.length + k - saved.first]!;
  }

  /** Samples that a series has in a millisecond, about: how much a read that looks back is asked for again and again. */
  density(): number {
    let samples = 0;
    let series = 0;
    for (const column of this.#counts.values()) {
      samples += column.samples;
      series += column.series;
    }
    return series === 0 ? 0 : samples / series / this.stretchMs;
  }
}
