// Metrics that are not state but a sum over events: durations, sizes, attempts by result. In come events; a sink's series exist with 0
// from the moment the sink does, and go with it.
import {
  type Event,
  type FailureReason,
  failureReasons,
  type ReadFailureReason,
  readFailureReasons,
  type SinkInfo,
} from "../../status/events.ts";
import { type Definition, joinLabels, labelsText } from "./exposition.ts";
import { Histogram } from "./histogram.ts";

type Result = FailureReason | "delivered";
const results: readonly Result[] = ["delivered", ...failureReasons];
const SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const SAMPLES = [1, 10, 100, 500, 1000, 5000];
const LOOP_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

/** What was seen of one sink. */
class Seen {
  readonly labels: string;
  readonly attempts = new Map<Result, number>(results.map((result) => [result, 0]));
  readonly readFailures = new Map<ReadFailureReason, number>(readFailureReasons.map((reason) => [reason, 0]));
  sentBytes = 0;
  readBytes = 0;
  readonly sendSeconds = new Histogram(SECONDS);
  readonly batchSamples = new Histogram(SAMPLES);
  readonly readSeconds = new Histogram(SECONDS);

  constructor({ policy, sink }: SinkInfo) {
    this.labels = labelsText({ policy, sink });
  }
}

export class Observed {
  readonly sinks = new Map<string, Seen>();
  readonly loopSeconds = new Histogram(LOOP_SECONDS);

  observe(event: Event): void {
    switch (event.type) {
      case "sink-started":
      case "sink-refused":
        if (!this.sinks.has(event.sink.id)) this.sinks.set(event.sink.id, new Seen(event.sink));
        return;
      case "sink-forgotten":
        this.sinks.delete(event.id);
        return;
      case "window-read": {
        const sink = this.sinks.get(event.id);
        if (sink === undefined) return;
        sink.readSeconds.observe(event.durationMs / 1000);
        sink.readBytes += event.bytes;
        return;
      }
      case "read-failed": {
        const sink = this.sinks.get(event.id);
        if (sink !== undefined) count(sink.readFailures, event.reason);
        return;
      }
      case "attempt-ended": {
        const sink = this.sinks.get(event.id);
        if (sink === undefined) return;
        count(sink.attempts, event.result.kind === "delivered" ? "delivered" : event.result.reason);
        sink.sentBytes += event.bytes;
        sink.sendSeconds.observe(event.durationMs / 1000);
        sink.batchSamples.observe(event.samples);
        return;
      }
      default:
    }
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

const SINK = ["policy", "sink"];

const counter = (name: string, help: string, value: (sink: Seen) => number): Definition<Observed> => ({
  name: `outflow_sink_${name}`,
  type: "counter",
  help,
  labels: SINK,
  write({ sinks }, row) {
    for (const sink of sinks.values()) row(value(sink), sink.labels);
  },
});

const counterBy = (
  name: string,
  help: string,
  label: string,
  counts: (sink: Seen) => ReadonlyMap<string, number>,
): Definition<Observed> => ({
  name: `outflow_sink_${name}`,
  type: "counter",
  help,
  labels: [...SINK, label],
  write({ sinks }, row) {
    for (const sink of sinks.values())
      for (const [key, n] of counts(sink)) row(n, joinLabels(sink.labels, `${label}="${key}"`));
  },
});

const histogram = (name: string, help: string, of: (sink: Seen) => Histogram): Definition<Observed> => ({
  name: `outflow_sink_${name}`,
  type: "histogram",
  help,
  labels: SINK,
  write({ sinks }, row) {
    for (const sink of sinks.values()) of(sink).write(row, sink.labels);
  },
});

/** The table; docs/metrics.md is made from it too. */
export const observations: readonly Definition<Observed>[] = [
  counterBy(
    "attempts_total",
    "Requests to the sink, including retries, by result: delivered, or the reason as in Ready.",
    "result",
    (sink) => sink.attempts,
  ),
  counter("sent_bytes_total", "Bytes of request bodies, compressed, including retries.", (sink) => sink.sentBytes),
  counter(
    "read_bytes_total",
    "Bytes of the source's responses; sinks that share a reader count them once.",
    (sink) => sink.readBytes,
  ),
  counterBy(
    "read_failures_total",
    "Reads of the sink's sources that failed, by reason.",
    "reason",
    (sink) => sink.readFailures,
  ),
  histogram("send_duration_seconds", "How long an attempt took, from connect to response.", (sink) => sink.sendSeconds),
  histogram("batch_samples", "Samples in a request.", (sink) => sink.batchSamples),
  histogram(
    "read_duration_seconds",
    "How long the source took to respond for a window, to the last byte.",
    (sink) => sink.readSeconds,
  ),
  {
    name: "outflow_event_loop_delay_seconds",
    type: "histogram",
    help: "How late a timer fired, sampled twice a second: the agent was busy that long.",
    labels: [],
    write: ({ loopSeconds }, row) => loopSeconds.write(row),
  },
];
