// Over 350 lines: the rules call each other, and a file each would be a cycle.
// Expressions: operands between operators. In: a cursor. Out: the syntax tree of one expression; the token after it is current.

import { isAggregate } from "./functions.ts";
import { lower } from "./lexer/chars.ts";
import type { Cursor } from "./lexer/cursor.ts";
import { unescapeIdent } from "./lexer/idents.ts";
import { INTERVAL } from "./lexer/numbers.ts";
import {
  isByWord,
  isComparison,
  isFillWord,
  isGroupWord,
  isJoinWord,
  isLogical,
  isOperator,
  isSetOperator,
  isWord,
  takesOver,
} from "./lexer/words.ts";
import {
  atNumber,
  parseDuration,
  parseLabels,
  parseModifier,
  parseNumber,
  parseSelector,
  parseSignedDuration,
  parseString,
} from "./terms.ts";
import type {
  Aggr,
  Binary,
  Definition,
  Func,
  NumberNode,
  RawString,
  Rollup,
  StringNode,
  Syntax,
  With,
} from "./tree.ts";

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

// -- Binary operators with their modifiers. Operators are put in by priority while reading, so that what is marked by a trailing
// `keep_metric_names` is the operator read last, as in the reference.

type Operation = Binary<Syntax, RawString | StringNode>;

/** Reads the operator that is current and its right operand. */
export function parseOperation(c: Cursor, left: Syntax): Syntax {
  const sign = c.take();
  const op = lower(sign.text);
  const modifiers = parseModifiers(c, op);
  const right = c.nested(parseSingle);
  const keepMetricNames = c.isWord("keep_metric_names");
  if (keepMetricNames) c.take();
  const span = c.spanFrom(left.span);
  return balance(c, { kind: "binaryop", op, ...modifiers, keepMetricNames, left, right, span, opSpan: c.spanOf(sign) });
}

type Modifiers = Pick<Operation, "bool" | "group" | "join" | "prefix" | "fillLeft" | "fillRight">;

function parseModifiers(c: Cursor, op: string): Modifiers {
  const m: Modifiers = { bool: false };
  if (c.isWord("bool")) {
    if (!isComparison(op))
      throw c.error("syntax", `bool is only allowed after a comparison operator, not after "${op}"`, c.token);
    c.take();
    m.bool = true;
  }
  if (c.token.kind === "ident" && isGroupWord(c.token.text)) {
    m.group = parseModifier(c, false);
    if (c.token.kind === "ident" && isJoinWord(c.token.text)) {
      if (isLogical(op)) throw c.error("syntax", `"${op}" cannot have ${lower(c.token.text)}`, c.token);
      m.join = parseModifier(c, true);
      if (c.isWord("prefix")) {
        c.take();
        m.prefix = parseString(c);
      }
    }
  }
  while (c.token.kind === "ident" && isFillWord(c.token.text)) {
    if (isSetOperator(op)) throw c.error("syntax", `"${op}" cannot have ${lower(c.token.text)}`, c.token);
    if (c.next.text !== "(") break;
    const word = lower(c.take().text);
    const value = parseFillValue(c);
    if (word !== "fill_right") m.fillLeft = value;
    if (word !== "fill_left") m.fillRight = value;
  }
  return m;
}

function parseFillValue(c: Cursor): NumberNode {
  c.expect("(");
  const start = c.token;
  const negative = c.accept("-");
  const number = parseNumber(c);
  const span = c.spanFrom(start);
  c.expect(")");
  return negative ? { kind: "number", value: -number.value, text: `-${number.text}`, span } : number;
}

/**
 * Puts an operation in its place: down the right operands of the one to its left, past all that bind less tightly. That path is
 * as long as the priorities are many, but for `^`, which nests to the right.
 */
function balance(c: Cursor, be: Operation): Syntax {
  const root = be.left;
  let above: Operation | undefined;
  for (let depth = 0; be.left.kind === "binaryop" && takesOver(be.op, be.left.op); depth++) {
    if (depth > c.maxDepth) throw c.tooDeep(be.opSpan);
    const passed: Operation = be.left;
    passed.span = reach(passed.span, be.span);
    be.left = passed.right;
    above = passed;
  }
  if (above === undefined) return be;
  be.span = { offset: be.left.span.offset, length: be.span.offset + be.span.length - be.left.span.offset };
  above.right = be;
  return root;
}

