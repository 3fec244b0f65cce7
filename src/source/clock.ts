// The source's clock, as the Date of its responses tells it. Windows are bounded by it: an agent that trusted its own fast clock would
// read windows before their samples exist. Several replicas behind one address may have clocks that differ: the slower ones count.
import type { EpochMs } from "../platform/clock.ts";

/** Responses that are remembered. */
const KEEP = 30;
/** Of those, how many tell the time: each is a lower bound, since Date is cut to the second. */
const BEST_OF = 10;
/** Two responses that differ by more than this come from different clocks, or the clock was changed between them. */
const DIFFERS_MS = 5_000;
/** This many responses in a row prove that a clock was set back. */
const PROOF = 3;
/** The same while another set-back was less than SET_BACK_EVERY_MS ago. */
const STRONG_PROOF = 10;
const SET_BACK_EVERY_MS = 3_600_000;
/** So many changes to and fro within an hour: replicas. */
const REPLICA_CHANGES = 3;
/** A clock that was set back by at most this is approached slowly: time does not stand still meanwhile, and nothing is read twice. */
const SLEW_MS = 15_000;
const SLEW_RATE = 0.75;

export class SourceClock {
  /** Date minus monotonic time at receipt, newest last. */
  #offsets: number[] = [];
  /** Monotonic times of changes by more than DIFFERS_MS from one response to the next. */
  #changes: number[] = [];
  #offset: number | undefined;
  #replicas = false;
  #setBackAtMs = Number.NEGATIVE_INFINITY;
  /** While a small set-back is approached: from where and since when. */
  #slew: { from: EpochMs; sinceMs: number } | undefined;

  /** `dateMs`: the response's Date header. `monotonicMs`: when its head arrived. */
  answered(dateMs: EpochMs, monotonicMs: number): void {
    const offset = dateMs - monotonicMs;
    const last = this.#offsets.at(-1);
    if (last !== undefined && Math.abs(offset - last) > DIFFERS_MS) this.#changes.push(monotonicMs);
    this.#changes = this.#changes.filter((at) => monotonicMs - at < SET_BACK_EVERY_MS);
    this.#offsets = [...this.#offsets, offset].slice(-KEEP);
    this.#moveTo(this.#estimate(), monotonicMs);
  }

  /**
   * A lower bound of the source's now, at most about a second late, in whole ms as windows and cursors are (a monotonic clock has
   * fractions); undefined before the first response with a Date.
   */
  now(monotonicMs: number): EpochMs | undefined {
    if (this.#offset === undefined) return undefined;
    const now = this.#offset + monotonicMs;
    if (this.#slew === undefined) return Math.floor(now);
    return Math.floor(Math.max(now, this.#slew.from + SLEW_RATE * (monotonicMs - this.#slew.sinceMs)));
  }

  /**
   * How far now() is ahead of the clock that the last response showed, ms: a set-back that is not proved yet or is approached slowly, or
   * the slower one of replicas. Windows then end before their samples are there.
   */
  aheadMs(monotonicMs: number): number {
    const [now, last] = [this.now(monotonicMs), this.#offsets.at(-1)];
    return now === undefined || last === undefined ? 0 : Math.max(0, now - Math.floor(last + monotonicMs));
  }

  /** Source's now minus the agent's wall clock. */
  differenceMs(wallNow: EpochMs, monotonicMs: number): number | undefined {
    const now = this.now(monotonicMs);
    return now === undefined ? undefined : now - wallNow;
  }

  /** How far the clocks of replicas behind the source's address differ; 0: they agree. */
  get spreadMs(): number {
    return this.#replicas && this.#offset !== undefined ? Math.max(0, Math.max(...this.#offsets) - this.#offset) : 0;
  }

  #moveTo(offset: number, monotonicMs: number): void {
    const before = this.#offset;
    const nowBefore = this.now(monotonicMs);
    if (before === undefined || nowBefore === undefined || offset >= before) {
      this.#offset = offset;
      return;
    }
    const backMs = nowBefore - (offset + monotonicMs);
    if (backMs > SLEW_MS) {
      const isLast = Math.abs(this.#offsets.at(-1)! - offset) <= DIFFERS_MS;
      const proved = isLast && this.#run() >= STRONG_PROOF;
      if (!proved && monotonicMs - this.#setBackAtMs < SET_BACK_EVERY_MS) return;
      this.#setBackAtMs = monotonicMs;
      this.#slew = undefined;
    } else this.#slew = { from: nowBefore, sinceMs: monotonicMs };
    this.#offset = offset;
  }

  /** How many responses agree with the last one, without another in between. */
  #run(): number {
    let n = 1;
    while (n < this.#offsets.length && Math.abs(this.#offsets.at(-n - 1)! - this.#offsets.at(-n)!) <= DIFFERS_MS) n++;
    return n;
  }

  #estimate(): number {
    const last = this.#offsets.at(-1)!;
    const agreeing = (with_: number) =>
      this.#offsets.filter((offset) => Math.abs(offset - with_) <= DIFFERS_MS).slice(-BEST_OF);
    if (this.#changes.length >= REPLICA_CHANGES) {
      // The slowest clock that is more than one odd response; once it counts, one response in KEEP keeps it.
      const slowest = [...this.#offsets]
        .sort((a, b) => a - b)
        .find((offset) => agreeing(offset).length >= (this.#replicas ? 1 : PROOF));
      if (slowest !== undefined) {
        this.#replicas = true;
        return Math.max(...agreeing(slowest));
      }
    } else this.#replicas = false;
    const newest = Math.max(...agreeing(last));
    const isLower = this.#offset !== undefined && newest < this.#offset - DIFFERS_MS;
    return isLower && this.#run() < PROOF ? this.#offset! : newest;
  }
}
