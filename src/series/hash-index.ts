// Which number a thing has that is kept elsewhere, things being numbered from 0: open addressing over their hashes. Holds no keys: the
// owner puts what may be new behind the others and compares; when the index grows, it hashes anew.
import { release } from "./columns.ts";

export class HashIndex {
  /** Number + 1, or 0. */
  #slots = new Int32Array(1024);
  #size = 0;
  readonly #hashOf: (number: number) => number;
  readonly #isLast: (number: number) => boolean;

  /** `hashOf`: 32 bits. `isLast`: is this thing the same as the one behind all others? */
  constructor(hashOf: (number: number) => number, isLast: (number: number) => boolean) {
    this.#hashOf = hashOf;
    this.#isLast = isLast;
  }

  get size(): number {
    return this.#size;
  }

  /** The number of the thing that was put behind the others and has this hash: that of an equal one, or `size` as it was, if it is new. */
  intern(hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (; ; slot = (slot + 1) & mask) {
      const number = this.#slots[slot]! - 1;
      if (number < 0) break;
      if (this.#isLast(number)) return number;
    }
    this.#slots[slot] = ++this.#size;
    if (this.#size * 4 > this.#slots.length * 3) this.#grow();
    return this.#size - 1;
  }

  #grow(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    release(this.#slots);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#size; number++) {
      let slot = this.#hashOf(number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }
}
