// Selectors: `metric`, `metric{…}`, `{…}`, with groups of filters between `or`.
import type { Cursor } from "./cursor.ts";
import { unescapeIdent } from "./idents.ts";
import { parseString } from "./parse-literal.ts";
import { quote } from "./strings.ts";
import type { RawFilter, RawMetric } from "./syntax.ts";
import type { FilterOp } from "./tree.ts";

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
