// The snapshot as Prometheus text. Pure. Names by Prometheus' conventions; labels `policy` (namespace/name), `sink`, `source`.
import { acceptedOf, readyOf } from "../status/conditions.ts";
import { dropReasons } from "../status/events.ts";
import type { PhaseName, SinkState, Snapshot } from "../status/snapshot.ts";

type Sample = { labels?: Record<string, string>; value: number };
type Metric = { name: string; type: "counter" | "gauge"; help: string; samples: Sample[] };

export type ProcessInfo = { residentBytes: number; cpuSeconds: number; runtime: string };

const phases: readonly PhaseName[] = [
  "starting",
  "flowing",
  "idle",
  "backing-off",
  "holding",
  "catching-up",
  "paused",
  "refused",
  "draining",
  "stopped",
];

export function metricsText(s: Snapshot, process: ProcessInfo): string {
  return metrics(s, process).map(text).join("");
}

/** Every metric there is: docs/metrics.md is made from this list. */
export function metrics(s: Snapshot, process: ProcessInfo): Metric[] {
  const sinks = Object.values(s.sinks);
  const each = (value: (sink: SinkState) => number): Sample[] =>
    sinks.map((k) => ({ labels: labels(k), value: value(k) }));
  const ofSources = (value: (source: SinkState["sources"][number]) => number | undefined): Sample[] =>
    sinks.flatMap((k) =>
      k.sources.flatMap((source) =>
        value(source) === undefined ? [] : [{ labels: { ...labels(k), source: source.name }, value: value(source)! }],
      ),
    );
  const counter = (name: string, help: string, samples: Sample[]): Metric => ({ name, type: "counter", help, samples });
  const gauge = (name: string, help: string, samples: Sample[]): Metric => ({ name, type: "gauge", help, samples });
  return [
    gauge("outflow_build_info", "Version and runtime; always 1.", [
      { labels: { version: s.version, runtime: process.runtime }, value: 1 },
    ]),
    counter(
      "outflow_sink_samples_read_total",
      "Samples read for the sink. Equals delivered + dropped + returned + pending.",
      each((k) => k.account.read),
    ),
    counter(
      "outflow_sink_samples_delivered_total",
      "Samples that the sink's endpoint acknowledged.",
      each((k) => k.account.delivered),
    ),
    counter(
      "outflow_sink_samples_dropped_total",
      "Samples given up under a rule, by reason.",
      sinks.flatMap((k) =>
        dropReasons.map((reason) => ({ labels: { ...labels(k), reason }, value: k.account.dropped[reason] })),
      ),
    ),
    counter(
      "outflow_sink_samples_returned_total",
      "Samples given back unsent; their window is read again.",
      each((k) => k.account.returned),
    ),
    gauge(
      "outflow_sink_samples_pending",
      "Samples in memory that are neither delivered nor dropped.",
      each((k) => k.account.pending),
    ),
    counter(
      "outflow_sink_dead_letter_samples_total",
      "Dropped samples that were written to the dead-letter folder.",
      each((k) => k.deadLetters),
    ),
    counter(
      "outflow_sink_skipped_seconds_total",
      "Unread time that was skipped (max-backfill).",
      each((k) => k.skippedMs / 1000),
    ),
    counter(
      "outflow_sink_attempts_total",
      "Requests to the sink, retries too.",
      each((k) => k.attemptsTotal),
    ),
    counter(
      "outflow_sink_retries_total",
      "Requests that sent the same bytes again.",
      each((k) => k.retries),
    ),
    gauge(
      "outflow_sink_in_flight_requests",
      "Requests that wait for an answer.",
      each((k) => k.inFlight),
    ),
    gauge(
      "outflow_sink_concurrency",
      "Requests that may be in flight at present.",
      each((k) => k.concurrency),
    ),
    gauge(
      "outflow_sink_last_success_timestamp_seconds",
      "When a batch was acknowledged last; 0 for never.",
      each((k) => (k.lastSuccessAt ?? 0) / 1000),
    ),
    gauge(
      "outflow_sink_condition",
      "1 for the present status of the condition, else 0.",
      sinks.flatMap((k) =>
        [acceptedOf(k), readyOf(k)].flatMap((c) =>
          (["True", "False", "Unknown"] as const).map((status) => ({
            labels: { ...labels(k), type: c.type, status },
            value: c.status === status ? 1 : 0,
          })),
        ),
      ),
    ),
    gauge(
      "outflow_sink_phase",
      "1 for the phase the sink is in, else 0.",
      sinks.flatMap((k) =>
        phases.map((phase) => ({ labels: { ...labels(k), phase }, value: k.phase.name === phase ? 1 : 0 })),
      ),
    ),
    gauge(
      "outflow_source_lag_seconds",
      "The source's now less the cursor, when the cursor moved last.",
      ofSources((x) => (x.lagMs === undefined ? undefined : x.lagMs / 1000)),
    ),
    gauge(
      "outflow_source_cursor_timestamp_seconds",
      "Everything up to here is settled.",
      ofSources((x) => (x.cursor === undefined ? undefined : x.cursor / 1000)),
    ),
    gauge(
      "outflow_source_series",
      "Series in the last window.",
      ofSources((x) => x.series),
    ),
    gauge(
      "outflow_source_read_duration_seconds",
      "How long the last window took to read.",
      ofSources((x) => x.lastReadMs / 1000),
    ),
    gauge("outflow_source_up", "1 if the source answered last.", [{ value: s.source.health === "ok" ? 1 : 0 }]),
    gauge("outflow_source_clock_difference_seconds", "The source's clock less this host's.", [
      { value: (s.source.clockDifferenceMs ?? 0) / 1000 },
    ]),
    counter("outflow_policy_reloads_total", "Loads of the policies, by result.", [
      { labels: { result: "ok" }, value: s.reloads.ok },
      { labels: { result: "error" }, value: s.reloads.failed },
    ]),
    counter("outflow_policy_reload_errors_total", "Loads that had problems; the last good version went on.", [
      { value: s.reloads.failed },
    ]),
    gauge("outflow_policies", "Policies that run.", [{ value: s.policies.length }]),
    gauge("outflow_start_timestamp_seconds", "When the agent started.", [{ value: s.startedAt / 1000 }]),
    counter("process_cpu_seconds_total", "User and system CPU time.", [{ value: process.cpuSeconds }]),
    gauge("process_resident_memory_bytes", "Resident memory.", [{ value: process.residentBytes }]),
  ];
}

const labels = (k: SinkState): Record<string, string> => ({ policy: k.info.policy, sink: k.info.sink });

function text(m: Metric): string {
  const lines = m.samples.map(
    ({ labels: l, value }) =>
      `${m.name}${
        l === undefined
          ? ""
          : `{${Object.entries(l)
              .map(([k, v]) => `${k}="${escaped(v)}"`)
              .join(",")}}`
      } ${value}\n`,
  );
  return `# HELP ${m.name} ${m.help}\n# TYPE ${m.name} ${m.type}\n${lines.join("")}`;
}

const escaped = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
