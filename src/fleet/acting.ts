// What is being done with which shard: a few at once, each shard once. One that failed waits, so that it does not hold up the others.
import type { Clock } from "../platform/clock.ts";

const AT_ONCE = 16;

export class Acting {
  readonly #clock: Clock;
  readonly #pauseMs: number;
  readonly #ended: () => void;
  readonly #crashed: (message: string) => void;
  readonly #under = new Map<number, Promise<void>>();
  readonly #failedAtMs = new Map<number, number>();

  /** `pauseMs`: after a failure. `ended`: there is room for the next one. `crashed`: what was done rejected, which is a bug. */
  constructor(clock: Clock, pauseMs: number, ended: () => void, crashed: (message: string) => void) {
    this.#clock = clock;
    this.#pauseMs = pauseMs;
    this.#ended = ended;
    this.#crashed = crashed;
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
    // A bug that rejects is a failure like any other: this shard waits, the agent and its other shards continue.
    const settled = act().catch((error: unknown) => {
      this.#crashed(
        `fleet: shard ${shard}: a bug ended an action (${String(error)}); it is retried. Please report it.`,
      );
      return false;
    });
    const ended = settled.then((done) => {
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
