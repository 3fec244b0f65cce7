// A column of numbers as the state store keeps it: the least of them, and by how much each is more, in as few bytes as the largest
// difference needs; none where all are equal. Timestamps of series that were scraped within a minute take two bytes, counts one.

import { Buffer } from "node:buffer";

/** Series of a column at most. */
export const BLOCK = 4_096;

/** Differences are counted in ms; where a stale marker is among them (endedAt()), in halves. */
const UNITS = [1, 0.5];
const HEAD_BYTES = 24;
const WIDTHS = [1, 2, 4];
/** Written as they are. */
const DOUBLES = 8;

/** What a column of so many numbers takes at most. */
export const packedBytes = (length: number): number => HEAD_BYTES + 8 * length;

// Filled and read in one call of pack().
const offsets = new Int32Array(BLOCK);

/** Writes `values` to `buffer` from `at` on, a multiple of eight; returns where they end, again a multiple of eight. */
export function pack(values: Float64Array, buffer: ArrayBuffer, at: number): number {
  if (allEqual(values)) return packEqual(values[0]!, buffer, at);
  const { length } = values;
  let least = values[0]!;
  let most = least;
  for (let i = 1; i < length; i++) {
    const value = values[i]!;
    if (value < least) least = value;
    else if (value > most) most = value;
  }
  const head = new Float64Array(buffer, at, 3);
  const begin = at + HEAD_BYTES;
  for (const unit of UNITS) {
    const width = WIDTHS.find((bytes) => (most - least) / unit < 2 ** Math.min(8 * bytes, 31));
    if (width === undefined || !differences(values, least, unit)) continue;
    head.set([least, unit, width]);
    columnOf(width, buffer, begin, length).set(offsets.subarray(0, length));
    return begin + 8 * Math.ceil((width * length) / 8);
  }
  head.set([0, 0, DOUBLES]);
  new Float64Array(buffer, begin, length).set(values);
  return begin + DOUBLES * length;
}

/** The same for a column in which all are `value`. */
export function packEqual(value: number, buffer: ArrayBuffer, at: number): number {
  new Float64Array(buffer, at, 3).set([value, 0, 0]);
  return at + HEAD_BYTES;
}

/** Each is equal to its neighbour: a comparison of bytes takes a tenth of what a loop does. */
export function allEqual({ buffer, byteOffset, byteLength, BYTES_PER_ELEMENT }: Float64Array | Uint16Array): boolean {
  const bytes = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
  return bytes.compare(bytes, BYTES_PER_ELEMENT, byteLength, 0, byteLength - BYTES_PER_ELEMENT) === 0;
}

/** Fills `offsets`, each less than 2³¹; false: they would not be exact. */
function differences(values: Float64Array, least: number, unit: number): boolean {
  const inUnits = 1 / unit;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const offset = ((value - least) * inUnits) | 0;
    if (least + offset * unit !== value) return false;
    offsets[i] = offset;
  }
  return true;
}

function columnOf(
  width: number,
  buffer: ArrayBufferLike,
  at: number,
  length: number,
): Uint8Array | Uint16Array | Uint32Array {
  if (width === 1) return new Uint8Array(buffer, at, length);
  return width === 2 ? new Uint16Array(buffer, at, length) : new Uint32Array(buffer, at, length);
}

/** Where the `length` numbers end that begin at byte `at` of `bytes`, which begins at a multiple of eight; undefined: damaged. */
export function packedEnd(bytes: Uint8Array, at: number, length: number): number | undefined {
  if (at + HEAD_BYTES > bytes.length) return undefined;
  const [, , width] = headAt(bytes, at);
  const end = at + HEAD_BYTES + 8 * Math.ceil((width * length) / 8);
  return [0, 1, 2, 4, DOUBLES].includes(width) && end <= bytes.length ? end : undefined;
}

/** The `length` numbers that begin at byte `at`, where packedEnd() finds an end. */
export function unpack(bytes: Uint8Array, at: number, length: number): Float64Array {
  const [least, unit, width] = headAt(bytes, at);
  const begin = bytes.byteOffset + at + HEAD_BYTES;
  if (width === DOUBLES) return new Float64Array(bytes.buffer, begin, length);
  const values = new Float64Array(length).fill(least);
  if (width === 0) return values;
  const column = columnOf(width, bytes.buffer, begin, length);
  for (let i = 0; i < length; i++) values[i] = least + column[i]! * unit;
  return values;
}

const headAt = (bytes: Uint8Array, at: number) =>
  new Float64Array(bytes.buffer, bytes.byteOffset + at, 3) as unknown as [number, number, number];
