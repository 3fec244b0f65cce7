// The tree of a query. `Expr` is what parse() gives: templates expanded, parentheses gone, constants folded. Treat it as immutable.
import type { Pos } from "./errors.ts";

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
