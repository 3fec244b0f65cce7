// Character classes as the reference has them: white space is six ASCII characters, letters and printables are Unicode's.

export const isSpace = (c: number): boolean => c === 0x20 || (c >= 0x09 && c <= 0x0d);

export const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;

export const isHex = (c: number): boolean => isDigit(c) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66);

const LETTER = /^\p{L}$/u;
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;

/** First character of an identifier, escapes aside. `c` is a code point. */
export function isIdentStart(c: number): boolean {
  if (c < 0x80) return (c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a) || c === 0x5f || c === 0x3a;
  return LETTER.test(String.fromCodePoint(c));
}

/** Later character of an identifier. */
export const isIdentPart = (c: number): boolean => isIdentStart(c) || isDigit(c) || c === 0x2e;

/** Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space. */
export function isPrintable(c: number): boolean {
  if (c < 0x80) return c >= 0x20 && c < 0x7f;
  return PRINTABLE.test(String.fromCodePoint(c));
}

/** Go's strings.ToLower as far as keywords can tell: U+0130 becomes a plain `i` there. */
export function lower(s: string): string {
  return (s.includes("\u0130") ? s.replaceAll("\u0130", "i") : s).toLowerCase();
}

/** Length in bytes of UTF-8. */
export function utf8Length(s: string): number {
  let n = s.length;
  for (let i = 0; i < s.length; i++) {
    const c = s.charCodeAt(i);
    if (c < 0x80) continue;
    if (c < 0x800) n += 1;
    else if (c >= 0xd800 && c < 0xdc00 && i + 1 < s.length) {
      n += 2; // four bytes for two units
      i++;
    } else n += 2;
  }
  return n;
}
