// Metrics that are no state but a sum over events: durations, sizes, attempts by result. In come events; a sink's series exist with 0
// from the moment the sink does, and go with it.
import { Counter, Histogram, type Registry } from "prom-client";
import type { Event, FailureReason, SinkInfo } from "../../status/events.ts";

export type Observed = {
  name: string;
  type: "counter" | "histogram";
  help: string;
  labels: readonly string[];
  buckets?: readonly number[];
};

const SINK = ["policy", "sink"];

/** The table; docs/metrics.md is made from it too. */
export const observed = {
  attempts: {
    name: "outflow_sink_attempts_total",
    type: "counter",
    help: "Requests to the sink, retries too, by result: delivered, or the reason that Ready gives.",
    labels: [...SINK, "result"],
  },
  sentBytes: {
    name: "outflow_sink_sent_bytes_total",
    type: "counter",
    help: "Bytes of request bodies, compressed, retries too.",
    labels: SINK,
  },
  readBytes: {
    name: "outflow_sink_read_bytes_total",
    type: "counter",
    help: "Bytes of the source's answers; sinks that share a reader count them once.",
    labels: SINK,
  },
  readFailures: {
    name: "outflow_sink_read_failures_total",
    type: "counter",
    help: "Reads of the sink's sources that failed, by reason.",
    labels: [...SINK, "reason"],
  },
  sendSeconds: {
    name: "outflow_sink_send_duration_seconds",
    type: "histogram",
    help: "How long an attempt took, from connect to answer.",
    labels: SINK,
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  },
  batchSamples: {
    name: "outflow_sink_batch_samples",
    type: "histogram",
    help: "Samples in a request.",
    labels: SINK,
    buckets: [1, 10, 100, 500, 1000, 5000],
  },
  readSeconds: {
    name: "outflow_sink_read_duration_seconds",
    type: "histogram",
    help: "How long the source took to answer for a window, to its last byte.",
    labels: SINK,
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  },
  loopSeconds: {
    name: "outflow_event_loop_delay_seconds",
    type: "histogram",
    help: "How late a timer fired, sampled twice a second: the agent was busy that long.",
    labels: [],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
  },
} as const satisfies Record<string, Observed>;

const results: readonly (FailureReason | "delivered")[] = [
  "delivered",
  "EndpointUnreachable",
  "TLSFailure",
  "Timeout",
  "ServerError",
  "ProtocolError",
  "RateLimited",
  "AuthenticationRejected",
  "NotFound",
  "Redirected",
  "SamplesRejected",
];
const readReasons = ["SourceUnavailable", "QueryFailed"] as const;

export class ObservedMetrics {
  readonly #attempts: Counter;
  readonly #sentBytes: Counter;
  readonly #readBytes: Counter;
  readonly #readFailures: Counter;
  readonly #sendSeconds: Histogram;
  readonly #batchSamples: Histogram;
  readonly #readSeconds: Histogram;
  readonly #loopSeconds: Histogram;
  readonly #sinks = new Map<string, { policy: string; sink: string }>();

  constructor(registry: Registry) {
    const counter = ({ name, help, labels }: Observed) =>
      new Counter({ name, help, labelNames: [...labels], registers: [registry] });
    const histogram = ({ name, help, labels, buckets = [] }: Observed) =>
      new Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers: [registry] });
    this.#attempts = counter(observed.attempts);
    this.#sentBytes = counter(observed.sentBytes);
    this.#readBytes = counter(observed.readBytes);
    this.#readFailures = counter(observed.readFailures);
    this.#sendSeconds = histogram(observed.sendSeconds);
    this.#batchSamples = histogram(observed.batchSamples);
    this.#readSeconds = histogram(observed.readSeconds);
    this.#loopSeconds = histogram(observed.loopSeconds);
  }

  loopWasLate(ms: number): void {
    this.#loopSeconds.observe(ms / 1000);
  }

  observe(event: Event): void {
    switch (event.type) {
      case "sink-started":
      case "sink-refused":
        return this.#begin(event.sink);
      case "sink-forgotten":
        return this.#end(event.id);
      case "window-read": {
        const labels = this.#sinks.get(event.id);
        if (labels === undefined) return;
        this.#readSeconds.observe(labels, event.durationMs / 1000);
        this.#readBytes.inc(labels, event.bytes);
        return;
      }
      case "read-failed": {
        const labels = this.#sinks.get(event.id);
        if (labels !== undefined) this.#readFailures.inc({ ...labels, reason: event.reason });
        return;
      }
      case "attempt-ended": {
        const labels = this.#sinks.get(event.id);
        if (labels === undefined) return;
        const result = event.result.kind === "delivered" ? "delivered" : event.result.reason;
        this.#attempts.inc({ ...labels, result });
        this.#sentBytes.inc(labels, event.bytes);
        this.#sendSeconds.observe(labels, event.durationMs / 1000);
        this.#batchSamples.observe(labels, event.samples);
        return;
      }
      default:
    }
  }

  #begin({ id, policy, sink }: SinkInfo): void {
    if (this.#sinks.has(id)) return;
    const labels = { policy, sink };
    this.#sinks.set(id, labels);
    for (const result of results) this.#attempts.inc({ ...labels, result }, 0);
    for (const reason of readReasons) this.#readFailures.inc({ ...labels, reason }, 0);
    for (const bytes of [this.#sentBytes, this.#readBytes]) bytes.inc(labels, 0);
    for (const histogram of [this.#sendSeconds, this.#batchSamples, this.#readSeconds]) histogram.zero(labels);
  }

  #end(id: string): void {
    const labels = this.#sinks.get(id);
    if (labels === undefined) return;
    this.#sinks.delete(id);
    for (const result of results) this.#attempts.remove({ ...labels, result });
    for (const reason of readReasons) this.#readFailures.remove({ ...labels, reason });
    for (const bytes of [this.#sentBytes, this.#readBytes]) bytes.remove(labels);
    for (const histogram of [this.#sendSeconds, this.#batchSamples, this.#readSeconds]) histogram.remove(labels);
  }
}
