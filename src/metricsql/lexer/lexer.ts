// Text to tokens. In: a well-formed query text. Out: its tokens and an `eof`; at the first character that no rule takes, an
// `error` token in its place and nothing after it, which the parser throws when it gets there. One pass, no backtracking.
import { isSpace } from "./chars.ts";
import type { Pos } from "./errors.ts";
import { scanIdent } from "./idents.ts";
import { INTERVAL, isNumberStart, scanDuration, scanNumber } from "./numbers.ts";
import { scanString } from "./strings.ts";

type TokenKind = "punct" | "ident" | "string" | "op" | "filter-op" | "duration" | "number" | "eof" | "error";

/** `text` is the raw text, except that both Grafana intervals are `$__interval`; for an `error` it is the message. */
export type Token = { kind: TokenKind; text: string } & Pos;

const PUNCTUATION = "{}[](),@";
const OPERATORS = ["==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "^", ">", "<"];
const FILTER_OPERATORS = ["=~", "!~", "="];
const INTERVALS = [INTERVAL, "$__rate_interval"];

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at = skipBlank(text, at);
    if (at >= text.length) {
      tokens.push({ kind: "eof", text: "", offset: text.length, length: 0 });
      return tokens;
    }
    const token = readToken(text, at);
    tokens.push(token);
    if (token.kind === "error") return tokens;
    at += token.length;
  }
}

function skipBlank(text: string, from: number): number {
  let at = from;
  for (;;) {
    while (isSpace(text.charCodeAt(at))) at++;
    if (text[at] !== "#") return at;
    const end = text.indexOf("\n", at);
    if (end < 0) return text.length;
    at = end + 1;
  }
}

function readToken(text: string, at: number): Token {
  const take = (kind: TokenKind, end: number): Token => ({
    kind,
    text: text.slice(at, end),
    offset: at,
    length: end - at,
  });
  const bad = (message: string, length: number): Token => ({ kind: "error", text: message, offset: at, length });
  const first = text[at]!;

  if (PUNCTUATION.includes(first)) return take("punct", at + 1);
  const ident = scanIdent(text, at);
  if (ident > at) return take("ident", ident);
  if (first === '"' || first === "'" || first === "`") {
    const end = scanString(text, at);
    return end < 0 ? bad(`the string that starts here has no closing ${first}`, 1) : take("string", end);
  }
  const operator = OPERATORS.find((o) => text.startsWith(o, at));
  // `=~` is not a comparison, and `!~` is not an operator.
  if (operator !== undefined) return take("op", at + operator.length);
  const filter = FILTER_OPERATORS.find((o) => text.startsWith(o, at));
  if (filter !== undefined) return take("filter-op", at + filter.length);
  const duration = scanDuration(text, at);
  if (duration > 0) return take("duration", duration);
  if (isNumberStart(text, at)) {
    const end = scanNumber(text, at);
    return end < 0 ? bad("a number without digits in its exponent", 1) : take("number", end);
  }
  const interval = INTERVALS.find((v) => text.startsWith(v, at));
  if (interval !== undefined) return { kind: "duration", text: INTERVAL, offset: at, length: interval.length };
  const char = String.fromCodePoint(text.codePointAt(at)!);
  return bad(advice(char), char.length);
}

function advice(char: string): string {
  if ("“”„‟‘’‚‛".includes(char)) return 'typographic quotes “ ”: write "';
  const code = char.codePointAt(0)!;
  const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  if (char === "$")
    return "$variables are not MetricsQL: replace this one by its value (only $__interval and $__rate_interval are known)";
  if (char === "&") return 'unknown operator "&": write and';
  if (char === "|") return 'unknown operator "|": write or';
  if (char === "!") return 'unexpected "!": the operators are != and !~';
  if (/^[\p{Z}\p{C}]$/u.test(char)) return `the invisible character ${name}: write a plain space`;
  return `unexpected character ${JSON.stringify(char)}${code < 0x80 ? "" : ` (${name})`}`;
}
