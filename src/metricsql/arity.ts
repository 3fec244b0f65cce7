// How many arguments functions take when a server executes them. The parser takes any number.
import { lower } from "./chars.ts";
import { AGGREGATES, ROLLUPS, TRANSFORMS } from "./names.ts";

type Arity = { min: number; max: number };

const MANY = Number.POSITIVE_INFINITY;

/** "min-max: names"; what is not here takes one. */
const TABLE: [min: number, max: number, names: string][] = [
  [0, 0, "time now start end step pi"],
  [0, 1, "minute hour day_of_month day_of_week day_of_year days_in_month month year rand rand_exponential rand_normal"],
  [
    1,
    2,
    "round rollup rollup_delta rollup_deriv rollup_increase rollup_rate rollup_candlestick rollup_scrape_interval",
  ],
  [
    2,
    2,
    "clamp_min clamp_max range_quantile label_value smooth_exponential bitmap_and bitmap_or bitmap_xor buckets_limit",
  ],
  [2, 2, "range_trim_outliers range_trim_spikes range_trim_zscore"],
  [2, 2, "quantile_over_time aggr_over_time count_values_over_time predict_linear duration_over_time"],
  [2, 2, "share_eq_over_time share_gt_over_time share_le_over_time sum_eq_over_time sum_gt_over_time sum_le_over_time"],
  [
    2,
    2,
    "count_eq_over_time count_gt_over_time count_le_over_time count_ne_over_time hoeffding_bound_lower hoeffding_bound_upper",
  ],
  [2, 3, "histogram_quantile histogram_share"],
  [
    2,
    MANY,
    "sort_by_label sort_by_label_desc sort_by_label_numeric sort_by_label_numeric_desc label_lowercase label_uppercase",
  ],
  [3, 3, "clamp label_match label_mismatch limit_offset histogram_fraction holt_winters"],
  [3, MANY, "label_join labels_equal histogram_quantiles quantiles_over_time"],
  [4, 4, "label_transform"],
  [5, 5, "label_replace"],
  [
    1,
    MANY,
    "label_set label_del label_keep label_copy label_move label_graphite_group drop_common_labels range_normalize",
  ],
  [2, MANY, "label_map"],
  [0, MANY, "union"],
  // Aggregates take any number of arguments and aggregate all of them, but for those with a parameter in front.
  [
    1,
    MANY,
    "any avg count distinct geomean group histogram mad max median min mode outliers_iqr share stddev stdvar sum sum2 zscore",
  ],
  [2, 2, "topk bottomk limitk quantile count_values outliersk outliers_mad"],
  [
    2,
    3,
    "topk_avg topk_last topk_max topk_median topk_min bottomk_avg bottomk_last bottomk_max bottomk_median bottomk_min",
  ],
  [3, MANY, "quantiles"],
];

const ARITIES = new Map<string, Arity>(
  TABLE.flatMap(([min, max, names]) => names.split(" ").map((name): [string, Arity] => [name, { min, max }])),
);

/** Undefined for a name that is no function's. */
function arityOf(name: string): Arity | undefined {
  const n = lower(name);
  return ARITIES.get(n) ?? ([AGGREGATES, ROLLUPS, TRANSFORMS].some((s) => s.has(n)) ? { min: 1, max: 1 } : undefined);
}

/** Functions whose arguments after the first come in pairs. */
const PAIRS = new Set(["label_set", "label_copy", "label_move"]);

/** What is wrong with a call, as in "takes 2 arguments, not 3"; undefined if nothing. */
export function arityProblem(name: string, given: number): string | undefined {
  const arity = arityOf(name);
  if (arity === undefined) return undefined;
  const { min, max } = arity;
  if (given >= min && given <= max) {
    if (PAIRS.has(lower(name)) && given % 2 === 0) return `takes a series and then pairs, not ${given} arguments`;
    return undefined;
  }
  const counts = max === MANY ? `at least ${min}` : min === max ? `${min}` : `${min} to ${max}`;
  return `takes ${counts} argument${counts === "1" || counts === "at least 1" ? "" : "s"}, not ${given}`;
}
