// The one state of the agent: immutable, JSON-safe, made by reduce() alone. Times are absolute; the view subtracts.
import type { EpochMs } from "../platform/clock.ts";
import type { DropReason, FailureReason, NotAcceptedReason, PolicyInfo, ProblemInfo, ReadFailureReason, SinkId, SinkInfo } from "./events.ts";

export type PhaseName =
  | "starting"
  | "flowing"
  | "idle"
  | "backing-off"
  | "holding"
  | "catching-up"
  | "paused"
  | "refused"
  | "draining"
  | "stopped";

/** What a sink does now; exactly one at a time. */
export type Phase =
  | { name: "starting" }
  | { name: "flowing" }
  | { name: "idle" }
  | { name: "backing-off"; attempt: number; maxAttempts: number; since: EpochMs; retryAt: EpochMs; reason: FailureReason; message: string }
  | { name: "holding"; since: EpochMs; probeAt: EpochMs; reason: FailureReason; message: string }
  | { name: "catching-up"; behindMs: number; etaMs?: number }
  | { name: "paused"; since: EpochMs }
  | { name: "refused"; reason: NotAcceptedReason; message: string }
  | { name: "draining"; why: "shutdown" | "removed" | "changed" }
  | { name: "stopped" };

/** A Kubernetes condition (metav1.Condition); lastTransitionTime moves only when status does. */
export type Condition = {
  type: "Accepted" | "Ready";
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
  lastTransitionTime: EpochMs;
  observedGeneration: number;
};

/** Fixed-size history: the last 60 seconds and the last 60 minutes. Newest last. */
export type Ring = {
  /** Amount in each of the last 60 whole seconds. */
  seconds: readonly number[];
  /** Amount in each of the last 60 whole minutes. */
  minutes: readonly number[];
};

export type Account = {
  read: number;
  delivered: number;
  dropped: Readonly<Record<DropReason, number>>;
  returned: number;
  /** read - delivered - dropped - returned. */
  pending: number;
};

export type AttemptRecord = {
  at: EpochMs;
  attempt: number;
  samples: number;
  bytes: number;
  durationMs: number;
  status?: number;
  reason?: FailureReason;
  message?: string;
};

export type SinkSource = {
  name: string;
  query: string;
  kind: "raw" | "evaluated";
  read?: EpochMs;
  cursor?: EpochMs;
  /** ms between the source's now and the cursor, when the cursor last moved or was looked at. */
  lagMs?: number;
  series: number;
  samplesLastRead: number;
  lastReadMs: number;
  lastReadAt?: EpochMs;
  failure?: { reason: ReadFailureReason; message: string; since: EpochMs };
};

export type SinkState = {
  id: SinkId;
  info: SinkInfo;
  phase: Phase;
  conditions: readonly Condition[];
  account: Account;
  skippedMs: number;
  samples: Ring; // delivered samples
  bytes: Ring; // request bodies of delivered batches
  inFlight: number;
  concurrency: number;
  /** Failed attempts in a row; 0 after a delivery. */
  failuresInRow: number;
  retries: number;
  attemptsTotal: number;
  attempts: readonly AttemptRecord[]; // last 20
  lastSuccessAt?: EpochMs;
  lastReadAt?: EpochMs;
  sources: readonly SinkSource[];
};

export type AgentEvent = { seq: number; at: EpochMs; level: "info" | "warn" | "error"; sink?: SinkId; text: string };

export type Snapshot = {
  version: string;
  startedAt: EpochMs;
  /** The last event. */
  at: EpochMs;
  /** The last tick: what the rings are rolled to. */
  tickAt: EpochMs;
  listen: string;
  stateDir: string;
  source: {
    url: string;
    kind: "victoriametrics" | "prometheus" | "unknown";
    health: "unknown" | "ok" | "failing";
    clockDifferenceMs?: number;
    lastAnswerAt?: EpochMs;
    failure?: { reason: ReadFailureReason; message: string; since: EpochMs };
  };
  policies: readonly (PolicyInfo & { conditions: readonly Condition[] })[];
  problems: readonly ProblemInfo[];
  reloads: { ok: number; failed: number; lastAt?: EpochMs; lastOk: boolean };
  stateStore: { state: "ok" | "memory" | "set-aside"; message: string };
  sinks: Readonly<Record<SinkId, SinkState>>;
  /** Sink ids in policy order. */
  order: readonly SinkId[];
  events: readonly AgentEvent[]; // last 200
};
