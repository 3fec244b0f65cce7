// How old samples were when they were stored: median within 1 %, worst exact, in fixed space.

const STEP = Math.log(1.01);

export class Delays {
  worstMs = 0;
  #samples = 0;
  readonly #counts: number[] = [];

  add(ms: number): void {
    const delay = Math.max(1, ms);
    this.worstMs = Math.max(this.worstMs, delay);
    this.#samples++;
    const bucket = Math.floor(Math.log(delay) / STEP);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  /** Undefined: nothing was stored. */
  get medianMs(): number | undefined {
    let left = this.#samples / 2;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      left -= this.#counts[bucket] ?? 0;
      if (left <= 0 && this.#samples > 0) return Math.exp((bucket + 0.5) * STEP);
    }
    return undefined;
  }
}
