// How large a request this endpoint takes: learned from 413 and from timeouts of large requests, grown again slowly. Pure.
import type { Size } from "./batch-splitter.ts";

/** After so many requests of the learned size it grows by a tenth; where that was too much, not before twice as many. */
const GROW_AFTER = 50;
const GROW_AFTER_AT_MOST = 3_200;
const GROWTH = 1.1;

export class LearnedSize {
  #size: Size | undefined;
  /** The largest that was taken since the size was learned. */
  #taken: Size = { samples: 0, bytes: 0 };
  /** Before the refusals that follow each other now. */
  #before: Size | undefined;
  #inRow = false;
  #deliveries = 0;
  #growAfter = GROW_AFTER;

  /** Samples, and bytes of the body as it is sent; undefined: nothing was ever too large. */
  get size(): Size | undefined {
    return this.#size;
  }

  tooLarge(samples: number, bytes: number): void {
    if (!this.#inRow) this.#before = this.#size;
    this.#inRow = true;
    const { samples: good, bytes: goodBytes } = this.#taken;
    if (good > 0 && good < samples && this.#size !== undefined)
      this.#growAfter = Math.min(GROW_AFTER_AT_MOST, 2 * this.#growAfter);
    // Half of the samples takes more than half of the bytes: what they have in common compresses once.
    const fewer = Math.floor(0.75 * bytes);
    this.#size = {
      samples: Math.max(1, good < samples ? Math.max(good, Math.floor(samples / 2)) : Math.floor(samples / 2)),
      bytes: Math.max(1, goodBytes < bytes ? Math.max(goodBytes, fewer) : fewer),
    };
    if (good >= samples) this.#taken = { samples: 0, bytes: 0 };
    this.#deliveries = 0;
  }

  /** `limit`: what is never exceeded anyway. True: the size has changed. */
  delivered(samples: number, bytes: number, limit: number): boolean {
    this.#inRow = false;
    if (this.#size === undefined) return false;
    this.#taken = { samples: Math.max(this.#taken.samples, samples), bytes: Math.max(this.#taken.bytes, bytes) };
    if (2 * samples < this.#size.samples && 2 * bytes < this.#size.bytes) return false; // it proves nothing
    if (++this.#deliveries < this.#growAfter) return false;
    this.#deliveries = 0;
    const grown = { samples: Math.ceil(this.#size.samples * GROWTH), bytes: Math.ceil(this.#size.bytes * GROWTH) };
    this.#size = grown.samples > limit ? undefined : grown;
    return true;
  }

  /** A single sample is too large: that is its series' fault, and says nothing about the others. */
  forget(): void {
    this.#size = this.#before;
    this.#inRow = false;
  }

  /** The samples that a request of so many samples and bytes may have at most; undefined: it is small enough. */
  smaller(samples: number, bytes: number): number | undefined {
    if (this.#size === undefined || (samples <= this.#size.samples && bytes <= this.#size.bytes)) return undefined;
    return Math.max(1, Math.min(this.#size.samples, Math.floor((samples * this.#size.bytes) / bytes)));
  }
}
