// What happens in the agent, as plain data. The only way to the snapshot is reduce(snapshot, event); log, metrics, API and
// TUI read the snapshot (or these events), so none of them can disagree. Outside text in here has passed printable().

import type { EpochMs } from "../platform/clock.ts";
import type { Condition } from "./condition.ts";
import type { FleetStatus } from "./fleet.ts";

/** `namespace/policy/sink`. */
export type SinkId = string;

/** Reasons of a False `Accepted`, and of `Ready` then (docs/design.md, Status). */
export const notAcceptedReasons = [
  "InvalidAuthentication",
  "SecretNotFound",
  "InvalidEndpoint",
  "UnknownSource",
  "InvalidQuery",
] as const;
export type NotAcceptedReason = (typeof notAcceptedReasons)[number];

/** Why an attempt failed: reasons of a False `Ready`. */
export const failureReasons = [
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
] as const;
export type FailureReason = (typeof failureReasons)[number];

export const readFailureReasons = ["SourceUnavailable", "QueryFailed"] as const;
export type ReadFailureReason = (typeof readFailureReasons)[number];

export const dropReasons = [
  "exhausted", // maxAttempts failed
  "rejected",
  "too_large",
  "conflict",
  "refused_replay",
  "invalid_name",
  "invalid_labels",
  "name_collision", // another series of the source becomes the same one
  "native_histogram", // remote write 1.0 carries floats only
] as const;
export type DropReason = (typeof dropReasons)[number];

export type SinkInfo = {
  id: SinkId;
  /** Further labels of its metrics. */
  labels?: Readonly<Record<string, string>>;
  /** `namespace/name` */
  policy: string;
  sink: string;
  generation: number;
  endpoint: string; // without user info; query values redacted
  auth: "none" | "basic" | "bearer" | "headers";
  batch: { maxSize: number; timeoutMs: number };
  retry: { maxAttempts: number; backoffMs: number };
  /** What happens to a batch after maxAttempts; absent: drop. */
  onExhausted?: "drop" | "hold";
  /** Data older than this makes the sink not ready; absent: a default for a poll interval of 15 s. */
  readyLagMs?: number;
  sources: { name: string; query: string; kind: "raw" | "evaluated" }[];
};

export type PolicyInfo = {
  id: string; // namespace/name
  generation: number;
  file: string;
  sinks: SinkId[];
  /** The policy as it runs, without secrets, for screens. */
  yaml?: string;
  /** What was reported before the agent was restarted. */
  conditions?: readonly Condition[];
};

/** `kind`: network, unauthorized, forbidden, not-found, throttled, server, … */
export type ClusterFailure = { kind: string; message: string; since: EpochMs };

export type ProblemInfo = {
  severity: "problem" | "warning" | "note";
  file: string;
  line: number;
  column: number;
  path: string;
  message: string;
};

/** A series of the source, `lost`, would become `kept`, which another one is already. */
export type Collision = { lost: string; kept: string };

