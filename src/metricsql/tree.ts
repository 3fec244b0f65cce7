// The tree of a query. `Expr` is what parse() gives: templates expanded, parentheses gone, constants folded. Treat it as immutable.
import type { Pos } from "./lexer/errors.ts";

export type Kind = "metric" | "rollup" | "func" | "aggrfunc" | "binaryop" | "number" | "string" | "duration";

export type FilterOp = "=" | "!=" | "=~" | "!~";

/** A value's bytes that are not valid UTF-8 are lone surrogates U+DC80…U+DCFF (bytes.ts). Filters that were added have no span. */
export type LabelFilter = { label: string; op: FilterOp; value: string; span?: Pos };

/** A selector. The groups are alternatives, each of filters that all apply; a name is a filter of `__name__`, first in its group. */
export type Metric = { kind: "metric"; groups: LabelFilter[][]; span: Pos };

/** Without `text` the number was computed. */
export type NumberNode = { kind: "number"; value: number; text?: string; span: Pos };
export type StringNode = { kind: "string"; value: string; span: Pos };
export type DurationNode = { kind: "duration"; text: string; span: Pos };

/** `text` is a duration or a number of seconds; with `template` it is a name that the expansion replaces. */
export type Duration = { text: string; template?: true; span: Pos };

/** `e[window:step] offset o @ at`. The spans take the brackets and the words in. */
export interface Rollup<E = Expr> {
  kind: "rollup";
  expr: E;
  window?: Duration | undefined;
  step?: Duration | undefined;
  /** `[5m:]`: the step of the query. */
  inheritStep: boolean;
  offset?: Duration | undefined;
  at?: E | undefined;
  bracketSpan?: Pos | undefined;
  offsetSpan?: Pos | undefined;
  atSpan?: Pos | undefined;
  span: Pos;
}

/** The empty name is `(a, b)`, a union. */
export interface Func<E = Expr> {
  kind: "func";
  name: string;
  args: E[];
  keepMetricNames: boolean;
  span: Pos;
  nameSpan: Pos;
}

/** `op` is in lower case: `by`, `without`, `on`, `ignoring`, `group_left`, `group_right`. */
export type Modifier = { op: string; labels: string[]; span: Pos };

export interface Aggr<E = Expr> {
  kind: "aggrfunc";
  name: string;
  args: E[];
  modifier?: Modifier | undefined;
  /** Decimal digits without leading zeros. */
  limit?: string | undefined;
  span: Pos;
  nameSpan: Pos;
}

export interface Binary<E = Expr, S = StringNode> {
  kind: "binaryop";
  op: string;
  bool: boolean;
  group?: Modifier | undefined;
  join?: Modifier | undefined;
  prefix?: S | undefined;
  /** One and the same node in both for `fill(x)`. */
  fillLeft?: NumberNode | undefined;
  fillRight?: NumberNode | undefined;
  keepMetricNames: boolean;
  left: E;
  right: E;
  span: Pos;
  opSpan: Pos;
}

export type Expr =
  | Metric
  | Rollup<Expr>
  | Func<Expr>
  | Aggr<Expr>
  | Binary<Expr, StringNode>
  | NumberNode
  | StringNode
  | DurationNode;

// -- The tree as it is written, before expansion: with parentheses, templates, and strings and selectors that are still tokens.
// Expansion replaces its nodes step by step, so it may also hold nodes of the finished kinds.

/** `"a" + 'b' + template`: string tokens as they stand, and names of string templates. */
export type RawString = { kind: "raw-string"; pieces: { text: string; span: Pos }[]; span: Pos };

/** Without `op` and `value` the label is a template's name, or in quotes perhaps the name of the metric. */
export type RawFilter = {
  label: string;
  quoted: boolean;
  op?: FilterOp;
  value?: RawString;
  span: Pos;
};

/** `{}` has no groups. A name before the braces is the first filter of every group. */
export type RawMetric = { kind: "raw-metric"; groups: RawFilter[][]; span: Pos };

export interface Parens {
  kind: "parens";
  items: Syntax[];
  span: Pos;
}

export interface Definition {
  name: string;
  params: string[];
  expr: Syntax;
  span: Pos;
}
export interface With {
  kind: "with";
  defs: Definition[];
  expr: Syntax;
  span: Pos;
}

export type Syntax =
  | RawString
  | RawMetric
  | Parens
  | With
  | Metric
  | Rollup<Syntax>
  | Func<Syntax>
  | Aggr<Syntax>
  | Binary<Syntax, RawString | StringNode>
  | NumberNode
  | StringNode
  | DurationNode;

// -- The name that the groups of a selector have in common, and groups without repeated filters.

export const isName = (f: LabelFilter): boolean => f.label === "__name__" && f.op === "=";

/** The metric's name if every group starts with it; otherwise, or if it is empty, "". */
export function metricName(groups: readonly LabelFilter[][]): string {
  const first = groups[0]?.[0];
  if (first === undefined || !isName(first)) return "";
  const same = (g: LabelFilter[]) => g[0] !== undefined && isName(g[0]) && g[0].value === first.value;
  return groups.every(same) ? first.value : "";
}

export const isOnlyName = (groups: readonly LabelFilter[][]): boolean =>
  metricName(groups) !== "" && groups.every((g) => g.length === 1);

const key = (f: LabelFilter): string => `${f.op}${f.label.length} ${f.label}${f.value}`;

export const sameFilter = (a: LabelFilter, b: LabelFilter): boolean =>
  a.label === b.label && a.op === b.op && a.value === b.value;

/** The first of equal filters stays. */
export function unique(filters: readonly LabelFilter[]): LabelFilter[] {
  const seen = new Set<string>();
  return filters.filter((f) => !seen.has(key(f)) && seen.add(key(f)));
}

// -- Rollup suffixes that are empty: those of `m[$__interval]`, where the window means "none".

export const isEmptySuffix = (e: Rollup<Syntax>): boolean => !(e.window || e.step || e.inheritStep || e.offset || e.at);

/** True if the suffix can be left out. On a constant it has one effect: operations on it are not folded. */
export const saysNothing = (e: Rollup<Syntax>): boolean =>
  isEmptySuffix(e) && e.expr.kind !== "number" && e.expr.kind !== "string";
