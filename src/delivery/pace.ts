// How many requests of a sink may be in flight, and whether it is left alone for now. Knows time by its clock only.
import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import { backingOff, type Failing, holding } from "./failing.ts";

export class Pace {
  readonly #clock: Clock;
  readonly #random: Random;
  #failing: Failing | undefined;
  #concurrency = 1;
  #deliveredAtThis = 0;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  get failing(): Failing | undefined {
    return this.#failing;
  }

  /** A failing sink has one request in flight, so that an outage costs as few batches as possible. */
  get mayBeInFlight(): number {
    return this.#failing === undefined ? this.#concurrency : 1;
  }

  get concurrency(): number {
    return this.#concurrency;
  }

  /** One more in flight after as many deliveries as may be in flight, so that a weak receiver is not overrun. */
  delivered(max: number): void {
    this.#failing = undefined;
    if (++this.#deliveredAtThis < this.#concurrency) return;
    this.#deliveredAtThis = 0;
    this.#concurrency = Math.min(max, this.#concurrency + 1);
  }

  /** It responded, if only with a refusal of samples. */
  answered(): void {
    this.#failing = undefined;
  }

  backOff(startedMs: number, o: { backoffDurationMs: number; retryAfterMs?: number | undefined }): Failing {
    this.#concurrency = Math.max(1, Math.floor(this.#concurrency / 2));
    this.#deliveredAtThis = 0;
    this.#failing = backingOff(this.#failing, this.#at(startedMs), { ...o, random: this.#random });
    return this.#failing;
  }

  hold(startedMs: number): Failing {
    this.#concurrency = 1;
    this.#failing = holding(this.#failing, this.#at(startedMs));
    return this.#failing;
  }

  /** A failing sink may be tried at once. `forget`: with other credentials or at another endpoint, probes begin from the first. */
  retryNow(forget: boolean): void {
    if (this.#failing === undefined) return;
    const count = forget ? 0 : this.#failing.count;
    this.#failing = { ...this.#failing, until: this.#clock.monotonicMs(), count };
  }

  #at(startedMs: number) {
    return { now: this.#clock.now(), monotonicMs: this.#clock.monotonicMs(), startedMs };
  }
}
