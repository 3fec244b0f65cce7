// What parses, but fails when a server executes it, or means something else than it says.
import { arityProblem } from "./arity.ts";
import { lower, utf8Length } from "./chars.ts";
import type { Pos } from "./errors.ts";
import { SERVER_MAX_LENGTH } from "./limits.ts";
import { isRollup } from "./names.ts";
import type { Aggr, Expr, Func } from "./tree.ts";
import { visit } from "./walk.ts";

export type Warning = { code: "arity" | "implicit-conversion" | "length"; message: string; span: Pos };

/** In the order of the tree, from the leaves up. */
export function findWarnings(root: Expr, query: string): Warning[] {
  const warnings: Warning[] = [];
  const bytes = utf8Length(query);
  if (bytes > SERVER_MAX_LENGTH) {
    const message = `${bytes} bytes: servers take ${SERVER_MAX_LENGTH} unless -search.maxQueryLen says more`;
    warnings.push({ code: "length", message, span: { offset: 0, length: query.length } });
  }
  visit(root, {
    leave(e) {
      if (e.kind !== "func" && e.kind !== "aggrfunc") return;
      const problem = e.name === "" ? undefined : arityProblem(e.name, e.args.length);
      if (problem !== undefined) warnings.push({ code: "arity", message: `${e.name}() ${problem}`, span: e.span });
      if (e.kind === "func" && converts(e)) {
        const message = `${e.name}() of something that is no selector and has no window: the servers make up a subquery of one step for it; write ${e.name}((…)[5m:])`;
        warnings.push({ code: "implicit-conversion", message, span: e.span });
      }
    },
  });
  return warnings;
}

/** The reference's "likely invalid": a rollup function of neither a selector nor anything with a window. */
function converts(e: Func): boolean {
  if (e.name === "timestamp") return false;
  const arg = e.args[rollupArg(e)];
  if (arg === undefined || arg.kind === "metric") return false;
  return arg.kind !== "rollup" || (arg.expr.kind !== "metric" && arg.window === undefined);
}

const SECOND = [
  "quantile_over_time",
  "aggr_over_time",
  "count_values_over_time",
  "hoeffding_bound_lower",
  "hoeffding_bound_upper",
];

/** Which argument is the series; -1 if this is no rollup function. */
function rollupArg(e: Func | Aggr): number {
  if (e.kind !== "func" || !isRollup(e.name)) return -1;
  const name = lower(e.name);
  return SECOND.includes(name) ? 1 : name === "quantiles_over_time" ? e.args.length - 1 : 0;
}
