// One look at a query for whoever only wants to know: does it parse, what is it, what does it read, what looks wrong.
import { lower } from "./chars.ts";
import { MetricsQLError, type Pos } from "./errors.ts";
import type { ParseOptions } from "./limits.ts";
import { parse } from "./parse.ts";
import type { Expr, Kind, LabelFilter } from "./tree.ts";
import { visit } from "./walk.ts";
import { findWarnings, type Warning } from "./warnings.ts";

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

/** The filters on a label, with their places: `__name__` for names. */
export function filtersOn(root: Expr, label: string): LabelFilter[] {
  return selectorsOf(root).flatMap((s) => s.groups.flat().filter((f) => f.label === label));
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
