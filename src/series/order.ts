// The order of sending: like series next to each other, so that they compress well, and the same for the same series whatever order the
// source answers in and however often the agent was restarted. It depends on nothing but the labels of two series.
import { encodeBlock } from "./block.ts";
import { release, wider } from "./columns.ts";
import type { Label } from "./labels.ts";

/** Labels that tell the parts of one histogram or summary apart: compared behind all others, only the metric's name comes later. */
export const isPart = (name: string): boolean => name === "le" || name === "quantile" || name === "vmrange";

/**
 * What two series are ordered by, as bytes: their encoded labels, then those of isPart(), then the name, a zero behind each of the
 * three. Encoded labels begin with their length, so numbers with equally many digits stand together.
 */
export function sendingKey(labels: readonly Label[]): Uint8Array {
  const turn = ([name]: Label): number => (name === "__name__" ? 2 : isPart(name) ? 1 : 0);
  return Uint8Array.from(
    [0, 1, 2].flatMap((now) => [...encodeBlock(labels.filter((label) => turn(label) === now)), 0]),
  );
}

/** Keeps numbers 0, 1, 2, … sorted while they become more. The new ones are sorted and merged in: a few among many cost little. */
export class SendingOrder {
  readonly #compare: (a: number, b: number) => number;
  /** Numbers by place. */
  #order = new Int32Array(0);
  #positions = new Int32Array(0);

  constructor(compare: (a: number, b: number) => number) {
    this.#compare = compare;
  }

  /** The place of each number below `size`; valid until the next call. */
  positions(size: number): Int32Array {
    const known = this.#order.length;
    if (size === known) return this.#positions;
    const fresh = Int32Array.from({ length: size - known }, (_, i) => known + i).sort(this.#compare);
    const order = new Int32Array(size);
    // From the end: the new ones are few, the others move in blocks.
    let left = known;
    for (let i = fresh.length - 1, end = size; i >= 0; i--) {
      const from = this.#countBefore(fresh[i]!, left);
      order.set(this.#order.subarray(from, left), end - (left - from));
      end -= left - from + 1;
      order[end] = fresh[i]!;
      left = from;
    }
    order.set(this.#order.subarray(0, left));
    release(this.#order, fresh);
    this.#order = order;
    this.#positions = wider(this.#positions, size);
    for (let place = 0; place < size; place++) this.#positions[order[place]!] = place;
    return this.#positions.subarray(0, size);
  }

  /** How many of the first `among` places come before a number. */
  #countBefore(number: number, among: number): number {
    let from = 0;
    let to = among;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#compare(this.#order[middle]!, number) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** `numbers` by a key from 0 up to `keys`, stable. */
export function countingSort(numbers: Int32Array, keys: number, keyOf: (n: number) => number): Int32Array<ArrayBuffer> {
  const next = new Int32Array(keys + 1);
  for (let i = 0; i < numbers.length; i++) next[keyOf(numbers[i]!) + 1]!++;
  for (let key = 1; key < keys; key++) next[key]! += next[key - 1]!;
  const sorted = new Int32Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) sorted[next[keyOf(numbers[i]!)]!++] = numbers[i]!;
  release(next);
  return sorted;
}