export type Event = { at: EpochMs } & (
  | {
      type: "agent-started";
      version: string;
      sourceUrl: string;
      stateDir: string;
      listen: string;
      /** Flags that `outflow replay` needs to read and send as this agent does. */
      replayFlags?: string;
      /** The admin API may pause, resume and retry sinks. */
      actions?: boolean;
      /** Between two polls. */
      pollMs?: number;
    }
  /** The whole set that runs from now on, and all problems and warnings of the last load. */
  | {
      type: "policies-loaded";
      policies: PolicyInfo[];
      problems: ProblemInfo[];
      files: number;
      ok: boolean;
      /** Absent: from files. */
      origin?: "cluster";
      /** One of several steps of a load: the last one counts, and is logged. */
      partial?: true;
    }
  /** The API server that policies come from. `failure`: what fails there, and since when; absent: nothing. */
  | { type: "cluster"; server: string; failure?: ClusterFailure }
  /** The fleet as this agent sees it now. */
  | { type: "fleet"; fleet: FleetStatus }
  /** `conditions`: what was reported before the agent was restarted; for a new sink only. */
  | { type: "sink-started"; sink: SinkInfo; conditions?: readonly Condition[] }
  | {
      type: "sink-refused";
      sink: SinkInfo;
      reason: NotAcceptedReason;
      message: string;
      conditions?: readonly Condition[];
    }
  | { type: "sink-draining"; id: SinkId; why: "shutdown" | "removed" }
  | { type: "sink-stopped"; id: SinkId }
  /** Gone from its policy, nothing left to show. */
  | { type: "sink-forgotten"; id: SinkId }
  | { type: "sink-paused"; id: SinkId }
  | { type: "sink-resumed"; id: SinkId }
  /** A bug in one exporter, contained by the supervisor. */
  | { type: "sink-crashed"; id: SinkId; message: string; restartAt: EpochMs }
  /** At most once a second. `clockSpreadMs`: how far the clocks of replicas behind its address differ. */
  | {
      type: "source-answered";
      kind: "victoriametrics" | "prometheus" | "unknown";
      clockDifferenceMs: number;
      clockSpreadMs?: number;
    }
  /** A series of the source is dropped as a name_collision: said once, for whatever sinks. */
  | ({ type: "series-collided" } & Collision)
  | { type: "source-failed"; reason: ReadFailureReason; message: string }
  /** A window's samples arrived at this sink. `read` counts all of them, dropped ones too. */
  | {
      type: "window-read";
      id: SinkId;
      source: string;
      from: EpochMs;
      to: EpochMs;
      read: number;
      series: number;
      /** Answer bytes, counted for the sink that asked; 0 for those that share the frame. */
      bytes: number;
      durationMs: number;
      /** The source's now when it answered; with `from` it bounds the lag before anything is settled. */
      sourceNow: EpochMs;
      dropped: Partial<Record<DropReason, number>>;
      /** Series that are dropped as a name_collision, each once for this sink. */
      collisions?: readonly Collision[];
      /** Raw only: how old data of this source must be before it is read, set or learned. */
      settleMs?: number;
    }
  | { type: "read-failed"; id: SinkId; source: string; reason: ReadFailureReason; message: string }
  | { type: "skipped"; id: SinkId; source: string; from: EpochMs; to: EpochMs; why: string }
  | {
      type: "attempt-started";
      id: SinkId;
      attempt: number;
      samples: number;
      bytes: number;
      inFlight: number;
      concurrency: number;
    }
  | {
      type: "attempt-ended";
      id: SinkId;
      /** 1-based number of this attempt of its batch. */
      attempt: number;
      maxAttempts: number;
      samples: number;
      bytes: number; // of the request's body
      durationMs: number;
      /** Requests in flight after this one. */
      inFlight: number;
      result: /** `webPage`: the body was HTML, which no receiver of remote write sends. */
        | { kind: "delivered"; status: number; webPage?: true }
        | { kind: "failed"; reason: FailureReason; status?: number; message: string };
    }
  /** By outflow itself (another sender, the end of a drain): it says nothing about the sink, and does not count. */
  | { type: "attempt-broken-off"; id: SinkId; inFlight: number }
  /** Retryable failure: the next attempt is at `retryAt`. `attempt` is the one that failed. */
  | {
      type: "backing-off";
      id: SinkId;
      attempt: number;
      maxAttempts: number;
      since: EpochMs;
      retryAt: EpochMs;
      reason: FailureReason;
      message: string;
    }
  /** A refusal that retries cannot fix; the next probe is at `probeAt`. */
  | { type: "holding"; id: SinkId; since: EpochMs; probeAt: EpochMs; reason: FailureReason; message: string }
  /** `oldest`, `newest`: times of the samples. `kept`: written to the dead-letter folder. */
  | {
      type: "dropped";
      id: SinkId;
      reason: DropReason;
      samples: number;
      oldest: EpochMs;
      newest: EpochMs;
      message: string;
      kept?: boolean;
    }
  /** The largest request that the endpoint is known to take (bytes of the body); without: no size is known to be too large. */
  | { type: "size-learned"; id: SinkId; samples?: number; bytes?: number }
  /** What a closer look at a failing connection found: the certificate, the addresses of a name. */
  | { type: "evidence"; id: SinkId; reason: FailureReason; text: string }
  /** A series that the receiver does not take, found by bisecting: its labels, and the receiver's words. */
  | { type: "series-rejected"; id: SinkId; series: string; samples: number; message: string }
  /** An audit found samples at the source that were never read: they came later than the late window. `remedy`: the replay command. */
  | { type: "late"; id: SinkId; source: string; from: EpochMs; to: EpochMs; samples: number; remedy: string }
  | { type: "returned"; id: SinkId; samples: number }
  /** The cursor of one source of this sink. `sourceNow` bounds the lag. */
  | { type: "cursor-moved"; id: SinkId; source: string; cursor: EpochMs; sourceNow: EpochMs }
  | { type: "state-store"; state: "ok" | "memory" | "set-aside"; message: string }
  /** The log of the agent cannot be written, or can be again. */
  | { type: "log-output"; state: "ok" | "failing"; message: string }
  | { type: "notice"; level: "info" | "warn" | "error"; message: string }
  /** Once a second: rolls the rings, decides idle and lag. Never logged. */
  | { type: "tick" }
);
