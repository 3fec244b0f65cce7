// Queries that end a server: what is known to make VictoriaMetrics panic (found by fuzzing version 1.79.5, which Debian ships).
// In: the tree of a query. Out: why, and where. Sending such a query takes the source away from everybody.

import { foldConstants } from "../fold.ts";
import { isAggregate } from "../functions.ts";
import { lower } from "../lexer/chars.ts";
import { MetricsQLError, type Pos } from "../lexer/errors.ts";
import { MAX_DEPTH } from "../limits.ts";
import { parse } from "../parse.ts";
import { textOfOldServer } from "../printers/print.ts";
import type { Expr, Rollup } from "../tree.ts";
import { visit } from "../walk.ts";

export type Hazard = { message: string; span: Pos };

/** Largest time in seconds whose milliseconds fit the servers' 64 bits, with room for a lookback. */
const MAX_SECONDS = 9e15;

/** `@` of a time that may be out of range, or a text that the server itself cannot read back. At most one of each. */
export function findHazards(root: Expr): Hazard[] {
  const hazards: Hazard[] = [];
  let operation: Expr | undefined;
  /** A function that is named like an aggregate, by an escape: an old server prints it as the aggregate. */
  let disguised: Expr | undefined;
  visit(root, {
    leave(e) {
      if (e.kind === "binaryop") operation ??= e;
      if (e.kind === "func" && e.keepMetricNames && isAggregate(e.name)) disguised ??= e;
      if (e.kind !== "rollup" || e.at === undefined || isPlain(e) || largest(e.at) <= MAX_SECONDS) return;
      if (hazards.length > 0) return;
      hazards.push({
        message:
          "VictoriaMetrics 1.79 panics on @ with a time that is not a number or out of range; write a number of seconds, or start() or end() plus or minus one",
        span: e.atSpan ?? e.span,
      });
    },
  });
  // Only queries with an operator are optimized, and so printed and read back.
  const reason = operation && (disguised ? "a function that is named like an aggregate" : unreadable(root));
  if (operation && reason !== undefined)
    hazards.push({
      message: `VictoriaMetrics 1.79 panics on this query: it cannot read back its own rendering of it (${reason}); avoid names such as on, bool or sum for a metric or function beside an operator, and put @ and [] on plain selectors`,
      span: operation.span,
    });
  return hazards;
}

/** Of a selector without a subquery the server takes any time. */
const isPlain = (e: Rollup): boolean => e.expr.kind === "metric" && e.step === undefined && !e.inheritStep;

const TIMES = new Set(["start", "end", "time", "now"]);

/** The largest magnitude that the expression can have, in seconds; Infinity where that is not known. */
function largest(e: Expr): number {
  switch (e.kind) {
    case "number":
      return Number.isNaN(e.value) ? Number.POSITIVE_INFINITY : Math.abs(e.value);
    case "func":
      return TIMES.has(lower(e.name)) && e.args.length === 0 ? 1e11 : Number.POSITIVE_INFINITY;
    case "duration":
      return 1e12;
    case "binaryop":
      return e.op === "+" || e.op === "-" ? largest(e.left) + largest(e.right) : Number.POSITIVE_INFINITY;
    default:
      return Number.POSITIVE_INFINITY;
  }
}

function unreadable(root: Expr): string | undefined {
  try {
    parse(textOfOldServer(foldConstants(root) as Expr), { maxLength: Number.POSITIVE_INFINITY, maxDepth: MAX_DEPTH });
    return undefined;
  } catch (error) {
    if (error instanceof MetricsQLError) return error.message;
    throw error;
  }
}
