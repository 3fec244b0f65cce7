// Function calls and aggregates.
import { lower } from "./chars.ts";
import type { Cursor } from "./cursor.ts";
import { unescapeIdent } from "./idents.ts";
import { isAggregate } from "./names.ts";
import { parseExpr } from "./parse-expr.ts";
import { parseModifier } from "./parse-labels.ts";
import type { Syntax } from "./syntax.ts";
import type { Aggr, Func } from "./tree.ts";
import { isByWord } from "./words.ts";

/** A name and its arguments; a word that is an aggregate's may have `by (…)` in between. */
export function parseCall(c: Cursor): Syntax {
  return isAggregate(c.token.text) ? parseAggregate(c) : parseFunction(c);
}

function parseFunction(c: Cursor): Func<Syntax> {
  const name = c.take();
  const args = parseArgs(c);
  const keepMetricNames = c.isWord("keep_metric_names");
  if (keepMetricNames) c.take();
  return {
    kind: "func",
    name: unescapeIdent(name.text),
    args,
    keepMetricNames,
    span: c.spanFrom(name),
    nameSpan: c.spanOf(name),
  };
}

function parseAggregate(c: Cursor): Aggr<Syntax> {
  const name = c.take();
  const atBy = () => c.token.kind === "ident" && isByWord(c.token.text);
  if (c.token.kind === "ident" && !atBy()) throw c.unexpected('"("', '"by"', '"without"');
  const before = atBy() ? parseModifier(c, false) : undefined;
  const args = parseArgs(c);
  const modifier = before ?? (atBy() ? parseModifier(c, false) : undefined);
  const limit = c.isWord("limit") ? parseLimit(c) : undefined;
  return {
    kind: "aggrfunc",
    name: lower(unescapeIdent(name.text)),
    args,
    ...(modifier && { modifier }),
    ...(limit !== undefined && { limit }),
    span: c.spanFrom(name),
    nameSpan: c.spanOf(name),
  };
}

/** Undefined for 0, which means none. */
function parseLimit(c: Cursor): string | undefined {
  c.take();
  const { token } = c;
  if (!/^[0-9]+$/.test(token.text) || BigInt(token.text) > 0x7fffffffffffffffn) throw c.unexpected("a whole number");
  c.take();
  const digits = token.text.replace(/^0+/, "");
  return digits === "" ? undefined : digits;
}

function parseArgs(c: Cursor): Syntax[] {
  c.expect("(");
  const args: Syntax[] = [];
  while (!c.is(")")) {
    args.push(parseExpr(c));
    if (!c.accept(",") && !c.is(")")) throw c.unexpected('","', '")"', "an operator");
  }
  c.take();
  return args;
}
