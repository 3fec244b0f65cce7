// The source's clock, as its answers tell it. Windows are bounded by it: an agent that trusted its own fast clock would read
// windows before their samples exist.
import type { EpochMs } from "../platform/clock.ts";

/** Answers that are remembered. */
const KEEP = 10;
/** The newest answer is this far below the others: the source's clock was set back. */
const SET_BACK_MS = 5_000;

export class SourceClock {
  /** Date header minus monotonic time at receipt, newest last: each is a lower bound, since Date is cut to the second. */
  #offsets: number[] = [];

  /** `dateMs`: the answer's Date header. `monotonicMs`: when its head arrived. */
  answered(dateMs: EpochMs, monotonicMs: number): void {
    const offset = dateMs - monotonicMs;
    if (this.#offsets.length > 0 && offset < Math.max(...this.#offsets) - SET_BACK_MS) this.#offsets = [];
    this.#offsets = [...this.#offsets, offset].slice(-KEEP);
  }

  /** A lower bound of the source's now, at most about a second late; undefined before the first answer with a Date. */
  now(monotonicMs: number): EpochMs | undefined {
    return this.#offsets.length === 0 ? undefined : Math.max(...this.#offsets) + monotonicMs;
  }

  /** Source's now minus the agent's wall clock. */
  differenceMs(wallNow: EpochMs, monotonicMs: number): number | undefined {
    const now = this.now(monotonicMs);
    return now === undefined ? undefined : now - wallNow;
  }
}
