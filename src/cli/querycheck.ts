// What a policy's query is, for the policy room.
import type { Settings } from "../config/settings.ts";
import type { CheckQuery } from "../policy/interpret.ts";

export function queryChecker(_settings: Pick<Settings, "enforceFilter" | "forbidLabel">): CheckQuery {
  return () => ({ ok: true, kind: "raw", warnings: [] });
}

export function enforcedText(query: string, _settings: Pick<Settings, "enforceFilter">): string {
  return query;
}

/** Equality selectors only, until the metricsql room is here. */
export function selectorOf(selector: string): (labels: Record<string, string>) => boolean {
  const filters = [...selector.matchAll(/(\w+)\s*=\s*"([^"]*)"/g)].map((m) => [m[1]!, m[2]!] as const);
  return (labels) => filters.every(([name, value]) => labels[name] === value);
}
