// How many samples are in memory: at most what was counted last and what has arrived since. Counting looks at every sink, so it is done
// only where memory may be short.

export class Buffered {
  #atMost = 0;

  /** A read is under way that is expected to bring so many. */
  started(expected: number): void {
    this.#atMost += expected;
  }

  ended(expected: number, samples: number): void {
    this.#atMost += samples - expected;
  }

  /**
   * Do so many more fit? An empty memory takes any. Half of the limit is left to what sinks make of frames: a rest of one is a frame of
   * its own.
   */
  fits(more: number, limit: number, count: () => number): boolean {
    if (this.#atMost + more <= limit / 2) return true;
    this.#atMost = count();
    return this.#atMost === 0 || this.#atMost + more <= limit;
  }
}
