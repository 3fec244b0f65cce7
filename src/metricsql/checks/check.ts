// One look at a query for whoever only wants to know: does it parse, what is it, what does it read, what looks wrong.

import { arityProblem, isRollup } from "../functions.ts";
import { lower, utf8Length } from "../lexer/chars.ts";
import { MetricsQLError, type Pos } from "../lexer/errors.ts";
import { type ParseOptions, SERVER_MAX_LENGTH } from "../limits.ts";
import { parse } from "../parse.ts";
import type { Aggr, Expr, Func, Kind, LabelFilter } from "../tree.ts";
import { visit } from "../walk.ts";
import { findHazards, type Hazard } from "./hazards.ts";

/** `[]` is `{}`; the groups are alternatives. A filter from a template has the place where the template writes it. */
export type Selector = { groups: LabelFilter[][]; span: Pos };

/** A part of a rollup suffix: its value as text, and where it stands, brackets or keyword included. */
export type RollupPart = { text: string; span: Pos };

/** A selector that has a window, `offset` or `@` of its own. All may be missing: `m[$__interval]` says "no window". */
export type RolledSelector = {
  selector: Selector;
  window?: RollupPart;
  step?: RollupPart;
  offset?: RollupPart;
  at?: RollupPart;
};

export type Checked = {
  ok: true;
  expr: Expr;
  kind: Kind;
  /** The whole query is one plain selector. */
  isSelector: boolean;
  /** Set if the whole query is a selector with a suffix. */
  rolledSelector?: RolledSelector;
  selectors: Selector[];
  /** Functions and aggregates in lower case, each once, sorted. */
  functions: string[];
  warnings: Warning[];
  /** Why a server may crash on it: such a query must not be sent. */
  hazards: Hazard[];
};

export type CheckResult = Checked | { ok: false; error: MetricsQLError };

/** Never throws. */
export function check(query: string, options?: ParseOptions): CheckResult {
  let expr: Expr;
  try {
    expr = parse(query, options);
  } catch (error) {
    if (error instanceof MetricsQLError) return { ok: false, error };
    throw error; // a bug
  }
  const rolled = rolledSelector(expr, query);
  return {
    ok: true,
    expr,
    kind: expr.kind,
    isSelector: expr.kind === "metric",
    ...(rolled && { rolledSelector: rolled }),
    selectors: selectorsOf(expr),
    functions: functionsOf(expr),
    warnings: findWarnings(expr, query),
    hazards: findHazards(expr),
  };
}

/** All selectors, also those behind `@` and in arguments, from the leaves up. */
export function selectorsOf(root: Expr): Selector[] {
  const selectors: Selector[] = [];
  visit(root, {
    leave(e) {
      if (e.kind === "metric") selectors.push({ groups: e.groups, span: e.span });
    },
  });
  return selectors;
}

function functionsOf(root: Expr): string[] {
  const names = new Set<string>();
  visit(root, {
    leave(e) {
      if ((e.kind === "func" && e.name !== "") || e.kind === "aggrfunc") names.add(lower(e.name));
    },
  });
  return [...names].sort();
}

function rolledSelector(e: Expr, query: string): RolledSelector | undefined {
  if (e.kind !== "rollup" || e.expr.kind !== "metric") return undefined;
  const { window, step, offset, at, bracketSpan, offsetSpan, atSpan } = e;
  const part = (text: string, span: Pos | undefined): RollupPart => ({ text, span: span ?? e.span });
  return {
    selector: { groups: e.expr.groups, span: e.expr.span },
    ...(window && { window: part(window.text, bracketSpan) }),
    ...(step && { step: part(step.text, bracketSpan) }),
    ...(offset && { offset: part(offset.text, offsetSpan) }),
    ...(at && { at: part(query.slice(at.span.offset, at.span.offset + at.span.length), atSpan) }),
  };
}

// -- What parses, but fails when a server executes it, or means something else than it says.

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
        const message = `${e.name}() of an expression without a window: servers evaluate it as an implicit subquery with the query step; write ${e.name}((…)[5m:])`;
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

/** Which argument is the series; -1 if this is not a rollup function. */
function rollupArg(e: Func | Aggr): number {
  if (e.kind !== "func" || !isRollup(e.name)) return -1;
  const name = lower(e.name);
  return SECOND.includes(name) ? 1 : name === "quantiles_over_time" ? e.args.length - 1 : 0;
}
