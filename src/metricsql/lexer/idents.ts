// Identifiers and their escapes: `\xHH`, `\uHHHH`, `\` and a printable character. Names in quotes use these too, not string escapes.
import { isHex, isIdentPart, isIdentStart, isPrintable } from "./chars.ts";

const REPLACEMENT = 0xfffd;

/** The escape whose backslash is at `i`: its character and where it ends; undefined if it is not one. */
function readEscape(s: string, i: number): { char: string; end: number } | undefined {
  const c = s.codePointAt(i + 1);
  if (c === undefined) return undefined;
  const digits = c === 0x78 || c === 0x58 ? 2 : c === 0x75 || c === 0x55 ? 4 : 0;
  if (digits > 0) {
    for (let k = 0; k < digits; k++) if (!isHex(s.charCodeAt(i + 2 + k))) return undefined; // NaN past the end is not a digit
    const code = Number.parseInt(s.slice(i + 2, i + 2 + digits), 16);
    if (code === REPLACEMENT) return undefined;
    // Go writes half a surrogate pair as U+FFFD.
    return { char: code >= 0xd800 && code <= 0xdfff ? "\ufffd" : String.fromCharCode(code), end: i + 2 + digits };
  }
  if (c === REPLACEMENT || !isPrintable(c)) return undefined;
  const char = String.fromCodePoint(c);
  return { char, end: i + 1 + char.length };
}

/** Where the identifier that starts at `i` ends; `i` itself if none starts there. */
export function scanIdent(s: string, i: number): number {
  let at = i;
  while (at < s.length) {
    const c = s.codePointAt(at)!;
    if (at === i ? isIdentStart(c) : isIdentPart(c)) {
      at += c > 0xffff ? 2 : 1;
      continue;
    }
    const read = c === 0x5c ? readEscape(s, at) : undefined;
    if (read === undefined) break;
    at = read.end;
  }
  return at;
}

export function isIdentPrefix(s: string): boolean {
  return scanIdent(s, 0) > 0;
}

/** The name that a token, or the inside of a quoted name, spells. A backslash that starts no escape stays. */
export function unescapeIdent(s: string): string {
  let at = s.indexOf("\\");
  if (at < 0) return s;
  const out: string[] = [];
  let from = 0;
  while (at >= 0) {
    out.push(s.slice(from, at));
    const read = readEscape(s, at);
    out.push(read?.char ?? "\\");
    from = read?.end ?? at + 1;
    at = s.indexOf("\\", from);
  }
  out.push(s.slice(from));
  return out.join("");
}

/** True if the name cannot be written bare. */
export function needsEscape(name: string): boolean {
  let first = true;
  for (const char of name) {
    const c = char.codePointAt(0)!;
    if (first ? !isIdentStart(c) : !isIdentPart(c)) return true;
    first = false;
  }
  return false;
}

const hex = (c: number, digits: number): string => c.toString(16).padStart(digits, "0");

/** The name as an identifier, as the reference prints it. A bad byte is U+FFFD there. */
export function escapeIdent(name: string): string {
  if (!needsEscape(name)) return name;
  let out = "";
  for (const char of name.toWellFormed()) {
    const c = char.codePointAt(0)!;
    if (out === "" ? isIdentStart(c) : isIdentPart(c)) out += char;
    else if (isPrintable(c)) out += `\\${char}`;
    else out += c < 256 ? `\\x${hex(c, 2)}` : `\\u${hex(c, 4)}`;
  }
  return out;
}

/** The name as an identifier that reads back to the same name; undefined if no identifier does. */
export function safeIdent(name: string): string | undefined {
  if (name === "") return undefined;
  if (!needsEscape(name)) return name;
  let out = "";
  for (const char of name) {
    const c = char.codePointAt(0)!;
    if (out === "" ? isIdentStart(c) : isIdentPart(c)) out += char;
    else if (c === REPLACEMENT) out += "\\ud800";
    else if (isPrintable(c) && !"xXuU".includes(char)) out += `\\${char}`;
    else if (c > 0xffff || (c >= 0xd800 && c <= 0xdfff)) return undefined;
    else out += c < 256 ? `\\x${hex(c, 2)}` : `\\u${hex(c, 4)}`;
  }
  return out;
}

/** An identifier that spells `name` but, as text, is not a keyword: its first character is escaped. */
export function disguise(name: string): string {
  const c = name.charCodeAt(0);
  return (
    (c < 256 ? `\\x${hex(c, 2)}` : `\\u${hex(c, 4)}`) + (safeIdent(`a${name.slice(1)}`)?.slice(1) ?? name.slice(1))
  );
}

/** The name in double quotes, with identifier escapes. */
export const quoteIdent = (name: string): string => `"${name.replaceAll(/["\\]/g, "\\$&")}"`;
