// How many samples are in memory: at most what was counted last and what has arrived since. Counting looks at every sink, so it is done
// only where memory may be short.

export class Buffered {
  readonly #limit: number;
  #atMost = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A read is under way that is expected to bring so many. */
  started(expected: number): void {
    this.#atMost += expected;
  }

  ended(expected: number, samples: number): void {
    this.#atMost += samples - expected;
  }

  /** Counts where so many more may not fit: half of the limit is left to what sinks make of frames, a rest of one is a frame of its own. */
  countFor(more: number, count: () => number): void {
    if (this.#atMost + more > this.#limit / 2) this.#atMost = count();
  }

  /** Do so many more fit? An empty memory takes any. */
  fits(more: number): boolean {
    return this.#atMost === 0 || this.#atMost + more <= this.#limit;
  }
}
