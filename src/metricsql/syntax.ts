// The tree as it is written, before expansion: with parentheses, templates, and strings and selectors that are still tokens.
// Expansion replaces its nodes step by step, so it may also hold nodes of the finished kinds.
import type { Pos } from "./errors.ts";
import type { Aggr, Binary, DurationNode, FilterOp, Func, Metric, NumberNode, Rollup, StringNode } from "./tree.ts";

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
