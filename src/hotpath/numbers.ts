// Numbers as the servers print them, from bytes, bit-equal to Number(text).
import { Buffer } from "node:buffer";

const POWERS = Array.from({ length: 23 }, (_, i) => 10 ** i);

const latin1 = (bytes: Uint8Array, from: number, to: number): string =>
  (bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)).toString(
    "latin1",
    from,
    to,
  );

/** The value of `bytes[from, to)`. NaN for what is not a number (callers tell "NaN" apart by its text). */
export function parseNumber(bytes: Uint8Array, from: number, to: number): number {
  let i = from;
  const negative = bytes[i] === 0x2d;
  if (negative) i++;
  // A mantissa below 2^53 is exact in a double (so is every step to it), and its division by a power of ten up to 22 rounds once.
  let mantissa = 0;
  let digits = 0;
  let point = -1;
  for (; i < to; i++) {
    const c = bytes[i]!;
    if (c >= 0x30 && c <= 0x39) {
      mantissa = mantissa * 10 + (c - 0x30);
      digits++;
    } else if (c === 0x2e && point < 0) point = digits;
    else return slowNumber(bytes, from, to);
  }
  if (digits === 0 || point === 0 || point === digits) return slowNumber(bytes, from, to);
  if (digits > 16 || mantissa >= 2 ** 53) return Number(latin1(bytes, from, to));
  const value = point < 0 ? mantissa : mantissa / POWERS[digits - point]!;
  return negative ? -value : value;
}

function slowNumber(bytes: Uint8Array, from: number, to: number): number {
  const s = latin1(bytes, from, to);
  if (s === "+Inf" || s === "Inf") return Number.POSITIVE_INFINITY;
  if (s === "-Inf") return Number.NEGATIVE_INFINITY;
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(s) ? Number(s) : Number.NaN;
}

/** Milliseconds from float seconds such as 1795349450.123; NaN if it is not such a number. */
export function parseSeconds(bytes: Uint8Array, from: number, to: number): number {
  let ms = 0;
  let decimals = -1;
  for (let i = from; i < to; i++) {
    const c = bytes[i]!;
    if (c >= 0x30 && c <= 0x39 && decimals < 3) {
      ms = ms * 10 + (c - 0x30);
      if (decimals >= 0) decimals++;
    } else if (c === 0x2e && decimals < 0) decimals = 0;
    else return Math.round(parseNumber(bytes, from, to) * 1000);
  }
  if (to === from) return Number.NaN;
  return ms * (decimals <= 0 ? 1000 : decimals === 1 ? 100 : decimals === 2 ? 10 : 1);
}
