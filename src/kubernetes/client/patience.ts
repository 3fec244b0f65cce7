// How long a response may take to begin. A connection that a load balancer has forgotten says nothing forever, so the first attempt gives
// up early; a server that is merely slow gets twice as long at each further attempt. Pure.

const SHORTEST_MS = 4_000;
const LONGEST_MS = 10_000;

export class Patience {
  /** By verb: lists take longer than patches. */
  readonly #ms = new Map<string, number>();

  /** Milliseconds. */
  of(verb: string): number {
    return this.#ms.get(verb) ?? SHORTEST_MS;
  }

  answered(verb: string, tookMs: number): void {
    this.#ms.set(verb, Math.min(LONGEST_MS, Math.max(SHORTEST_MS, 2 * tookMs)));
  }

  timedOut(verb: string): void {
    this.#ms.set(verb, Math.min(LONGEST_MS, 2 * this.of(verb)));
  }
}
