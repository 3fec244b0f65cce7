// Where a printer puts parentheses. In the reference's text some are missing, so that it reads back as something else or not at
// all; `safe` puts them there too.
import { metricName } from "./selectors.ts";
import type { RawString, Syntax } from "./syntax.ts";
import type { Binary, Rollup, StringNode } from "./tree.ts";
import { isModifierWord, samePriority, takesOver } from "./words.ts";

type Operation = Binary<Syntax, RawString | StringNode>;

/** A number that is printed with a sign: it reads back as an operation, with the priority of a minus. */
const isSigned = (e: Syntax): boolean =>
  e.kind === "number" && e.text === undefined && (e.value < 0 || Object.is(e.value, -0));

function asOperand(e: Syntax, safe: boolean): boolean {
  if (e.kind === "binaryop") return true;
  if (e.kind === "rollup")
    return (e.expr.kind === "binaryop" && e.expr.keepMetricNames) || e.offset !== undefined || e.at !== undefined;
  return safe && isSigned(e);
}

/** A chain such as `a + b - c` is safe without: nested hundreds of times, parentheses would not be read back. */
export const leftNeedsParens = (e: Operation, safe: boolean): boolean =>
  asOperand(e.left, safe) && !(safe && isChained(e, e.left));

const isChained = (e: Operation, left: Syntax): boolean =>
  left.kind === "binaryop" && !left.keepMetricNames && samePriority(e.op, left.op) && !takesOver(e.op, left.op);

/** True if the text of the operand ends with a string, which takes a `+` and a name after it for more of itself. */
const endsWithString = (e: Operation): boolean =>
  e.left.kind === "string" || (isChained(e, e.left) && e.left.kind === "binaryop" && e.left.right.kind === "string");

export function rightNeedsParens(e: Operation, safe: boolean): boolean {
  const { right } = e;
  if (asOperand(right, safe)) return true;
  // `"a" + b` is a string made of two, if `b` is a name.
  if (safe && e.op === "+" && endsWithString(e) && right.kind !== "func" && right.kind !== "aggrfunc") return true;
  if (right.kind === "metric") return isModifierWord(metricName(right.groups));
  if (right.kind === "func") return isModifierWord(right.name) || right.keepMetricNames || e.keepMetricNames;
  return false;
}

export function innerNeedsParens(e: Rollup<Syntax>, safe: boolean): boolean {
  const { expr } = e;
  if (expr.kind === "rollup" || expr.kind === "binaryop") return true;
  if (expr.kind === "aggrfunc") return expr.modifier !== undefined || (safe && expr.limit !== undefined);
  return safe && isSigned(expr);
}

export const atNeedsParens = (at: Syntax, safe: boolean): boolean =>
  at.kind === "binaryop" || (safe && (at.kind === "rollup" || isSigned(at)));
