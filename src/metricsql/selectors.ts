// The name that the groups of a selector have in common, and groups without repeated filters.
import type { LabelFilter } from "./tree.ts";

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
