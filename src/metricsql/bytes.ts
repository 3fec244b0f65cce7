// Values are byte strings. They are kept as JavaScript strings in which a byte that is no part of valid UTF-8 is a lone
// surrogate U+DC80…U+DCFF. Query texts are made well-formed first, so that this mapping is one to one.

const LONE = /[\uDC80-\uDCFF]/u; // with the u flag a pair is one character and does not match

/** True if the value is not valid UTF-8. */
export const hasRawBytes = (value: string): boolean => LONE.test(value);

/** One byte of an escape such as `\xff`. */
export const byteChar = (byte: number): string => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte);

/** Puts values together; bytes that complete each other become the character they spell. */
export function joinValues(parts: readonly string[]): string {
  const joined = parts.join("");
  return hasRawBytes(joined) ? fromUtf8(toUtf8(joined)) : joined;
}

export function toUtf8(value: string): Uint8Array {
  const encoder = new TextEncoder();
  if (!hasRawBytes(value)) return encoder.encode(value);
  const bytes: number[] = [];
  for (const c of value) {
    const code = c.codePointAt(0)!;
    if (code >= 0xdc80 && code <= 0xdcff) bytes.push(code - 0xdc00);
    else bytes.push(...encoder.encode(c));
  }
  return Uint8Array.from(bytes);
}

/** Go's rule: what does not start a valid sequence is one bad byte. */
export function fromUtf8(bytes: Uint8Array): string {
  const out: string[] = [];
  for (let i = 0; i < bytes.length; ) {
    const size = sequence(bytes, i);
    if (size === 0) {
      out.push(byteChar(bytes[i]!));
      i++;
      continue;
    }
    let code = size === 1 ? bytes[i]! : bytes[i]! & (0xff >> (size + 1));
    for (let k = 1; k < size; k++) code = code * 64 + (bytes[i + k]! & 0x3f);
    out.push(String.fromCodePoint(code));
    i += size;
  }
  return out.join("");
}

/** Bytewise, as Go compares strings: negative, 0 or positive. */
export function compareValues(a: string, b: string): number {
  const x = toUtf8(a);
  const y = toUtf8(b);
  const n = Math.min(x.length, y.length);
  for (let i = 0; i < n; i++) if (x[i] !== y[i]) return x[i]! - y[i]!;
  return x.length - y.length;
}

/** Length of the valid sequence at `i`, 0 if there is none (also for surrogates and overlong forms). */
function sequence(bytes: Uint8Array, i: number): number {
  const first = bytes[i]!;
  if (first < 0x80) return 1;
  const size =
    first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  if (size === 0 || i + size > bytes.length) return 0;
  const second = bytes[i + 1]!;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let k = 2; k < size; k++) if ((bytes[i + k]! & 0xc0) !== 0x80) return 0;
  return size;
}
