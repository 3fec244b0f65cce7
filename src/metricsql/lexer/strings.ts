// String tokens: where one ends, which bytes it stands for, and how a value is written. The rules are Go's (strconv.Unquote, Quote).
import { isPrintable } from "./chars.ts";

/** Where the string that starts at `i` ends: at the first matching quote after an even number of backslashes. -1: nowhere. */
export function scanString(s: string, i: number): number {
  const quote = s.charCodeAt(i);
  let backslashes = 0;
  for (let at = i + 1; at < s.length; at++) {
    const c = s.charCodeAt(at);
    if (c === quote && backslashes % 2 === 0) return at + 1;
    backslashes = c === 0x5c ? backslashes + 1 : 0;
  }
  return -1;
}

/** The value of a string token, or what is wrong with it. */
export function unquote(token: string): { value: string } | { error: string } {
  const inside = token.slice(1, -1);
  if (token[0] === "`") {
    if (inside.includes("`")) return { error: "a back-quoted string cannot hold a back-quote" };
    return { value: inside.replaceAll("\r", "") };
  }
  // A single-quoted string is read as a double-quoted one with the quotes swapped; `'\"'` is an error because of that.
  const text = token[0] === "'" ? inside.replaceAll("\\'", "'").replaceAll('"', '\\"') : inside;
  if (text.includes("\n")) return { error: "a quoted string cannot hold a line feed: write \\n, or use back-quotes" };
  if (!text.includes("\\") && !text.includes('"')) return { value: text };
  const out: string[] = [];
  for (let i = 0; i < text.length; ) {
    if (text[i] === '"') return { error: 'a bare " inside of a string' };
    if (text[i] !== "\\") {
      const next = nextSpecial(text, i);
      out.push(text.slice(i, next));
      i = next;
      continue;
    }
    const read = readEscape(text, i);
    if (read === undefined)
      return { error: `bad escape ${JSON.stringify(text.slice(i, i + 2))}: write \\\\ for a backslash` };
    out.push(read.char);
    i = read.end;
  }
  return { value: joinValues(out) };
}

function nextSpecial(text: string, from: number): number {
  for (let i = from; i < text.length; i++) if (text[i] === "\\" || text[i] === '"') return i;
  return text.length;
}

const SIMPLE: Record<string, string> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
};

function readEscape(s: string, i: number): { char: string; end: number } | undefined {
  const c = s[i + 1];
  if (c === undefined) return undefined;
  const simple = Object.hasOwn(SIMPLE, c) ? SIMPLE[c] : undefined;
  if (simple !== undefined) return { char: simple, end: i + 2 };
  const octal = /^[0-7]{3}/.exec(s.slice(i + 1, i + 4));
  if (octal !== null) {
    const byte = Number.parseInt(octal[0], 8);
    return byte > 255 ? undefined : { char: byteChar(byte), end: i + 4 };
  }
  const digits = c === "x" ? 2 : c === "u" ? 4 : c === "U" ? 8 : 0;
  const text = s.slice(i + 2, i + 2 + digits);
  if (digits === 0 || text.length < digits || !/^[0-9a-fA-F]+$/.test(text)) return undefined;
  const code = Number.parseInt(text, 16);
  if (digits === 2) return { char: byteChar(code), end: i + 4 };
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return { char: String.fromCodePoint(code), end: i + 2 + digits };
}

const NAMED: Record<number, string> = {
  7: "\\a",
  8: "\\b",
  12: "\\f",
  10: "\\n",
  13: "\\r",
  9: "\\t",
  11: "\\v",
  34: '\\"',
  92: "\\\\",
};

/** The value as a double-quoted string. */
export function quote(value: string): string {
  if (/^[ !#-[\]-~]*$/.test(value)) return `"${value}"`;
  let out = "";
  for (const char of value) {
    const c = char.codePointAt(0)!;
    if (c >= 0xdc80 && c <= 0xdcff) out += `\\x${(c - 0xdc00).toString(16)}`;
    else if (NAMED[c] !== undefined) out += NAMED[c];
    else if (isPrintable(c)) out += char;
    else if (c < 0x20 || c === 0x7f) out += `\\x${c.toString(16).padStart(2, "0")}`;
    else if (c < 0x10000) out += `\\u${c.toString(16).padStart(4, "0")}`;
    else out += `\\U${c.toString(16).padStart(8, "0")}`;
  }
  return `"${out}"`;
}

// -- Values are byte strings. They are kept as JavaScript strings in which a byte that is not part of valid UTF-8 is a lone
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
