// How long this agent may act as an owner: its last heartbeat was asked for at some time, and others judge it dead one TTL after they
// saw it, which is later. So it stops before that: 15 % of the TTL before its end, by the monotonic clock, by how long the host slept (the
// monotonic clock stands still meanwhile, the time since boot does not) and by the wall clock (where a virtual machine was paused, only
// that may have moved). Once it has ended everything is lost; a later heartbeat is a new beginning.
const SHARE = 0.85;
/** The time since boot has a resolution of whole seconds. */
const GRAIN_MS = 1_000;

/** All clocks at one look, ms. `uptimeMs`: since boot, also while the host sleeps. */
export type Clocks = { monoMs: number; wallMs: number; uptimeMs: number };

/** Upper bound for a member whose entry changed `silentMs` ago: its heartbeat was asked for before that. */
export const validityLeftMs = (ttlMs: number, silentMs: number): number => Math.max(0, ttlMs * SHARE - silentMs);

export class Validity {
  readonly #look: () => Clocks;
  readonly #forMs: number;
  /** When the last heartbeat that was written was asked for. */
  #asked: Clocks | undefined;

  constructor(look: () => Clocks, ttlMs: number) {
    this.#look = look;
    this.#forMs = ttlMs * SHARE;
  }

  /** A heartbeat that was asked for then has been written. */
  extend(asked: Clocks): void {
    this.#asked = asked;
  }

  /** ms; 0 or less: it has ended. */
  get leftMs(): number {
    const { monoMs, sleptMs, wallMs } = this.#since();
    return this.#forMs - Math.max(monoMs + sleptMs, wallMs);
  }

  get holds(): boolean {
    return this.leftMs > 0;
  }

  /** Why it ended, in words. */
  why(): string {
    const { monoMs, sleptMs, wallMs } = this.#since();
    if (monoMs >= this.#forMs) return "no heartbeat could be written in time";
    if (wallMs >= this.#forMs)
      return `the wall clock moved ${Math.round(wallMs / 1000)} s since the last heartbeat: the host was suspended, or its clock was set`;
    return `the host was suspended for ${Math.round(sleptMs / 1000)} s`;
  }

  /** How far each clock has moved since then. */
  #since(): { monoMs: number; sleptMs: number; wallMs: number } {
    if (this.#asked === undefined) return { monoMs: Number.POSITIVE_INFINITY, sleptMs: 0, wallMs: 0 };
    const now = this.#look();
    const monoMs = now.monoMs - this.#asked.monoMs;
    const sleptMs = now.uptimeMs - this.#asked.uptimeMs - monoMs;
    return { monoMs, sleptMs: sleptMs > GRAIN_MS ? sleptMs : 0, wallMs: now.wallMs - this.#asked.wallMs };
  }
}
