// Time that stands still until the test moves it: sleepers wake in the order of their times, and everything that follows from one
// is done before the next wakes.
import type { Clock } from "../../src/platform/clock.ts";

type Sleeper = { at: number; wake: (elapsed: boolean) => void };

export class FakeClock implements Clock {
  #mono = 0;
  #offset: number;
  readonly #fractions: boolean;
  #sleepers: Sleeper[] = [];

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

  sleep(ms: number, signal?: AbortSignal): Promise<boolean> {
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
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        sleeper.wake(false);
      };
      signal?.addEventListener("abort", stop, { once: true });
      this.#sleepers.push(sleeper);
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

  async advance(ms: number): Promise<void> {
    const until = this.#mono + ms;
    for (;;) {
      await settled();
      const next = this.#sleepers.reduce<Sleeper | undefined>(
        (best, s) => (best === undefined || s.at < best.at ? s : best),
        undefined,
      );
      if (next === undefined || next.at > until) break;
      this.#mono = Math.max(this.#mono, next.at);
      this.#sleepers = this.#sleepers.filter((s) => s !== next);
      next.wake(true);
    }
    this.#mono = Math.max(this.#mono, until);
  }
}

/** All that was already due to run has run: promises, streams of the fake ends. */
export const settled = (): Promise<void> => new Promise((done) => setImmediate(done));
