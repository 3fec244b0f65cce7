// Expressions: operands between operators. In: a cursor. Out: the syntax tree of one expression; the token after it is current.
import type { Cursor } from "./cursor.ts";
import { isAggregate } from "./names.ts";
import { parseCall } from "./parse-call.ts";
import { parseDuration } from "./parse-duration.ts";
import { atNumber, parseNumber, parseString } from "./parse-literal.ts";
import { parseOperation } from "./parse-operation.ts";
import { atRollup, parseRollup } from "./parse-rollup.ts";
import { parseSelector } from "./parse-selector.ts";
import { atWith, parseWith } from "./parse-with.ts";
import type { Syntax } from "./syntax.ts";
import { isOperator, isWord } from "./words.ts";

export function parseExpr(c: Cursor): Syntax {
  let left = c.nested(parseSingle);
  while ((c.token.kind === "op" || c.token.kind === "ident") && isOperator(c.token.text))
    left = parseOperation(c, left);
  return left;
}

/** An operand with its rollup suffix. Signs are inside of it: `-a[5m]` is `0 - (a[5m])`. */
export function parseSingle(c: Cursor): Syntax {
  if (atWith(c)) return parseWith(c);
  const base = parseBase(c);
  return atRollup(c) ? parseRollup(c, base) : base;
}

export function parseBase(c: Cursor): Syntax {
  const { token } = c;
  if (token.kind === "duration") return parseDurationLiteral(c);
  if (token.kind === "string") return parseString(c);
  if (atNumber(c)) return parseNumber(c);
  if (token.kind === "ident") return parseWordExpr(c);
  if (c.is("(")) return parseParens(c);
  if (c.is("{")) return parseSelector(c);
  if (c.is("-")) return parseMinus(c);
  if (c.accept("+")) return c.nested(parseSingle);
  throw c.unexpected("an expression");
}

function parseDurationLiteral(c: Cursor): Syntax {
  const duration = parseDuration(c);
  return { kind: "duration", text: duration.text, span: duration.span };
}

/** The token after an identifier tells what it is. */
function parseWordExpr(c: Cursor): Syntax {
  const { token, next } = c;
  if (next.kind === "eof") return parseSelector(c);
  if (next.kind === "ident" && !isWord(next.text, "offset"))
    return isAggregate(token.text) ? parseCall(c) : parseSelector(c);
  if (next.kind === "ident" || next.kind === "op") return parseSelector(c);
  if (next.kind === "punct" && next.text === "(") return parseCall(c);
  if (next.kind === "punct" && "{[),@".includes(next.text)) return parseSelector(c);
  c.take();
  throw c.unexpected('"("', '"{"', '"["', '")"', '","', '"@"', "an operator");
}

function parseMinus(c: Cursor): Syntax {
  const sign = c.take();
  const right = c.nested(parseSingle);
  return {
    kind: "binaryop",
    op: "-",
    bool: false,
    keepMetricNames: false,
    left: { kind: "number", value: 0, span: c.spanOf(sign) },
    right,
    span: c.spanFrom(sign),
    opSpan: c.spanOf(sign),
  };
}

function parseParens(c: Cursor): Syntax {
  const open = c.expect("(");
  const items: Syntax[] = [];
  while (!c.is(")")) {
    items.push(parseExpr(c));
    if (!c.accept(",") && !c.is(")")) throw c.unexpected('","', '")"', "an operator");
  }
  c.take();
  const [only] = items;
  // Only an operation directly inside can be told to keep names.
  if (items.length === 1 && only!.kind === "binaryop" && c.isWord("keep_metric_names")) {
    c.take();
    only!.keepMetricNames = true;
  }
  return { kind: "parens", items, span: c.spanFrom(open) };
}
