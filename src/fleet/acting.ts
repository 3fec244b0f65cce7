// What is being done with which shard: a few at once, each shard once. One that failed waits, so that it does not hold up the others.
import type { Clock } from "../platform/clock.ts";

const AT_ONCE = 16;

export class Acting {
  readonly #clock: Clock;
  readonly #pauseMs: number;
  readonly #ended: () => void;
  readonly #under = new Map<number, Promise<void>>();
  readonly #failedAtMs = new Map<number, number>();

  /** `pauseMs`: after a failure. `ended`: there is room for the next one. */
  constructor(clock: Clock, pauseMs: number, ended: () => void) {
    this.#clock = clock;
    this.#pauseMs = pauseMs;
    this.#ended = ended;
  }

  /** May be begun now. */
  isFree(shard: number): boolean {
    if (this.#under.has(shard)) return false;
    return this.#clock.monotonicMs() - (this.#failedAtMs.get(shard) ?? Number.NEGATIVE_INFINITY) >= this.#pauseMs;
  }

  get room(): number {
    return AT_ONCE - this.#under.size;
  }

  get idle(): boolean {
    return this.#under.size === 0;
  }

  /** False of `act`: it failed. */
  begin(shard: number, act: () => Promise<boolean>): void {
    const ended = act().then((done) => {
      this.#under.delete(shard);
      if (done) this.#failedAtMs.delete(shard);
      else this.#failedAtMs.set(shard, this.#clock.monotonicMs());
      this.#ended();
    });
    this.#under.set(shard, ended);
  }

  /** Everything that has begun has ended. */
  async end(): Promise<void> {
    await Promise.all(this.#under.values());
  }
}
