// May samples be refused because they are too old? A receiver that refuses by age takes the newer part of a series only, so while age
// may be the reason the samples of a refused series are tried one by one. Pure: the caller has the clock.
import type { EpochMs } from "../platform/clock.ts";

/** No known receiver refuses younger samples than this as too old (Prometheus: about an hour behind its newest). */
const NEVER_TOO_OLD_MS = 600_000;
/** This many series that were refused sample by sample up to a time, and nothing taken: what is older is refused for its age. */
const ENOUGH_SERIES = 8;

export class Ages {
  /** The oldest age that was taken. */
  #takenMs = NEVER_TOO_OLD_MS;
  /** The newest times of series that were refused whole while age may have been the reason, latest first. */
  #refused: EpochMs[] = [];

  taken(oldest: EpochMs, now: EpochMs): void {
    this.#takenMs = Math.max(this.#takenMs, now - oldest);
    this.#refused = this.#refused.filter((newest) => newest < oldest);
  }

  refusedWhole(newest: EpochMs): void {
    this.#refused = [...this.#refused, newest].sort((a, b) => b - a).slice(0, ENOUGH_SERIES);
  }

  /** False: it is known that none of the samples is, or that all are. */
  mayDecide(oldest: EpochMs, newest: EpochMs, now: EpochMs): boolean {
    if (now - oldest <= this.#takenMs) return false;
    return newest > (this.#refused[ENOUGH_SERIES - 1] ?? Number.NEGATIVE_INFINITY);
  }
}
