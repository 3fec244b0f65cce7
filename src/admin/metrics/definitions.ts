// Every metric that is read from the snapshot: name, type, help, labels, and how. docs/metrics.md is made from this table. Names by
// Prometheus' conventions: base units, _total on counters; `policy` is namespace/name. Pure.
import { acceptedOf, readyLagMs, readyOf } from "../../status/conditions.ts";
import { dropReasons } from "../../status/events.ts";
import { phaseNames } from "../../status/phases.ts";
import { lagOf } from "../../status/sinks.ts";
import type { SinkSource, SinkState, Snapshot } from "../../status/snapshot.ts";
import type { ProcessInfo } from "./process.ts";

export type Value = { labels: Record<string, string>; value: number };

export type Definition = {
  name: string;
  type: "counter" | "gauge";
  help: string;
  labels: readonly string[];
  read(s: Snapshot, p: ProcessInfo): Value[];
};

const SINK = ["policy", "sink"] as const;
const SOURCE = ["policy", "sink", "source"] as const;

const labelsOf = (k: SinkState) => ({ policy: k.info.policy, sink: k.info.sink });

type Kind = "counter" | "gauge";

/** One value for each sink; undefined: none. */
const sink = (
  type: Kind,
  name: string,
  help: string,
  value: (k: SinkState, now: number) => number | undefined,
): Definition => ({
  name: `outflow_sink_${name}`,
  type,
  help,
  labels: SINK,
  read: (s) =>
    s.sinks.flatMap((k) => {
      const v = value(k, s.at);
      return v === undefined ? [] : [{ labels: labelsOf(k), value: v }];
    }),
});

const source = (
  type: Kind,
  name: string,
  help: string,
  value: (x: SinkSource, now: number) => number | undefined,
): Definition => ({
  name: `outflow_source_${name}`,
  type,
  help,
  labels: SOURCE,
  read: (s) =>
    s.sinks.flatMap((k) =>
      k.sources.flatMap((x) => {
        const v = value(x, s.at);
        return v === undefined ? [] : [{ labels: { ...labelsOf(k), source: x.name }, value: v }];
      }),
    ),
});

/** Several values for each sink, told apart by `labels`. */
const sinkBy = (
  type: Kind,
  name: string,
  help: string,
  labels: readonly string[],
  values: (k: SinkState) => Value[],
): Definition => ({
  name: `outflow_sink_${name}`,
  type,
  help,
  labels: [...SINK, ...labels],
  read: (s) =>
    s.sinks.flatMap((k) => values(k).map((v) => ({ labels: { ...labelsOf(k), ...v.labels }, value: v.value }))),
});

const agent = (
  type: Kind,
  name: string,
  help: string,
  value: (s: Snapshot, p: ProcessInfo) => number | undefined,
): Definition => ({
  name,
  type,
  help,
  labels: [],
  read: (s, p) => {
    const v = value(s, p);
    return v === undefined ? [] : [{ labels: {}, value: v }];
  },
});

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);
const oneOf = <T extends string>(label: string, all: readonly T[], present: T): Value[] =>
  all.map((one) => ({ labels: { [label]: one }, value: one === present ? 1 : 0 }));