const reach = (from: { offset: number }, to: { offset: number; length: number }) => ({
  offset: from.offset,
  length: to.offset + to.length - from.offset,
});

// -- Function calls and aggregates.

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

// -- The suffix of an operand: `[window:step]`, then at most one `@` and one `offset`, in either order.

export const atRollup = (c: Cursor): boolean => c.is("[") || c.is("@") || c.isWord("offset");

export function parseRollup(c: Cursor, expr: Syntax): Rollup<Syntax> {
  const rollup: Rollup<Syntax> = { kind: "rollup", expr, inheritStep: false, span: expr.span };
  if (c.is("[")) parseWindow(c, rollup);
  if (c.is("@")) parseAt(c, rollup);
  if (c.isWord("offset")) parseOffset(c, rollup);
  if (c.is("@")) {
    // A sign in front could take a second suffix, but the reference refuses this one.
    if (rollup.at !== undefined) throw c.error("syntax", "a second @: one operand can have one", c.token);
    parseAt(c, rollup);
  }
  rollup.span = c.spanFrom(expr.span);
  return rollup;
}

function parseAt(c: Cursor, rollup: Rollup<Syntax>): void {
  const start = c.expect("@");
  rollup.at = c.nested(parseBase);
  rollup.atSpan = c.spanFrom(start);
}

function parseOffset(c: Cursor, rollup: Rollup<Syntax>): void {
  const start = c.take();
  rollup.offset = parseSignedDuration(c);
  rollup.offsetSpan = c.spanFrom(start);
}

/** `[w]`, `[w:s]`, `[w:]`, `[:s]`, `[:]`. The window `$__interval` means none. */
function parseWindow(c: Cursor, rollup: Rollup<Syntax>): void {
  const start = c.expect("[");
  if (c.is(INTERVAL)) c.take();
  else if (!atColon(c)) rollup.window = parseDuration(c);
  if (atColon(c)) parseStep(c, rollup);
  if (!c.is("]")) throw c.unexpected('"]"');
  c.take();
  rollup.bracketSpan = c.spanFrom(start);
}

// A colon is an identifier's character: it stands alone or in front of the step, in one token.
const atColon = (c: Cursor): boolean => c.token.kind === "ident" && c.token.text.startsWith(":");

function parseStep(c: Cursor, rollup: Rollup<Syntax>): void {
  const { token } = c;
  if (token.text === ":") {
    c.take();
    if (c.is("]")) {
      rollup.inheritStep = true;
      return;
    }
  } else c.replace({ ...token, text: token.text.slice(1), offset: token.offset + 1, length: token.length - 1 });
  rollup.step = parseDuration(c);
}

// -- WITH blocks and their definitions.

/** `with` is a block only in front of a parenthesis. */
export const atWith = (c: Cursor): boolean => c.isWord("with") && c.next.text === "(";

/** Takes everything to its right as the expression it is for. */
export function parseWith(c: Cursor): With {
  const start = c.take();
  c.expect("(");
  const defs: Definition[] = [];
  const names = new Set<string>();
  while (!c.is(")")) {
    const def = c.nested(parseDefinition);
    if (names.has(def.name)) throw c.error("duplicate", `"${def.name}" is defined twice in one WITH block`, def.span);
    names.add(def.name);
    defs.push(def);
    if (!c.accept(",") && !c.is(")")) throw c.unexpected('","', '")"', "an operator");
  }
  c.take();
  const expr = parseExpr(c);
  return { kind: "with", defs, expr, span: c.spanFrom(start) };
}

export function parseDefinition(c: Cursor): Definition {
  const { token } = c;
  if (token.kind !== "ident") throw c.unexpected("the name of a template", '")"');
  c.take();
  const params = c.is("(") ? parseLabels(c) : [];
  if (new Set(params).size < params.length)
    throw c.error("duplicate", "two parameters have one name", c.spanFrom(token));
  c.expect("=");
  return { name: unescapeIdent(token.text), params, expr: parseExpr(c), span: c.spanOf(token) };
}
