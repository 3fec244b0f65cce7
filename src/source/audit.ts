// The audit of late samples: how many samples of each time range a reader has taken, and which stretches can be compared with
// what the source has by now. A auditCounts is never changed in place: it is a part of a reader's memory. Pure.
import type { EpochMs } from "../platform/clock.ts";
import type { Frame } from "../series/frame.ts";
import type { Window } from "./window.ts";

/** Stretches that are remembered: the running one, the one that ripens, and what an audit may be behind. */
const KEEP = 5;

export class AuditCounts {
  /** Everything that was taken after this time is counted here. */
  readonly since: EpochMs;
  readonly #counts: ReadonlyMap<number, number>;

  private constructor(since: EpochMs, counts: ReadonlyMap<number, number>) {
    this.since = since;
    this.#counts = counts;
  }

  /** Begins at a read position; what is taken of older times is not counted. */
  static begin(since: EpochMs): AuditCounts {
    return new AuditCounts(since, new Map());
  }

  /**
   * The auditCounts after a window. Stale markers are not counted, as the source's count_over_time does not. A window that is read long
   * after its time has nothing late any more: counting starts again after it.
   */
  add(frames: readonly Frame[], window: Window, sourceNow: EpochMs, stretchMs: number): AuditCounts {
    if (sourceNow - window.to >= stretchMs) return AuditCounts.begin(window.to);
    const counts = new Map(this.#counts);
    const add = (k: number, n: number) => counts.set(k, (counts.get(k) ?? 0) + n);
    for (const frame of frames) {
      // Neighbours are nearly always of one stretch, (from, to]: counted together.
      const { timestamps, stale, samples } = frame;
      let stretch = Number.NaN;
      let from = Number.POSITIVE_INFINITY;
      let to = Number.NEGATIVE_INFINITY;
      let n = 0;
      for (let i = 0; i < samples; i++) {
        const ts = timestamps[i]!;
        if (ts <= this.since || stale[i] !== 0) continue;
        if (ts <= from || ts > to) {
          if (n > 0) add(stretch, n);
          stretch = stretchOf(ts, stretchMs);
          from = stretch * stretchMs;
          to = from + stretchMs;
          n = 0;
        }
        n++;
      }
      if (n > 0) add(stretch, n);
      const dropped = Object.values(frame.dropped).reduce((a, b) => a + b, 0);
      if (dropped === 0) continue;
      // Of those only the window is known.
      if (stretchOf(window.from + 1, stretchMs) !== stretchOf(window.to, stretchMs))
        return AuditCounts.begin(window.to);
      add(stretchOf(window.to, stretchMs), dropped);
    }
    const oldest = stretchOf(window.to, stretchMs) - KEEP;
    for (const k of counts.keys()) if (k < oldest) counts.delete(k);
    return new AuditCounts(this.since, counts);
  }

  /** Samples taken in the stretch that ends at `to`. */
  taken(to: EpochMs, stretchMs: number): number {
    return this.#counts.get(stretchOf(to, stretchMs)) ?? 0;
  }

  /** Stretches that were read to their end and ended at least one stretch ago: what comes later than that is not looked for. */
  ripe(read: EpochMs, sourceNow: EpochMs, stretchMs: number): Window[] {
    const last = Math.floor(Math.min(read, sourceNow - stretchMs) / stretchMs);
    const first = Math.max(stretchOf(this.since + 1, stretchMs) + 1, last - KEEP + 2);
    const ripe: Window[] = [];
    for (let end = first; end <= last; end++)
      ripe.push({ from: Math.max(this.since, (end - 1) * stretchMs), to: end * stretchMs });
    return ripe;
  }
}

/** Stretch k is (k·stretchMs, (k+1)·stretchMs]. */
const stretchOf = (ts: EpochMs, stretchMs: number): number => Math.ceil(ts / stretchMs) - 1;
