// Which windows of one source may have been sent to this sink before, and whether a series of a window can have arrived in part. Saved
// before the first attempt of each window, so that a process that follows a kill knows what was really attempted. Pure.
import type { Origin } from "../delivery/batch-splitter.ts";
import type { EpochMs } from "../platform/clock.ts";
import type { Window } from "../source/window.ts";
import type { Attempted } from "../state/attempted.ts";

/** A window as it was read. */
export type ReadWindow = Window & { samples: number; series: number };

/**
 * Settled windows are kept for as long as the cursor behind them may not be saved: on a slow disk that is seconds later. Without them a
 * process that follows a kill reads them and the next as one window, and looks into what was sent sample by sample.
 */
const SETTLED_KEPT = 12;

export class Attempts {
  #attempted: Attempted;
  /** What was taken of samples up to here may be forgotten: they may come again in a window of whatever time. */
  #again: EpochMs;

  /** `saved` undefined with `unknown`: everything up to the source's now may have been sent. */
  constructor(saved: Attempted | undefined, unknown: boolean) {
    this.#attempted = saved ?? { to: unknown ? Number.POSITIVE_INFINITY : 0, windows: [] };
    this.#again = this.#attempted.to;
  }

  /** Windows that begin before this may have been sent. */
  get to(): EpochMs {
    return this.#attempted.to;
  }

  /** Ends of the windows after `cursor` that were attempted: read again to the same ends, nothing new is mixed with what was sent. */
  endsAfter(cursor: EpochMs): EpochMs[] {
    return this.#attempted.windows.map(({ to }) => to).filter((to) => to > cursor);
  }

  /**
   * What was sent will be read again, and cut differently, by a reader that does not remember it; so will what waits to be sent, up to
   * `waiting`. Returns what is to be saved, since no attempt of what waits is recorded any more; undefined where that is not known yet: a
   * process that finds nothing saved takes everything to be sent.
   */
  readAgain(waiting: EpochMs): Attempted | undefined {
    this.#attempted = { to: Math.max(this.#attempted.to, waiting), windows: [] };
    this.#again = this.#attempted.to;
    return this.#again === Number.POSITIVE_INFINITY ? undefined : this.#attempted;
  }

  /** What was not read yet cannot have been sent. */
  readUpTo(sourceNow: EpochMs): void {
    if (this.#attempted.to === Number.POSITIVE_INFINITY) this.#attempted = { ...this.#attempted, to: sourceNow };
    this.#again = Math.min(this.#again, this.#attempted.to);
  }

  /**
   * A series of a window has one run in one request (or, longer than maxSize, is cut at multiples of it). `oldest`: of its samples, which
   * may be older than the window where a read reaches back.
   */
  origin(window: ReadWindow, maxSize: number, oldest: EpochMs): Pick<Origin, "sent" | "together"> {
    if (window.from >= this.#attempted.to && oldest > this.#again) return { sent: false, together: true };
    const before = this.#attempted.windows.find((w) => w.from === window.from && w.to === window.to);
    const same = before?.samples === window.samples && before.series === window.series && before.maxSize === maxSize;
    return { sent: true, together: same && before.together };
  }

  /** Before an attempt of parts of `windows`. Returns what is to be saved, if that is new. */
  record(
    windows: readonly (ReadWindow & { maxSize: number; together: boolean })[],
    cursor: EpochMs,
  ): Attempted | undefined {
    let changed = false;
    let list = this.#attempted.windows;
    for (const { from, to, samples, series, maxSize, together } of windows) {
      const known = list.find((w) => w.from === from && w.to === to);
      const same = known?.samples === samples && known.series === series && known.maxSize === maxSize;
      const now = {
        from,
        to,
        samples,
        series,
        maxSize,
        together: together && (known === undefined || (same && known.together)),
      };
      if (known !== undefined && same && known.together === now.together) continue;
      changed = true;
      list = [...list.filter((w) => w !== known), now];
    }
    if (!changed) return undefined;
    const to = Math.max(this.#attempted.to, ...windows.map((w) => w.to));
    list = [...list].sort((a, b) => a.to - b.to);
    const settled = list.filter((w) => w.to <= cursor).length;
    this.#attempted = { to, windows: list.slice(Math.max(0, settled - SETTLED_KEPT)) };
    return this.#attempted;
  }
}