export const definitions: readonly Definition[] = [
  // -- the account of a sink: read = delivered + dropped + returned + pending, at every moment
  sink(
    "counter",
    "samples_read_total",
    "Samples read for the sink. Equals delivered + dropped + returned + pending.",
    (k) => k.account.read,
  ),
  sink(
    "counter",
    "samples_delivered_total",
    "Samples that the sink's endpoint acknowledged.",
    (k) => k.account.delivered,
  ),
  sinkBy("counter", "samples_dropped_total", "Samples given up under a rule, by reason.", ["reason"], (k) =>
    dropReasons.map((reason) => ({ labels: { reason }, value: k.account.dropped[reason] })),
  ),
  sink(
    "counter",
    "samples_returned_total",
    "Samples given back unsent; their window is read again.",
    (k) => k.account.returned,
  ),
  sink(
    "gauge",
    "samples_pending",
    "Samples in memory that are neither delivered nor dropped.",
    (k) => k.account.pending,
  ),
  sink(
    "counter",
    "dead_letter_samples_total",
    "Dropped samples that were written to the dead-letter folder.",
    (k) => k.deadLetters,
  ),
  sink("counter", "skipped_seconds_total", "Unread time that was skipped (max-backfill).", (k) => k.skippedMs / 1000),
  // -- what a sink does
  sinkBy("gauge", "condition", "1 for the present status of the condition, else 0.", ["type", "status"], (k) =>
    [acceptedOf(k), readyOf(k)].flatMap((c) =>
      oneOf("status", ["True", "False", "Unknown"], c.status).map((v) => ({
        ...v,
        labels: { type: c.type, ...v.labels },
      })),
    ),
  ),
  sinkBy("gauge", "phase", "1 for the phase the sink is in, else 0.", ["phase"], (k) =>
    oneOf("phase", phaseNames, k.phase.name),
  ),
  sink("gauge", "lag_seconds", "The source's now less the cursor: how old the newest settled data is.", (k, now) =>
    seconds(lagOf(k, now)),
  ),
  sink(
    "gauge",
    "ready_lag_limit_seconds",
    "Data older than this makes the sink not ready (--ready-lag).",
    (k) => readyLagMs(k) / 1000,
  ),
  sink("counter", "retries_total", "Requests that sent the same bytes again.", (k) => k.retries),
  sink("gauge", "failed_attempts_in_row", "Failed attempts since a batch was taken last.", (k) => k.failuresInRow),
  sink("gauge", "in_flight_requests", "Requests that wait for an answer.", (k) => k.inFlight),
  sink("gauge", "concurrency", "Requests that may be in flight at present.", (k) => k.concurrency),
  sink(
    "gauge",
    "last_success_timestamp_seconds",
    "When a batch was acknowledged last; 0 for never.",
    (k) => (k.lastSuccessAt ?? 0) / 1000,
  ),
  // -- its sources
  source(
    "gauge",
    "lag_seconds",
    "The source's now less the cursor of this source of the sink.",
    ({ lagMs, lagAt }, now) =>
      lagMs === undefined || lagAt === undefined ? undefined : (lagMs + Math.max(0, now - lagAt)) / 1000,
  ),
  source("gauge", "cursor_timestamp_seconds", "Everything up to here is settled.", (x) => seconds(x.cursor)),
  source(
    "counter",
    "late_samples_total",
    "Samples that came to the source too late to be read, found by the audit.",
    (x) => x.lateSamples,
  ),
  source("gauge", "series", "Series in the last window.", (x) => x.series),
  source("gauge", "failed_reads_in_row", "Failed reads since a window was read last.", (x) => x.failure?.inRow ?? 0),
  // -- the agent
  agent("gauge", "outflow_source_up", "1 if the source answered last.", (s) => (s.source.health === "ok" ? 1 : 0)),
  agent(
    "gauge",
    "outflow_source_clock_difference_seconds",
    "The source's clock less this host's.",
    (s) => (s.source.clockDifferenceMs ?? 0) / 1000,
  ),
  agent("gauge", "outflow_policies", "Policies that run.", (s) => s.policies.length),
  {
    name: "outflow_policy_generation",
    type: "gauge",
    help: "Generation of the policy that runs: counts up when its spec changes.",
    labels: ["policy"],
    read: (s) => s.policies.map((p) => ({ labels: { policy: p.id }, value: p.generation })),
  },
  {
    name: "outflow_policy_ready",
    type: "gauge",
    help: "1 if all sinks of the policy are ready.",
    labels: ["policy"],
    read: (s) =>
      s.policies.map((p) => ({ labels: { policy: p.id }, value: p.conditions[0]?.status === "True" ? 1 : 0 })),
  },
  {
    name: "outflow_policy_reloads_total",
    type: "counter",
    help: "Loads of the policies, by result; after an error the last good version goes on.",
    labels: ["result"],
    read: (s) => [
      { labels: { result: "ok" }, value: s.reloads.ok },
      { labels: { result: "error" }, value: s.reloads.failed },
    ],
  },
  agent(
    "counter",
    "outflow_policy_reload_errors_total",
    "Loads that had problems; the last good version went on.",
    (s) => s.reloads.failed,
  ),
  agent("gauge", "outflow_policy_last_reload_successful", "1 if the last load had no problem.", (s) =>
    s.reloads.lastOk ? 1 : 0,
  ),
  agent(
    "gauge",
    "outflow_policy_problems",
    "Problems in the policy files as they are now.",
    (s) => s.problems.filter((p) => p.severity === "problem").length,
  ),
  agent("gauge", "outflow_state_store_up", "1 if cursors are kept on disk, 0 if in memory only.", (s) =>
    s.stateStore.state === "memory" ? 0 : 1,
  ),
  agent(
    "gauge",
    "outflow_series_table_series",
    "Series whose labels are kept encoded in memory.",
    (_, p) => p.tableSeries,
  ),
  {
    name: "outflow_build_info",
    type: "gauge",
    help: "Version and runtime; always 1.",
    labels: ["version", "runtime"],
    read: (s, p) => [{ labels: { version: s.version, runtime: p.runtime }, value: 1 }],
  },
  agent("gauge", "process_start_time_seconds", "When the agent started.", (s) => s.startedAt / 1000),
  agent("counter", "process_cpu_seconds_total", "User and system CPU time.", (_, p) => p.cpuSeconds),
  agent("gauge", "process_resident_memory_bytes", "Resident memory.", (_, p) => p.residentBytes),
];
