// Time that stands still until it is moved: sleepers wake in the order of their times, and everything that follows from one is done
// before the next wakes. A day passes as fast as what happens in it is computed.
import type { Clock, StopSignal } from "../platform/clock.ts";

type Sleeper = { at: number; wake: (elapsed: boolean) => void };

export class VirtualClock implements Clock {
  #mono = 0;
  #offset: number;
  readonly #fractions: boolean;
  /** By time; those of the same time in the order in which they went to sleep. */
  readonly #sleepers: Sleeper[] = [];

  /** `start`: the wall clock at monotonic 0, ms. `fractions`: each look at the monotonic clock takes a microsecond, as at the real one. */
  constructor(start = 1_795_000_000_000, fractions = false) {
    this.#offset = start;
    this.#fractions = fractions;
  }

  now(): number {
    return Math.floor(this.#offset + this.#mono);
  }

  monotonicMs(): number {
    if (this.#fractions) this.#mono += 0.001;
    return this.#mono;
  }

  sleep(ms: number, signal?: StopSignal): Promise<boolean> {
    if (signal?.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        at: this.#mono + Math.max(0, ms),
        wake: (elapsed) => {
          signal?.removeEventListener("abort", stop);
          resolve(elapsed);
        },
      };
      const stop = () => {
        this.#sleepers.splice(this.#sleepers.indexOf(sleeper), 1);
        sleeper.wake(false);
      };
      signal?.addEventListener("abort", stop, { once: true });
      this.#sleepers.splice(this.#placeOf(sleeper.at), 0, sleeper);
    });
  }

  /** Who still sleeps: 0 when everything has ended as it should. */
  get sleepers(): number {
    return this.#sleepers.length;
  }

  /** The wall clock jumps; the monotonic one does not. */
  jump(ms: number): void {
    this.#offset += ms;
  }

  /** Moves time on by `ms`, or until `enough` says so after something happened. */
  async advance(ms: number, enough: () => boolean = () => false): Promise<void> {
    const until = this.#mono + ms;
    for (;;) {
      await settled();
      if (enough()) return;
      const next = this.#sleepers[0];
      if (next === undefined || next.at > until) break;
      this.#mono = Math.max(this.#mono, next.at);
      this.#sleepers.shift();
      next.wake(true);
    }
    this.#mono = Math.max(this.#mono, until);
  }

  /** Behind all that wake at `at` or before. */
  #placeOf(at: number): number {
    let low = 0;
    let high = this.#sleepers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sleepers[middle]!.at <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** All that was already due to run has run: promises, streams of models. */
export const settled = (): Promise<void> => new Promise((done) => setImmediate(done));
