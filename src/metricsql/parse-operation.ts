// Binary operators with their modifiers. Operators are put in by priority while reading, so that what is marked by a trailing
// `keep_metric_names` is the operator read last, as in the reference.

import { lower } from "./chars.ts";
import type { Cursor } from "./cursor.ts";
import { parseSingle } from "./parse-expr.ts";
import { parseModifier } from "./parse-labels.ts";
import { parseNumber, parseString } from "./parse-literal.ts";
import type { RawString, Syntax } from "./syntax.ts";
import type { Binary, NumberNode, StringNode } from "./tree.ts";
import { isComparison, isFillWord, isGroupWord, isJoinWord, isLogical, isSetOperator, takesOver } from "./words.ts";

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
    if (!isComparison(op)) throw c.error("syntax", `bool goes with a comparison, not with "${op}"`, c.token);
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
