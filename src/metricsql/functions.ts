// The functions of MetricsQL v0.87.3. Names are case-insensitive; the sets hold lower case.
import { editDistance } from "../platform/nearest.ts";
import { lower } from "./lexer/chars.ts";

const words = (text: string): Set<string> => new Set(text.trim().split(/\s+/));

export const AGGREGATES = words(`
  any avg bottomk bottomk_avg bottomk_last bottomk_max bottomk_median bottomk_min count count_values distinct
  geomean group histogram limitk mad max median min mode outliers_iqr outliers_mad outliersk quantile
  quantiles share stddev stdvar sum sum2 topk topk_avg topk_last topk_max topk_median topk_min zscore
`);

export const ROLLUPS = words(`
  absent_over_time aggr_over_time ascent_over_time avg_over_time changes changes_prometheus count_eq_over_time
  count_gt_over_time count_le_over_time count_ne_over_time count_over_time count_values_over_time
  decreases_over_time default_rollup delta delta_prometheus deriv deriv_fast descent_over_time
  distinct_over_time duration_over_time first_over_time geomean_over_time histogram_over_time
  hoeffding_bound_lower hoeffding_bound_upper holt_winters idelta ideriv increase increase_prometheus
  increase_pure increases_over_time integrate irate lag last_over_time lifetime mad_over_time max_over_time
  median_over_time min_over_time mode_over_time outlier_iqr_over_time predict_linear present_over_time
  quantile_over_time quantiles_over_time range_over_time rate rate_over_sum rate_prometheus resets rollup
  rollup_candlestick rollup_delta rollup_deriv rollup_increase rollup_rate rollup_scrape_interval
  scrape_interval share_eq_over_time share_gt_over_time share_le_over_time stale_samples_over_time
  stddev_over_time stdvar_over_time sum2_over_time sum_eq_over_time sum_gt_over_time sum_le_over_time
  sum_over_time tfirst_over_time timestamp timestamp_with_name tlast_change_over_time tlast_over_time
  tmax_over_time tmin_over_time zscore_over_time
`);

export const TRANSFORMS = words(`
  abs absent acos acosh asin asinh atan atanh bitmap_and bitmap_or bitmap_xor buckets_limit ceil clamp
  clamp_max clamp_min cos cosh day_of_month day_of_week day_of_year days_in_month deg drop_common_labels
  drop_empty_series end exp floor histogram_avg histogram_fraction histogram_quantile histogram_quantiles
  histogram_share histogram_stddev histogram_stdvar hour interpolate keep_last_value keep_next_value
  label_copy label_del label_graphite_group label_join label_keep label_lowercase label_map label_match
  label_mismatch label_move label_replace label_set label_transform label_uppercase label_value labels_equal
  limit_offset ln log10 log2 minute month now pi prometheus_buckets rad rand rand_exponential rand_normal
  range_avg range_first range_last range_linear_regression range_mad range_max range_min range_normalize
  range_quantile range_stddev range_stdvar range_sum range_trim_outliers range_trim_spikes range_trim_zscore
  range_zscore remove_resets round running_avg running_max running_min running_sum scalar sgn sin sinh
  smooth_exponential sort sort_by_label sort_by_label_desc sort_by_label_numeric sort_by_label_numeric_desc
  sort_desc sqrt start step tan tanh time timezone_offset union vector year
`);

/** Taken from the token as written: an escaped spelling is an ordinary function. */
export const isAggregate = (text: string): boolean => AGGREGATES.has(lower(text));
export const isRollup = (name: string): boolean => ROLLUPS.has(lower(name));

/** The empty name is the union `(a, b)`. */
export function isKnownFunction(name: string): boolean {
  const n = lower(name);
  return n === "" || ROLLUPS.has(n) || TRANSFORMS.has(n) || AGGREGATES.has(n);
}

// -- How many arguments functions take when a server executes them. The parser takes any number.

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

/** Undefined if there is no function of that name. */
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

// -- The known function whose name is closest to a misspelt one.

/** Undefined if none is near: one slip for every four characters, three at most. */
export function suggest(name: string): string | undefined {
  const wanted = lower(name);
  if (wanted.length > 60) return undefined;
  let best: string | undefined;
  let least = Math.min(3, Math.max(1, Math.floor(wanted.length / 4))) + 1;
  for (const names of [AGGREGATES, ROLLUPS, TRANSFORMS])
    for (const known of names) {
      const slips = editDistance(wanted, known, least);
      if (slips < least) {
        least = slips;
        best = known;
      }
    }
  return best;
}
