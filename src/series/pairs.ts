// Each label (a name and a value) once, as it is sent: the bytes of a `Label labels = 1` field. Series share nearly all of their labels,
// so these few bytes stay in the processor's cache.
import { Buffer } from "node:buffer";
import { labelBytes, labelLength, writeLabel, writeLabelBytes } from "./block.ts";
import { wider } from "./columns.ts";
import { hashBytes, lanes } from "./hash.ts";
import { HashIndex } from "./hash-index.ts";
import { isPart } from "./order.ts";

/** copy() writes up to this many bytes more than the label has: it moves four at a time. */
export const OVERSHOOT = 3;

export class Pairs {
  /** The labels one after the other, each from a whole word on and with zeros to the next. */
  #words = new Int32Array(16 * 1024);
  #bytes = Buffer.from(this.#words.buffer);
  #view = new DataView(this.#words.buffer);
  /** The first word of each, and how many bytes it has. */
  #start = new Int32Array(512);
  #length = new Int32Array(512);
  /** 1: isPart(). */
  #parts = new Uint8Array(512);
  /** The first free word: a label that may be new is written there. */
  #next = 0;
  readonly #index = new HashIndex(
    (pair) => this.#hash(pair),
    (pair) => this.#isLast(pair),
  );

  get size(): number {
    return this.#index.size;
  }

  /** How many bytes a label takes. */
  bytes(pair: number): number {
    return this.#length[pair]!;
  }

  /** The number of a label, new or known. */
  intern(name: string, value: string): number {
    const length = labelBytes(name, value);
    this.#reserve(length);
    writeLabel(this.#bytes, 4 * this.#next, name, value);
    return this.#internLast(length);
  }

  /** The same of a label whose UTF-8 is at hand: no string is made. */
  internBytes(from: Uint8Array, nameFrom: number, nameTo: number, valueFrom: number, valueTo: number): number {
    const length = labelLength(nameTo - nameFrom, valueTo - valueFrom);
    this.#reserve(length);
    writeLabelBytes(this.#bytes, 4 * this.#next, from, nameFrom, nameTo, valueFrom, valueTo);
    return this.#internLast(length);
  }

  /** The number here of a label of another dictionary. */
  adopt(other: Pairs, pair: number): number {
    const length = other.#length[pair]!;
    this.#reserve(length);
    other.copy(pair, this.#view, 4 * this.#next);
    return this.#internLast(length);
  }

  /** Writes a label at `at`, and up to OVERSHOOT bytes more; returns its end. By words: Buffer.copy() takes twice as long. */
  copy(pair: number, to: DataView, at: number): number {
    const words = this.#words;
    const end = at + this.#length[pair]!;
    let word = this.#start[pair]!;
    for (let i = at; i < end; i += 4) to.setInt32(i, words[word++]!, true);
    return end;
  }

  /** Below, above or 0: the bytes of two labels as they are encoded. No label (NAME of a series without one) comes first. */
  compare(a: number, b: number): number {
    if (a === b || a < 0 || b < 0) return a - b;
    const words = Math.min(this.#length[a]!, this.#length[b]!);
    for (let i = 0, x = this.#start[a]!, y = this.#start[b]!; 4 * i < words; i++, x++, y++) {
      const differ = this.#words[x]! ^ this.#words[y]!;
      if (differ === 0) continue;
      const byte = (31 - Math.clz32(differ & -differ)) & 24; // the first of them that differs
      return ((this.#words[x]! >>> byte) & 0xff) - ((this.#words[y]! >>> byte) & 0xff);
    }
    return this.#length[a]! - this.#length[b]!;
  }

  /** Does the label tell the parts of a histogram apart (isPart)? */
  isPart(pair: number): boolean {
    return this.#parts[pair] === 1;
  }

  /** Room for a label behind the last one, its last word 0. */
  #reserve(length: number): void {
    const end = this.#next + ((length + 3) >> 2);
    if (end > this.#words.length) {
      this.#words = wider(this.#words, end);
      this.#bytes = Buffer.from(this.#words.buffer);
      this.#view = new DataView(this.#words.buffer);
    }
    this.#words[end - 1] = 0;
  }

  #internLast(length: number): number {
    const last = this.size;
    this.#start = wider(this.#start, last + 1);
    this.#length = wider(this.#length, last + 1);
    this.#start[last] = this.#next;
    this.#length[last] = length;
    const pair = this.#index.intern(this.#hash(last));
    if (pair === last) {
      this.#next += (length + 3) >> 2;
      this.#parts = wider(this.#parts, last + 1);
      if (isPart(this.#nameOf(pair))) this.#parts[pair] = 1;
    }
    return pair;
  }

  /** The label's name; "" where it is longer than a byte can tell, as no name of interest is. */
  #nameOf(pair: number): string {
    let at = 4 * this.#start[pair]! + 1;
    while (this.#bytes[at]! >= 0x80) at++; // the length of the field
    const length = this.#bytes[at + 2]!;
    return length < 0x80 ? this.#bytes.toString("latin1", at + 3, at + 3 + length) : "";
  }

  #hash(pair: number): number {
    const from = 4 * this.#start[pair]!;
    hashBytes(this.#bytes, this.#view, from, from + this.#length[pair]!, 0x9e3779b9, 0x85ebca6b);
    return lanes[0]!;
  }

  #isLast(pair: number): boolean {
    const words = (this.#length[pair]! + 3) >> 2;
    if (this.#length[pair] !== this.#length[this.size]) return false;
    for (let i = 0, at = this.#start[pair]!; i < words; i++)
      if (this.#words[at + i] !== this.#words[this.#next + i]) return false;
    return true;
  }
}
