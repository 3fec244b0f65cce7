// Situations of an agent, made by dispatching the events that the exporter would: tests and golden frames build on these, never on
// hand-made state.
import type { Event, FailureReason, PolicyInfo, ProblemInfo, SinkInfo } from "../../src/status/events.ts";
import { initialSnapshot, reduce } from "../../src/status/reduce.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";

/** 2026-11-23T14:00:00Z */
export const START = Date.UTC(2026, 10, 23, 14);

export function sinkInfo(id: string, more: Partial<SinkInfo> = {}): SinkInfo {
  const [namespace = "", policy = "", sink = ""] = id.split("/");
  return {
    id,
    policy: `${namespace}/${policy}`,
    sink,
    generation: 1,
    endpoint: `https://${sink}.example.com/api/v1/write`,
    auth: "basic",
    batch: { maxSize: 500, timeoutMs: 5_000 },
    retry: { maxAttempts: 3, backoffMs: 5_000 },
    sources: [{ name: "metrics", query: '{job="node"}', kind: "raw" }],
    ...more,
  };
}

/** As src/policy/print.ts prints one. */
const yamlOf = (id: string): string => {
  const [namespace, name] = id.split("/");
  return `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  sources:
    - name: metrics
      metrics:
        metricsql: '{job="node"}'
  sinks:
    - name: cloud
      sources:
        - metrics
      target:
        prometheusRemoteWrite:
          endpoint: https://cloud.example.com/api/v1/write
          authentication:
            basicAuth:
              secretRef:
                name: cloud-credentials
          batch:
            maxSize: 500
            timeout: 5s
          retry:
            maxAttempts: 3
            backoffDuration: 5s`;
};

type About<T extends Event["type"]> = Omit<Extract<Event, { type: T }>, "type" | "at" | "id">;

/** An agent in a story: time passes, events happen, `snapshot` is what came of them. */
export class Story {
  snapshot: Snapshot = initialSnapshot;
  now = START;

  constructor(policies: readonly SinkInfo[] = [], problems: ProblemInfo[] = []) {
    this.event({
      type: "agent-started",
      version: "0.1.0",
      sourceUrl: "http://127.0.0.1:8428/",
      stateDir: "/var/lib/outflow",
      listen: "127.0.0.1:9009",
    });
    this.load(policies, problems);
    for (const sink of policies) this.event({ type: "sink-started", sink });
  }

  event(event: Event extends infer E ? (E extends Event ? Omit<E, "at"> : never) : never): this {
    this.snapshot = reduce(this.snapshot, { ...event, at: this.now } as Event);
    return this;
  }

  load(sinks: readonly SinkInfo[], problems: ProblemInfo[] = []): this {
    const policies = new Map<string, PolicyInfo>();
    for (const { policy, id, generation } of sinks) {
      const known = policies.get(policy) ?? {
        id: policy,
        generation,
        file: `policies/${policy.split("/")[1]}.yaml`,
        sinks: [],
        yaml: yamlOf(policy),
      };
      policies.set(policy, { ...known, sinks: [...known.sinks, id] });
    }
    const ok = !problems.some((p) => p.severity === "problem");
    return this.event({
      type: "policies-loaded",
      policies: [...policies.values()],
      problems,
      files: policies.size,
      ok,
    });
  }

  /** Time passes, a tick every second. */
  wait(ms: number): this {
    const end = this.now + ms;
    while (this.now + 1_000 <= end) {
      this.now += 1_000;
      this.event({ type: "tick" });
    }
    this.now = end;
    return this;
  }

  sourceAnswers(clockDifferenceMs = 300): this {
    return this.event({ type: "source-answered", kind: "victoriametrics", clockDifferenceMs });
  }

  read(id: string, samples: number, more: Partial<About<"window-read">> = {}): this {
    const to = this.now - 5_000;
    return this.event({
      type: "window-read",
      id,
      source: "metrics",
      from: to - 15_000,
      to,
      read: samples,
      series: samples,
      bytes: samples * 40,
      durationMs: 12,
      sourceNow: this.now,
      dropped: {},
      ...more,
    });
  }

  attempt(id: string, attempt: number, samples: number): this {
    return this.event({
      type: "attempt-started",
      id,
      attempt,
      samples,
      bytes: samples * 9,
      inFlight: 1,
      concurrency: 2,
    });
  }

