// The last steps to a finished tree: parentheses are dropped, operations on constants become their result.

import { evaluate } from "./arithmetic.ts";
import { compareValues, joinValues } from "./bytes.ts";
import type { Syntax } from "./syntax.ts";
import type { Expr } from "./tree.ts";
import { mapUp } from "./walk.ts";
import { isComparison } from "./words.ts";

/** `(a)` becomes `a`; `()` and `(a, b)` become calls of the function without a name. */
export function dropParens(e: Syntax): Syntax {
  return mapUp(e, (n) => {
    if (n.kind !== "parens") return n;
    if (n.items.length === 1) return n.items[0]!;
    return { kind: "func", name: "", args: n.items, keepMetricNames: false, span: n.span, nameSpan: n.span };
  });
}

/** For an expanded tree without parentheses. Durations are no numbers. Modifiers are ignored. */
export function foldConstants(e: Syntax): Expr {
  return mapUp(e, foldNode) as Expr;
}

function foldNode(e: Syntax): Syntax {
  if (e.kind !== "binaryop") return e;
  const { left, right, op, bool, span } = e;
  if (left.kind === "number" && right.kind === "number")
    return { kind: "number", value: evaluate(op, left.value, right.value, bool), span };
  if (left.kind !== "string" || right.kind !== "string") return e;
  if (op === "+") return { kind: "string", value: joinValues([left.value, right.value]), span };
  if (!isComparison(op)) return e;
  const holds = evaluate(op, compareValues(left.value, right.value), 0, true) === 1;
  return { kind: "number", value: holds ? 1 : bool ? 0 : Number.NaN, span };
}
