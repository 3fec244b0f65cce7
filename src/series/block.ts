// A series' labels as bytes: the `repeated Label labels = 1` fields of a remote-write TimeSeries.
import { Buffer } from "node:buffer";
import type { Label } from "./labels.ts";

const text = new TextDecoder();

/** Where blocks are made; valid until the next call. */
let scratch = Buffer.alloc(4096);

/** `labels` are sorted and legal (exportable()). Lone surrogates become U+FFFD. */
export function encodeBlock(labels: readonly Label[]): Uint8Array {
  return new Uint8Array(scratchBlock(labels));
}

/** The same, as a view of a buffer that is used again. */
export function scratchBlock(labels: readonly Label[]): Buffer {
  let at = 0;
  for (const [name, value] of labels) {
    reserve(at, labelBytes(name, value));
    at = writeLabel(scratch, at, name, value);
  }
  return scratch.subarray(0, at);
}

function reserve(at: number, bytes: number): void {
  if (at + bytes <= scratch.length) return;
  const grown = Buffer.alloc(Math.max(2 * scratch.length, at + bytes));
  grown.set(scratch.subarray(0, at));
  scratch = grown;
}

/** How many bytes the field of one label takes, its tag and length with it. */
export const labelBytes = (name: string, value: string): number =>
  labelLength(Buffer.byteLength(name), Buffer.byteLength(value));

/** The same by the bytes of name and value. */
export function labelLength(name: number, value: number): number {
  const inner = innerLength(name, value);
  return 1 + varintLength(inner) + inner;
}

const innerLength = (name: number, value: number): number =>
  2 + varintLength(name) + varintLength(value) + name + value;

/** Writes the field of one label; returns its end. */
export function writeLabel(to: Buffer, start: number, name: string, value: string): number {
  const nameBytes = Buffer.byteLength(name);
  const valueBytes = Buffer.byteLength(value);
  let at = writeHead(to, start, nameBytes, valueBytes);
  at += to.write(name, at, "utf8");
  to[at++] = 0x12;
  at = writeVarint(to, at, valueBytes);
  return at + to.write(value, at, "utf8");
}

/** Up to where the name begins. */
function writeHead(to: Uint8Array, start: number, nameBytes: number, valueBytes: number): number {
  to[start] = 0x0a; // TimeSeries.labels
  const at = writeVarint(to, start + 1, innerLength(nameBytes, valueBytes));
  to[at] = 0x0a;
  return writeVarint(to, at + 1, nameBytes);
}

/** The labels of a block, for people: not on the hot path. */
export function decodeBlock(block: Uint8Array): Label[] {
  const labels: Label[] = [];
  let at = 0;
  const length = (): number => {
    let n = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = block[at++]!;
      n += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return n;
    }
  };
  const field = (): string => {
    at++; // tag
    const n = length();
    at += n;
    return text.decode(block.subarray(at - n, at));
  };
  while (at < block.length) {
    at++; // tag
    length();
    labels.push([field(), field()]);
  }
  return labels;
}

const varintLength = (n: number): number => (n < 0x80 ? 1 : n < 0x4000 ? 2 : n < 0x200000 ? 3 : n < 0x10000000 ? 4 : 5);

function writeVarint(out: Uint8Array, start: number, value: number): number {
  let at = start;
  let n = value;
  while (n >= 0x80) {
    out[at++] = (n & 0x7f) | 0x80;
    n >>>= 7;
  }
  out[at++] = n;
  return at;
}
