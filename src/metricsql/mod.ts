// MetricsQL for JavaScript, as the Go library github.com/VictoriaMetrics/metricsql v0.87.3 reads it: parsing with WITH templates
// expanded, checking, enforcing filters, printing. It needs nothing but an RE2 for the regexes in filters (re2js). Everything is
// bounded and linear; all that is thrown is MetricsQLError. Offsets are UTF-16 units in the query text.

export type { Warning } from "./check.ts";
export {
  type Checked,
  type CheckResult,
  check,
  type RolledSelector,
  type RollupPart,
  type Selector,
  selectorsOf,
} from "./check.ts";
export { enforce, equal } from "./enforce.ts";
export { type ErrorCode, MetricsQLError, type Pos } from "./errors.ts";
export type { Hazard } from "./hazards.ts";
export { selectionsBy } from "./label-use.ts";
export type { ParseOptions } from "./limits.ts";
export { durationMs } from "./numbers.ts";
export { parse, parseSelector } from "./parse.ts";
export { prettify } from "./prettify.ts";
export { canonical, toSafeString } from "./print.ts";
export type {
  Aggr,
  Binary,
  Duration,
  DurationNode,
  Expr,
  FilterOp,
  Func,
  Kind,
  LabelFilter,
  Metric,
  Modifier,
  NumberNode,
  Rollup,
  StringNode,
} from "./tree.ts";
export { type Visitor, visit } from "./walk.ts";
