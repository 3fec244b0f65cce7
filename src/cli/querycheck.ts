// What a policy's query is, for the policy room.
import type { Settings } from "../config/settings.ts";
import type { CheckQuery } from "../policy/interpret.ts";

export function queryChecker(_settings: Pick<Settings, "enforceFilter" | "forbidLabel">): CheckQuery {
  return () => ({ ok: true, kind: "raw", warnings: [] });
}

export function enforcedText(query: string, _settings: Pick<Settings, "enforceFilter">): string {
  return query;
}
