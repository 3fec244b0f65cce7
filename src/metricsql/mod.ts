// MetricsQL for JavaScript, as the Go library github.com/VictoriaMetrics/metricsql v0.87.3 reads it: parsing with WITH templates
// expanded, checking, enforcing filters, printing. It needs nothing but an RE2 for the regexes in filters (re2js). Everything is
// bounded and linear; all that is thrown is MetricsQLError. Offsets are UTF-16 units in the query text.
export {
  type Checked,
  type CheckResult,
  check,
  filtersOn,
  type RolledSelector,
  type RollupPart,
  type Selector,
  selectorsOf,
} from "./check.ts";
export { durationMs } from "./durations.ts";
export { enforce } from "./enforce.ts";
export { equal } from "./equal.ts";
export { type ErrorCode, MetricsQLError, type Pos } from "./errors.ts";
export type { ParseOptions } from "./limits.ts";
export { parse, parseSelector } from "./parse.ts";
export { prettify } from "./prettify.ts";
export { canonical, toSafeString } from "./printers.ts";
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
export type { Warning } from "./warnings.ts";
