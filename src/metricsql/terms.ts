// Numbers and runs of strings.

import { lower } from "./lexer/chars.ts";
import type { Cursor } from "./lexer/cursor.ts";
import { isIdentPrefix, unescapeIdent } from "./lexer/idents.ts";
import { durationMs, INTERVAL, isDuration, isInfOrNaN, isNumberStart, numberValue } from "./lexer/numbers.ts";
import { quote } from "./lexer/strings.ts";
import { isJoinWord } from "./lexer/words.ts";
import type { Duration, FilterOp, Modifier, NumberNode, RawFilter, RawMetric, RawString } from "./tree.ts";

export const atNumber = (c: Cursor): boolean => {
  const { kind, text } = c.token;
  return kind === "number" || (kind === "ident" && isInfOrNaN(text)) || (kind === "duration" && isNumberStart(text, 0));
};

/** Where only a number may stand, `1m` is a million. */
export function parseNumber(c: Cursor): NumberNode {
  if (!atNumber(c)) throw c.unexpected("a number");
  const { token } = c;
  const value = numberValue(token.text);
  if (value === undefined) throw c.error("number", `${JSON.stringify(token.text)} is not a valid number`, token);
  c.take();
  return { kind: "number", value, text: token.text, span: c.spanOf(token) };
}

/**
 * `"a" + 'b' + template`. The first piece may be a template only where the caller's grammar has a string anyway. A `+` before
 * `f(`, `m{` or anything else that is not a string is left to the caller: there it is an operator.
 */
export function parseString(c: Cursor): RawString {
  const first = c.token;
  const pieces: RawString["pieces"] = [];
  for (;;) {
    const { token } = c;
    if (token.kind !== "string" && token.kind !== "ident") throw c.unexpected("a string");
    c.take();
    pieces.push({ text: token.text, span: c.spanOf(token) });
    if (!c.is("+")) break;
    const after = c.next;
    if (after.kind !== "string" && after.kind !== "ident") break;
    if (after.kind === "ident" && ["(", "{"].includes(c.afterNext.text)) break;
    c.take();
  }
  return { kind: "raw-string", pieces, span: c.spanFrom(first) };
}

// -- A duration where only one may stand: in a window, after `offset`, or alone. A name there is a template's.

/** Without a sign. A name is cut at its first colon, which stays for the caller. */
export function parseDuration(c: Cursor): Duration {
  const { token } = c;
  const { text } = token;
  if (token.kind !== "string" && isIdentPrefix(text)) {
    const colon = text.indexOf(":");
    if (colon < 0) {
      c.take();
      return { text, template: true, span: c.spanOf(token) };
    }
    c.replace({ kind: "ident", text: text.slice(colon), offset: token.offset + colon, length: token.length - colon });
    return { text: text.slice(0, colon), template: true, span: c.spanOf({ offset: token.offset, length: colon }) };
  }
  if (!isDuration(text)) {
    if (!isNumberStart(text, 0)) throw c.unexpected("a duration such as 5m");
    if (numberValue(text) === undefined)
      throw c.error("number", `${JSON.stringify(text)} is not a valid number`, token);
  }
  const value = text === INTERVAL ? "1i" : text;
  if (durationMs(value, 0) === undefined)
    throw c.error(
      "duration",
      `${JSON.stringify(text)} is not a valid duration: write one such as 1h30m, or a number of seconds`,
      token,
    );
  c.take();
  return { text: value, span: c.spanOf(token) };
}

/** With an optional `-`; a template behind one never resolves. */
export function parseSignedDuration(c: Cursor): Duration {
  const start = c.token;
  if (!c.accept("-")) return parseDuration(c);
  const duration = parseDuration(c);
  return { ...duration, text: `-${duration.text}`, span: c.spanFrom(start) };
}

// -- Selectors: `metric`, `metric{…}`, `{…}`, with groups of filters between `or`.

const OPS = ["=", "!=", "=~", "!~"];

export function parseSelector(c: Cursor): RawMetric {
  const start = c.token;
  const name = start.kind === "ident" ? nameFilter(c) : undefined;
  if (name !== undefined && !c.is("{")) return { kind: "raw-metric", groups: [[name]], span: name.span };
  const groups = parseGroups(c, name);
  return { kind: "raw-metric", groups, span: c.spanFrom(start) };
}

/** A name before the braces is a filter like any other. */
function nameFilter(c: Cursor): RawFilter {
  const token = c.take();
  const span = c.spanOf(token);
  const pieces = [{ text: quote(unescapeIdent(token.text)), span }];
  return { label: "__name__", quoted: false, op: "=", value: { kind: "raw-string", pieces, span }, span };
}

function parseGroups(c: Cursor, name: RawFilter | undefined): RawFilter[][] {
  const start = name === undefined ? [] : [name];
  c.expect("{");
  if (c.accept("}")) return name === undefined ? [] : [start];
  const groups: RawFilter[][] = [];
  do groups.push([...start, ...parseFilters(c)]);
  while (!c.accept("}") && c.take()); // it is "or"
  return groups;
}

/** Up to `or` or `}`. After a comma `or` is a label. */
function parseFilters(c: Cursor): RawFilter[] {
  const filters: RawFilter[] = [];
  for (;;) {
    filters.push(parseFilter(c));
    if (c.is("}") || c.isWord("or")) return filters;
    if (!c.accept(",")) throw c.unexpected('","', '"or"', '"}"');
    if (c.is("}")) return filters;
  }
}

function parseFilter(c: Cursor): RawFilter {
  const name = c.token;
  if (name.kind !== "string" && name.kind !== "ident") throw c.unexpected("a label name", '"}"');
  c.take();
  const quoted = name.kind === "string";
  const label = unescapeIdent(quoted ? name.text.slice(1, -1) : name.text);
  const { token } = c;
  if (c.is(",") || c.is("}") || c.isWord("or")) return { label, quoted, span: c.spanOf(name) };
  if ((token.kind !== "op" && token.kind !== "filter-op") || !OPS.includes(token.text))
    throw c.unexpected('"="', '"!="', '"=~"', '"!~"', '","', '"or"', '"}"');
  const op = c.take().text as FilterOp;
  const value = parseString(c);
  return { label, quoted, op, value, span: c.spanFrom(name) };
}

// -- Lists of labels in parentheses, and the modifiers that have one: by, without, on, ignoring, group_left, group_right.

/** The current word and its labels. `group_left` and `group_right` may go without, or have `*` alone. */
export function parseModifier(c: Cursor, allowStar: boolean): Modifier {
  const word = c.take();
  const op = lower(word.text);
  const labels = isJoinWord(op) && !c.is("(") ? [] : parseLabels(c, allowStar);
  return { op, labels, span: c.spanFrom(word) };
}

/** `(a, "b", c)`, decoded. What is in quotes has to start like an identifier. */
export function parseLabels(c: Cursor, allowStar = false): string[] {
  c.expect("(");
  if (allowStar && c.accept("*")) {
    c.expect(")");
    return ["*"];
  }
  const labels: string[] = [];
  while (!c.accept(")")) {
    const { kind, text } = c.token;
    const name = kind === "string" ? text.slice(1, -1) : text;
    if ((kind !== "ident" && kind !== "string") || !isIdentPrefix(name)) throw c.unexpected("a label name", '")"');
    labels.push(unescapeIdent(name));
    c.take();
    if (!c.accept(",") && !c.is(")")) throw c.unexpected('","', '")"');
  }
  return labels;
}
