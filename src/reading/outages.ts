// When the source was away as a whole: from its last response to whatever query to the next one. One query that fails while others are
// answered is not an outage: it must not make the reads of the others longer and longer.
import type { EpochMs } from "../platform/clock.ts";
import { LOOK_BACK, reachFrom, type Window } from "../source/window.ts";
import type { Member, Reader } from "./reader.ts";

/** For this long after an outage reads reach back to before it: producers deliver what they buffered. */
const OUTAGE_REACH_MS = 300_000;

/** Date is cut to the second, and a response takes its time. */
const GRAIN_MS = 2_000;
const AHEAD_KEPT_MS = 3_600_000;

export class Outages {
  #past: { from: EpochMs; to: EpochMs }[] = [];
  #answeredAt: EpochMs | undefined;
  #awaySince: EpochMs | undefined;
  /** Responses whose clock was behind the one that windows follow. */
  #ahead: { at: EpochMs; aheadMs: number }[] = [];

  /** The source was seen at `now` for the first time: outages begin after it. */
  begin(now: EpochMs): void {
    this.#answeredAt ??= now;
  }

  answered(now: EpochMs): void {
    this.#past = this.#past.filter(({ to }) => now < to + OUTAGE_REACH_MS);
    if (this.#awaySince !== undefined) this.#past.push({ from: this.#awaySince, to: now });
    this.#awaySince = undefined;
    this.#answeredAt = now;
  }

  failed(now: EpochMs): void {
    this.#awaySince ??= this.#answeredAt ?? now;
  }

  /** A response showed a clock that is `aheadMs` behind the one that windows follow. */
  ahead(now: EpochMs, aheadMs: number): void {
    this.#ahead = this.#ahead.filter(({ at }) => now - at < AHEAD_KEPT_MS);
    if (aheadMs > GRAIN_MS) this.#ahead.push({ at: now, aheadMs });
  }

  /** Where the read of `window` begins to look for late samples. */
  reach({ query, memory, reachedAt }: Reader<Member>, window: Window, sourceNow: EpochMs): EpochMs {
    const { lateWindowMs, intervalMs } = query;
    const outage = this.earliest(sourceNow, lateWindowMs);
    const lateness = this.#latenessMs(sourceNow, LOOK_BACK * lateWindowMs + 2 * intervalMs);
    const from = lateness === 0 ? outage : Math.min(window.from, outage ?? window.from) - lateness;
    return reachFrom(window, reachedAt, query, memory.taken.density(), from);
  }

  /**
   * Reads that follow look back to here at most, as far as is known now: the time of which readers must remember the same before one
   * takes over the subscribers of another.
   */
  farthest(reader: Reader<Member>, sourceNow: EpochMs): EpochMs {
    const { read, query } = reader;
    const far = this.reach(reader, { from: read, to: Number.POSITIVE_INFINITY }, sourceNow);
    return Math.min(far, read - LOOK_BACK * query.lateWindowMs);
  }

  /**
   * How much later than by the late window a sample can become visible: windows that were read within the last `sinceMs` may have ended
   * that far ahead of the source's clock.
   */
  #latenessMs(now: EpochMs, sinceMs: number): number {
    return Math.max(0, ...this.#ahead.filter(({ at, aheadMs }) => now - at < sinceMs + aheadMs).map((a) => a.aheadMs));
  }

  /** The begin of the earliest outage that was longer than `lateWindowMs` and ended a short time ago, or lasts. */
  earliest(now: EpochMs, lateWindowMs: number): EpochMs | undefined {
    const all = this.#awaySince === undefined ? this.#past : [...this.#past, { from: this.#awaySince, to: now }];
    const begins = all
      .filter(({ from, to }) => to - from > lateWindowMs && now < to + OUTAGE_REACH_MS)
      .map(({ from }) => from);
    return begins.length === 0 ? undefined : Math.min(...begins);
  }
}