  ended(id: string, attempt: number, samples: number, result: About<"attempt-ended">["result"], durationMs = 38): this {
    return this.event({
      type: "attempt-ended",
      id,
      attempt,
      maxAttempts: 3,
      samples,
      bytes: samples * 9,
      durationMs,
      inFlight: 0,
      result,
    });
  }

  /** One window read, sent and settled. */
  delivers(id: string, samples: number): this {
    this.read(id, samples).attempt(id, 1, samples).ended(id, 1, samples, { kind: "delivered", status: 204 });
    return this.settled(id);
  }

  settled(id: string, lagMs = 5_000, source = "metrics"): this {
    return this.event({ type: "cursor-moved", id, source, cursor: this.now - lagMs, sourceNow: this.now });
  }

  /** A sink that was resumed and has sent the first of what it missed. */
  behind(id: string, ms: number): this {
    this.event({ type: "sink-paused", id }).event({ type: "sink-resumed", id });
    const from = this.now - ms;
    this.read(id, 1_000, { from: from - 15_000, to: from }).settled(id, ms);
    return this.ended(id, 1, 1_000, { kind: "delivered", status: 204 }).settled(id, ms);
  }

  /** An outage of `ms`, and the first seconds after it: windows of half a minute arrive, one each second. */
  catchesUp(id: string, ms: number, seconds = 0): this {
    this.read(id, 1_000).fails(id, 1, 5_000).wait(5_000).fails(id, 2, ms).wait(ms);
    const begin = this.now - ms - 5_000;
    for (let i = 0; i <= seconds; i++) {
      if (i > 0) this.wait(1_000);
      const from = begin + i * 30_000;
      this.read(id, 1_000, { from, to: from + 30_000 });
      this.attempt(id, 1, 1_000).ended(id, 1, 1_000, { kind: "delivered", status: 204 });
      this.settled(id, this.now - from - 30_000);
    }
    return this;
  }

  /** Of the window that was read last. */
  drops(
    id: string,
    reason: About<"dropped">["reason"],
    samples: number,
    message: string,
    more: Partial<About<"dropped">> = {},
  ): this {
    const { now } = this;
    const times = { oldest: now - 19_000, newest: now - 5_000 };
    return this.event({ type: "dropped", id, reason, samples, ...times, message, ...more });
  }

  /** A window every 15 s for `ms`, each sink at its own second and of its own size. */
  flows(sinks: readonly { id: string; samples: number }[], ms: number): this {
    for (let second = 0; second < ms / 1_000; second++) {
      sinks.forEach(({ id, samples }, i) => {
        if ((second + i * 4) % 15 === 0)
          this.delivers(id, Math.round(samples * (1 + 0.3 * Math.sin((second + i * 7) / 9))));
      });
      this.wait(1_000);
    }
    return this;
  }

  /** One attempt that fails and is to be repeated in `backoffMs`. */
  fails(id: string, attempt: number, backoffMs: number, failure = serverError): this {
    this.attempt(id, attempt, 1_000).ended(id, attempt, 1_000, { kind: "failed", ...failure });
    const { reason, message } = failure;
    return this.event({
      type: "backing-off",
      id,
      attempt,
      maxAttempts: 3,
      since: this.now,
      retryAt: this.now + backoffMs,
      reason,
      message,
    });
  }

  holds(id: string, probeMs: number, failure = unauthorized): this {
    this.attempt(id, 1, 1_000).ended(id, 1, 1_000, { kind: "failed", ...failure });
    const { reason, message } = failure;
    return this.event({ type: "holding", id, since: this.now, probeAt: this.now + probeMs, reason, message });
  }
}

export type Failure = { reason: FailureReason; status?: number; message: string };

export const serverError: Failure = {
  reason: "ServerError",
  status: 503,
  message: "The endpoint is unavailable (503). It said: overloaded, come back later",
};
export const unauthorized: Failure = {
  reason: "AuthenticationRejected",
  status: 401,
  message: "The endpoint rejected the credentials (401): check username and password in the sink's Secret.",
};
export const refused: Failure = {
  reason: "EndpointUnreachable",
  message: "Connection refused (ECONNREFUSED): is the receiver up, and the port right?",
};
export const rateLimited: Failure = {
  reason: "RateLimited",
  status: 429,
  message: "The endpoint limits the rate (429) and asks to wait 30 s.",
};
export const rejected: Failure = {
  reason: "SamplesRejected",
  status: 400,
  message: "The endpoint refused samples (400). It said: out of order sample",
};
