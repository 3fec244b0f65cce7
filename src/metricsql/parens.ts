// Where a printer puts parentheses. In the reference's text some are missing, so that it reads back as something else or not at
// all; `safe` puts them there too.
import { metricName } from "./selectors.ts";
import type { RawString, Syntax } from "./syntax.ts";
import type { Binary, Rollup, StringNode } from "./tree.ts";
import { isModifierWord } from "./words.ts";

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

export const leftNeedsParens = (e: Operation, safe: boolean): boolean => asOperand(e.left, safe);

export function rightNeedsParens(e: Operation, safe: boolean): boolean {
  const { right } = e;
  if (asOperand(right, safe)) return true;
  // `"a" + b` is a string made of two, if `b` is a name.
  if (safe && e.op === "+" && e.left.kind === "string" && right.kind !== "func" && right.kind !== "aggrfunc")
    return true;
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
