// MetricsQL for JavaScript, as the Go library github.com/VictoriaMetrics/metricsql v0.87.3 reads it: parsing with WITH templates
// expanded, checking, enforcing filters, printing. It needs nothing but an RE2 for the regexes in filters (re2js). Everything is
// bounded and linear; all that is thrown is MetricsQLError. Offsets are UTF-16 units in the query text.

export type { Warning } from "./checks/check.ts";
export {
  type Checked,
  type CheckResult,
  check,
  type RolledSelector,
  type RollupPart,
  type Selector,
  selectorsOf,
} from "./checks/check.ts";
export { enforce, equal } from "./checks/enforce.ts";
export type { Hazard } from "./checks/hazards.ts";
export { selectionsBy } from "./checks/label-use.ts";
export { type ErrorCode, MetricsQLError, type Pos } from "./lexer/errors.ts";
export { durationMs } from "./lexer/numbers.ts";
export type { ParseOptions } from "./limits.ts";
export { parse, parseSelector } from "./parse.ts";
export { prettify } from "./printers/prettify.ts";
export { canonical, toSafeString } from "./printers/print.ts";
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
