// Which rows are shown and in which order: worst first by default. Pure.
import type { EpochMs } from "../../src/platform/clock.ts";
import { droppedTotal } from "../../src/status/account.ts";
import { readyOf } from "../../src/status/conditions.ts";
import { rate } from "../../src/status/rings.ts";
import { lagOf } from "../../src/status/sinks.ts";
import type { AgentEvent, SinkSource, SinkState, Snapshot } from "../../src/status/snapshot.ts";
import { badness } from "../../src/status/text/worst.ts";
import { matcher } from "./filter.ts";
import type { SortColumn } from "./intents.ts";

export type Choice = {
  faultsOnly: boolean;
  sort: SortColumn;
  reverse: boolean;
  filters: { readonly sinks?: string | undefined };
};

export function shownSinks(snapshot: Snapshot, choice: Choice, now: EpochMs): readonly SinkState[] {
  const filter = choice.filters.sinks ?? "";
  if (filter === "" && !choice.faultsOnly) return sorted(snapshot.sinks, choice, now);
  const matches = matcher(filter);
  const shown = snapshot.sinks.filter(
    (s) => matches(s.id, readyOf(s).reason) && (!choice.faultsOnly || readyOf(s).status !== "True"),
  );
  return sorted(shown, choice, now);
}

function sorted(shown: readonly SinkState[], choice: Choice, now: EpochMs): readonly SinkState[] {
  const key = keys[choice.sort];
  const keyed = shown.map((sink) => ({ sink, key: key(sink, now) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const sinks = keyed.map(({ sink }) => sink);
  return choice.reverse ? sinks.reverse() : sinks;
}

const keys: Readonly<Record<SortColumn, (sink: SinkState, now: EpochMs) => number | string>> = {
  worst: badness,
  name: (sink) => sink.id,
  "samples/s": (sink, now) => -rate(sink.samples, now, sink.startedAt),
  "bytes/s": (sink, now) => -rate(sink.bytes, now, sink.startedAt),
  lag: (sink, now) => -(lagOf(sink, now) ?? 0),
  dropped: (sink) => -droppedTotal(sink.account),
  "ok ago": (sink) => sink.lastSuccessAt ?? 0,
};

export type PolicyRow = Snapshot["policies"][number];

export function shownPolicies(snapshot: Snapshot, filter: string): readonly PolicyRow[] {
  const matches = matcher(filter);
  const ready = (p: PolicyRow) => p.conditions.find((c) => c.type === "Ready")?.status;
  const rank = (p: PolicyRow) => (ready(p) === "False" ? 0 : ready(p) === "True" ? 2 : 1);
  return snapshot.policies.filter((p) => matches(p.id, p.file)).toSorted((a, b) => rank(a) - rank(b));
}

/** One query of a policy, with all sinks that read it. */
export type SourceRow = {
  key: string;
  policy: string;
  name: string;
  /** What is shown for all of them: a failure rather than a success, else the latest read. */
  source: SinkSource;
  readers: { sink: string; source: SinkSource }[];
};

/** Failures first. */
export function shownSources(snapshot: Snapshot, filter: string): readonly SourceRow[] {
  const rows = new Map<string, SourceRow>();
  for (const sink of snapshot.sinks) {
    for (const source of sink.sources) {
      const { policy } = sink.info;
      const key = `${policy}/${source.name}`;
      const row = rows.get(key);
      if (row === undefined) {
        rows.set(key, { key, policy, name: source.name, source, readers: [{ sink: sink.info.sink, source }] });
        continue;
      }
      row.readers.push({ sink: sink.info.sink, source });
      if (newer(source, row.source)) row.source = source;
    }
  }
  const matches = matcher(filter);
  return [...rows.values()]
    .filter((r) => matches(r.key, r.source.query))
    .sort((a, b) => Number(b.source.failure !== undefined) - Number(a.source.failure !== undefined));
}

const newer = (a: SinkSource, b: SinkSource): boolean =>
  a.failure !== undefined
    ? b.failure === undefined
    : b.failure === undefined && (a.lastReadAt ?? 0) > (b.lastReadAt ?? 0);

export function shownEvents(snapshot: Snapshot, of: string | undefined, filter: string): readonly AgentEvent[] {
  const matches = matcher(filter);
  return snapshot.events.filter((e) => (of === undefined || e.sink === of) && matches(e.level, e.text));
}
