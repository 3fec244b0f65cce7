// What would change at a running agent: its sinks and their settings against those of the plan. Pure.
import { formatDuration } from "../../config/duration.ts";
import type { SinkPlan } from "../../exporter/sink-plan.ts";
import type { SinkInfo } from "../../status/events.ts";
import type { Snapshot } from "../../status/snapshot.ts";

/** A line for each sink that is added, removed or changed. */
export function differences(snapshot: Snapshot, plans: readonly SinkPlan[]): string[] {
  const running = new Map(snapshot.sinks.map(({ info }) => [info.id, info]));
  const planned = new Map(plans.map(({ info }) => [info.id, info]));
  return [
    ...[...planned.values()].flatMap((info) => {
      const before = running.get(info.id);
      if (before === undefined) return [`+ ${info.id}: is new`];
      const changes = changesOf(before, info);
      return changes.length === 0 ? [] : [`~ ${info.id}: ${changes.join(", ")}`];
    }),
    ...[...running.keys()].filter((id) => !planned.has(id)).map((id) => `- ${id}: is removed`),
  ];
}

function changesOf(before: SinkInfo, after: SinkInfo): string[] {
  const fields = (info: SinkInfo): readonly (readonly [string, string])[] => [
    ["endpoint", info.endpoint],
    ["authentication", info.auth],
    ["batch.maxSize", String(info.batch.maxSize)],
    ["batch.timeout", formatDuration(info.batch.timeoutMs)],
    ["retry.maxAttempts", String(info.retry.maxAttempts)],
    ["retry.backoffDuration", formatDuration(info.retry.backoffMs)],
    ["on-exhausted", info.onExhausted ?? "drop"],
  ];
  const now = new Map(fields(after));
  const changed = fields(before).flatMap(([name, value]) =>
    now.get(name) === value ? [] : [`${name} ${value} -> ${now.get(name)}`],
  );
  const queries = new Map(after.sources.map(({ name, query }) => [name, query]));
  const known = new Map(before.sources.map(({ name, query }) => [name, query]));
  return [
    ...changed,
    ...[...queries].flatMap(([name, query]) =>
      known.has(name)
        ? known.get(name) === query
          ? []
          : [`the query of source ${name} changes`]
        : [`source ${name} is added`],
    ),
    ...[...known.keys()].filter((name) => !queries.has(name)).map((name) => `source ${name} is removed`),
  ];
}
