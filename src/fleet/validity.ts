// How long this agent may act as an owner: its last heartbeat was asked for at some time, and others judge it dead one TTL after they
// saw it, which is later. So it stops before that: 15 % of the TTL before its end, by the monotonic clock and by the wall clock (the
// monotonic one stands still while a virtual machine is suspended). Once it has ended everything is lost; a later heartbeat is a new
// beginning.
import type { Clock } from "../platform/clock.ts";

const SHARE = 0.85;

/** Of the member that was heard of `silentMs` ago, at the latest: its heartbeat was asked for before it was heard. */
export const validityLeftMs = (ttlMs: number, silentMs: number): number => Math.max(0, ttlMs * SHARE - silentMs);

export class Validity {
  readonly #clock: Clock;
  readonly #forMs: number;
  #untilMono = Number.NEGATIVE_INFINITY;
  #untilWall = Number.NEGATIVE_INFINITY;
  #askedWall = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, ttlMs: number) {
    this.#clock = clock;
    this.#forMs = ttlMs * SHARE;
  }

  /** A heartbeat that was asked for at these times has been written. */
  extend(askedMonoMs: number, askedWallMs: number): void {
    this.#untilMono = Math.max(this.#untilMono, askedMonoMs + this.#forMs);
    this.#untilWall = askedWallMs + this.#forMs;
    this.#askedWall = askedWallMs;
  }

  /** ms; 0 or less: it has ended. */
  get leftMs(): number {
    return Math.min(this.#untilMono - this.#clock.monotonicMs(), this.#untilWall - this.#clock.now());
  }

  get holds(): boolean {
    return this.leftMs > 0;
  }

  /** Why it ended, in words. */
  why(): string {
    const jumped = this.#clock.now() >= this.#untilWall && this.#clock.monotonicMs() < this.#untilMono;
    if (!jumped) return "no heartbeat could be written in time";
    const seconds = Math.round((this.#clock.now() - this.#askedWall) / 1000);
    return `the wall clock moved ${seconds} s since the last heartbeat: the host was suspended, or its clock was set`;
  }
}
