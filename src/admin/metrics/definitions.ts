// Every metric that is read from the snapshot: name, type, help, labels, and how. docs/metrics.md is made from this table. Names by
// Prometheus' conventions: base units, _total on counters; `policy` is namespace/name. Pure.
import { acceptedOf, readyLagMs, readyOf } from "../../status/conditions.ts";
import { dropReasons } from "../../status/events.ts";
import { type FleetStatus, unowned } from "../../status/fleet.ts";
import { phaseNames } from "../../status/phases.ts";
import { lagOf } from "../../status/sinks.ts";
import { type Definition, labelsText } from "./exposition.ts";
import { agent, type Known, policy, sink, sinkBy, sinkInfo, source } from "./families.ts";

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);
const flag = (is: boolean): number => (is ? 1 : 0);
const conditions = ["Accepted", "Ready"].flatMap((type) =>
  ["True", "False", "Unknown"].map((status) => ({ type, status })),
);

/** Of an agent that belongs to a fleet. */
const fleet = (type: "gauge" | "counter", name: string, help: string, of: (f: FleetStatus) => number) =>
  agent(type, `outflow_fleet_${name}`, help, (s) => (s.fleet === undefined ? undefined : of(s.fleet)));

export const definitions: readonly Definition<Known>[] = [
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
  sinkBy(
    "counter",
    "samples_dropped_total",
    "Samples dropped under a rule, by reason.",
    dropReasons.map((reason) => ({ reason })),
    (k, { reason }) => k.account.dropped[reason],
  ),
  sink(
    "counter",
    "samples_returned_total",
    "Samples returned unsent; their window is read again.",
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
  sinkBy(
    "gauge",
    "condition",
    "1 for the current status of the condition, else 0.",
    conditions,
    (k, { type, status }) => flag((type === "Accepted" ? acceptedOf(k) : readyOf(k)).status === status),
  ),
  sinkInfo(
    "condition_info",
    "Status and reason of each condition; always 1. An alert on outflow_sink_condition looks up the reason here.",
    ["type", "status", "reason"],
    (k) => k.conditions.map(({ type, status, reason }) => ({ type, status, reason })),
  ),
  sinkInfo("info", "What the sink is; always 1.", ["endpoint", "auth", "generation"], ({ info }) => [
    { endpoint: info.endpoint, auth: info.auth, generation: String(info.generation) },
  ]),
  sinkBy(
    "gauge",
    "phase",
    "1 for the phase the sink is in, else 0.",
    phaseNames.map((phase) => ({ phase })),
    (k, { phase }) => flag(k.phase.name === phase),
  ),
  sink(
    "gauge",
    "lag_seconds",
    "Age of the newest delivered data: the source's time minus the cursor, or minus the newest data that arrived while everything is dropped.",
    (k, now) => seconds(lagOf(k, now)),
  ),
  sink(
    "gauge",
    "ready_lag_limit_seconds",
    "Data older than this makes the sink not ready (--ready-lag).",
    (k) => readyLagMs(k) / 1000,
  ),
  sink("counter", "retries_total", "Requests that sent the same bytes again.", (k) => k.retries),
  sink("gauge", "failed_attempts_in_row", "Failed attempts since a batch was last accepted.", (k) => k.failuresInRow),
  sink("gauge", "in_flight_requests", "Requests that wait for a response.", (k) => k.inFlight),
  sink("gauge", "concurrency", "Requests that may be in flight now.", (k) => k.concurrency),
  sink(
    "gauge",
    "last_success_timestamp_seconds",
    "When a batch was last acknowledged; 0 for never.",
    (k) => (k.lastSuccessAt ?? 0) / 1000,
  ),
  // -- its sources
  source(
    "gauge",
    "lag_seconds",
    "The source's time minus the cursor of this source of the sink.",
    ({ lagMs, lagAt }, now) =>
      lagMs === undefined || lagAt === undefined ? undefined : (lagMs + Math.max(0, now - lagAt)) / 1000,
  ),
  source("gauge", "cursor_timestamp_seconds", "Everything up to here is settled.", (x) => seconds(x.cursor)),
  source(
    "counter",
    "late_samples_total",
    "Samples that arrived at the source too late to be read, found by the audit.",
    (x) => x.lateSamples,
  ),
  source("gauge", "settle_seconds", "How old data must be before it is read, set or learned.", (x) =>
    x.settleMs === undefined ? undefined : x.settleMs / 1000,
  ),
  source("gauge", "series", "Series in the last window.", (x) => x.series),
  source("gauge", "failed_reads_in_row", "Failed reads since a window was last read.", (x) => x.failure?.inRow ?? 0),
  // -- the agent
  agent("gauge", "outflow_source_up", "1 if the last query to the source got a response.", (s) =>
    flag(s.source.health === "ok"),
  ),
  agent(
    "gauge",
    "outflow_source_clock_difference_seconds",
    "The source's clock minus this host's.",
    (s) => (s.source.clockDifferenceMs ?? 0) / 1000,
  ),
  agent("gauge", "outflow_policies", "Policies that run.", (s) => s.policies.length),
  policy("generation", "Generation of the policy that runs: counts up when its spec changes.", (p) => p.generation),
  policy("ready", "1 if all sinks of the policy are ready.", (p) => flag(p.conditions[0]?.status === "True")),
  {
    name: "outflow_policy_reloads_total",
    type: "counter",
    help: "Loads of the policies, by result; after an error the last good version keeps running.",
    labels: ["result"],
    write({ s }, row) {
      row(s.reloads.ok, 'result="ok"');
      row(s.reloads.failed, 'result="error"');
    },
  },
  agent(
    "counter",
    "outflow_policy_reload_errors_total",
    "Loads that had problems; the last good version kept running.",
    (s) => s.reloads.failed,
  ),
  agent("gauge", "outflow_policy_last_reload_successful", "1 if the last load had no problem.", (s) =>
    flag(s.reloads.lastOk),
  ),
  agent(
    "gauge",
    "outflow_policy_last_reload_timestamp_seconds",
    "When the policies were loaded last, with or without problems.",
    (s) => seconds(s.reloads.lastAt),
  ),
  agent(
    "gauge",
    "outflow_policy_problems",
    "Problems in the policy files as they are now.",
    (s) => s.problems.filter((p) => p.severity === "problem").length,
  ),
  agent("gauge", "outflow_state_store_up", "1 if cursors are kept on disk, 0 if in memory only.", (s) =>
    flag(s.stateStore.state !== "memory"),
  ),
  agent(
    "gauge",
    "outflow_series_table_series",
    "Series whose labels are kept encoded in memory.",
    (_, p) => p.tableSeries,
  ),
  agent("gauge", "outflow_kubernetes_up", "Kubernetes mode: 1 if all requests to the API server work, else 0.", (s) =>
    s.cluster === undefined ? undefined : flag(s.cluster.failure === undefined),
  ),
  fleet("gauge", "members", "Members of the fleet that are alive, this agent included.", (f) => f.members.length),
  fleet("gauge", "shards_owned", "Shards that this agent owns.", (f) => f.owned),
  fleet("gauge", "shards_unowned", "Shards that no living member owns, as this agent sees it.", unowned),
  fleet("gauge", "valid", "1 if this agent may export what it owns, else 0.", (f) => flag(f.valid)),
  fleet("gauge", "policies_differ", "Members whose policies differ from this agent's.", (f) => f.differing.length),
  fleet(
    "counter",
    "takeovers_total",
    "Shards that this agent took from members that were silent for too long.",
    (f) => f.takeovers,
  ),
  fleet(
    "counter",
    "fenced_total",
    "Shards that this agent stopped exporting because its validity had ended.",
    (f) => f.fenced,
  ),
  {
    name: "outflow_kubernetes_requests_total",
    type: "counter",
    help: "Requests to the Kubernetes API by verb, resource and status code; code 0: no response.",
    labels: ["verb", "resource", "code"],
    write({ p }, row) {
      for (const { count, ...labels } of p.apiRequests) row(count, labelsText(labels));
    },
  },
  {
    name: "outflow_build_info",
    type: "gauge",
    help: "Version and runtime; always 1.",
    labels: ["version", "runtime"],
    write: ({ s, p }, row) => row(1, labelsText({ version: s.version, runtime: p.runtime })),
  },
  agent("gauge", "process_start_time_seconds", "When the agent started.", (s) => s.startedAt / 1000),
  agent("counter", "process_cpu_seconds_total", "User and system CPU time.", (_, p) => p.cpuSeconds),
  agent("gauge", "process_resident_memory_bytes", "Resident memory.", (_, p) => p.residentBytes),
  agent(
    "gauge",
    "process_open_fds",
    "Open file descriptors; missing where the system does not list them.",
    (_, p) => p.openFds,
  ),
];
