// A series' labels as bytes: the `repeated Label labels = 1` fields of a remote-write TimeSeries, made once and copied ever after.
import type { Label } from "./labels.ts";

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** `labels` are sorted and legal (exportable()). Lone surrogates become U+FFFD. */
export function encodeBlock(labels: readonly Label[]): Uint8Array {
  const parts = labels.map(([name, value]) => [utf8.encode(name), utf8.encode(value)] as const);
  const inner = parts.map(([n, v]) => 2 + varintLength(n.length) + varintLength(v.length) + n.length + v.length);
  const out = new Uint8Array(inner.reduce((sum, n) => sum + 1 + varintLength(n) + n, 0));
  let at = 0;
  parts.forEach(([name, value], i) => {
    out[at++] = 0x0a; // TimeSeries.labels
    at = writeVarint(out, at, inner[i]!);
    for (const [tag, bytes] of [
      [0x0a, name],
      [0x12, value],
    ] as const) {
      out[at++] = tag;
      at = writeVarint(out, at, bytes.length);
      out.set(bytes, at);
      at += bytes.length;
    }
  });
  return out;
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
