// String tokens: where one ends, which bytes it stands for, and how a value is written. The rules are Go's (strconv.Unquote, Quote).
import { byteChar, joinValues } from "./bytes.ts";
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
