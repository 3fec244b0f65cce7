// The one state of the agent: immutable, JSON-safe, made by reduce() alone. Times are absolute; the view subtracts.

import type { EpochMs } from "../platform/clock.ts";
import type { Condition } from "./condition.ts";
import type {
  ClusterFailure,
  Collision,
  DropReason,
  FailureReason,
  NotAcceptedReason,
  PolicyInfo,
  ProblemInfo,
  ReadFailureReason,
  SinkId,
  SinkInfo,
} from "./events.ts";
import type { FleetStatus } from "./fleet.ts";
import type { Alike } from "./text/alike.ts";
import type { Lost } from "./text/lost.ts";

export type { Condition };

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
  /** `crash`: a bug ended the exporter; the supervisor starts it again. */
  | { name: "starting"; crash?: { message: string; restartAt: EpochMs } }
  | { name: "flowing" }
  | { name: "idle" }
  | {
      name: "backing-off";
      attempt: number;
      maxAttempts: number;
      since: EpochMs;
      retryAt: EpochMs;
      reason: FailureReason;
      message: string;
    }
  | { name: "holding"; since: EpochMs; probeAt: EpochMs; reason: FailureReason; message: string }
  /** Batches are taken, data is missing. `speed`: ms of data a ms, above 1; with it, when it should be done. */
  | { name: "catching-up"; since: EpochMs; behindMs: number; speed?: number; doneAt?: EpochMs }
  | { name: "paused"; since: EpochMs }
  | { name: "refused"; reason: NotAcceptedReason; message: string }
  | { name: "draining"; why: "shutdown" | "removed" }
  | { name: "stopped" };

/**
 * Fixed-size history: the last 60 whole seconds and minutes, and the running one of each, newest last (61 entries each). A ring
 * moves only when something is added; rings.ts shifts it to the reader's now.
 */
export type Ring = {
  /** Seconds since the epoch of the newest entry; 0 while nothing was ever added. */
  second: number;
  seconds: readonly number[];
  minutes: readonly number[];
  /** Added to the newest second and minute, and not in the arrays yet; absent: nothing. */
  running?: number;
};

/** Percentiles of how long attempts took, ms, by slot, newest last; the running slot as a histogram (latency.ts). */
export type Quantiles = {
  /** Number of the running slot since the epoch; 0 while nothing was ever added. */
  slot: number;
  counts: readonly number[];
  p50: readonly number[];
  p95: readonly number[];
  p99: readonly number[];
};

export type Latency = { minute: Quantiles; hour: Quantiles };

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
  /** Data has arrived up to here: the cursor, unless everything that was settled since was dropped. */
  arrived?: EpochMs;
  /** Samples of the sink that were delivered and lost when `arrived` last moved. */
  settledThen?: { delivered: number; lost: number };
  /** ms between the source's now and `arrived`, when the cursor last moved or the first window was read. */
  lagMs?: number;
  /** When lagMs was measured; until it is measured again the lag grows with time. */
  lagAt?: EpochMs;
  series: number;
  samplesLastRead: number;
  /** Samples that audits found at the source and that were never read. */
  lateSamples: number;
  lastReadMs: number;
  /** Raw only: how old data must be before it is read, set or learned. */
  settleMs?: number;
  lastReadAt?: EpochMs;
  failure?: { reason: ReadFailureReason; message: string; since: EpochMs; inRow: number };
};

export type RejectedSeries = {
  series: string;
  samples: number;
  message: string;
  at: EpochMs;
  /** Which one it is of those that were refused with these words (numbers do not count). */
  nth: number;
};

/** Why a sink is not taking batches: from its first failed attempt until a batch is delivered again. */
export type Failing = {
  since: EpochMs;
  reason: FailureReason;
  status?: number;
  /** The last failure, with the receiver's own words. */
  message: string;
  /** Samples dropped since then, and those of them that only the source still has. */
  dropped: number;
  lost?: Lost;
  /** What a closer look found, for the reason it looked for. */
  evidence?: { reason: FailureReason; text: string };
};

/** What a sink would report if it were not for flapping, and when that turned between True and False in the last minutes. */
export type Steadiness = Pick<Condition, "status" | "reason"> & { turns: readonly EpochMs[] };

export type SinkState = {
  id: SinkId;
  info: SinkInfo;
  phase: Phase;
  conditions: readonly [accepted: Condition, ready: Condition];
  account: Account;
  skippedMs: number;
  /** Samples that audits found at the source and that were never read; the last of these findings. */
  lateSamples: number;
  lastLate?: { source: string; from: EpochMs; to: EpochMs; samples: number; remedy: string; at: EpochMs };
  /** Series that the receiver does not take: the last 20, newest last; the same series once. */
  rejected: readonly RejectedSeries[];
  /** Series that are dropped since another one becomes the same: the last five. */
  collisions?: readonly Collision[];
  /** Dropped samples that are in the dead-letter folder. */
  deadLetters: number;
  samples: Ring; // delivered samples
  bytes: Ring; // request bodies of delivered batches
  requests: Ring; // attempts, whatever came of them
  lag: Ring; // largest lag, ms
  latency: Latency; // of attempts
  inFlight: number;
  concurrency: number;
  /** Failed attempts in a row; 0 after a delivery. A batch that is refused as a whole counts as one. */
  failuresInRow: number;
  failing?: Failing;
  /** What was dropped and only the source has, of all outages that are over: time ranges, oldest first. */
  lost: readonly Lost[];
  /** Samples were refused and nothing was delivered since: `samples` of the refused batch, and how many of them were dropped. */
  refusal?: { samples: number; dropped: number; lost?: Lost; status?: number; message: string };
  /** What was reported before the agent was restarted, until there is news. */
  restored?: Condition;
  /** Data is older than it may be, as the last tick saw it. */
  late: boolean;
  /** When the sink last began to work: its start, and the end of a pause or an outage. */
  workingSince: EpochMs;
  /** Lag at some moment since then, and by how much it shrank before, ms a ms: above 0 the sink catches up. */
  trend?: { at: EpochMs; lagMs: number; gain?: number };
  steadiness: Steadiness;
  /** The last delivery was answered with a web page: what takes the requests may not be a receiver of remote write. */
  webPage: boolean;
  /** The largest request that the endpoint is known to take: learned from 413 and timeouts, grown again slowly. */
  learnedSize?: { samples: number; bytes: number };
  retries: number;
  attemptsTotal: number;
  attempts: readonly AttemptRecord[]; // last 20
  /** How fast it goes while it goes, smoothed: samples a second of source time, and of one connection. */
  pace: { readPerS: number; sendPerS: number };
  lastSuccessAt?: EpochMs;
  lastReadAt?: EpochMs;
  /** When a window last brought samples. */
  lastSampleAt?: EpochMs;
  startedAt: EpochMs;
  sources: readonly SinkSource[];
};

export type AgentEvent = { seq: number; at: EpochMs; level: "info" | "warn" | "error"; sink?: SinkId; text: string };

export type Snapshot = {
  version: string;
  startedAt: EpochMs;
  /** The last event. */
  at: EpochMs;
  listen: string;
  stateDir: string;
  /** The admin API may pause, resume and retry sinks. */
  actions: boolean;
  source: {
    url: string;
    /** Flags that a replay of lost data needs to read and send as this agent does, quoted for a shell. */
    replayFlags: string;
    kind: "victoriametrics" | "prometheus" | "unknown";
    health: "unknown" | "ok" | "failing";
    clockDifferenceMs?: number;
    /** How far the clocks of replicas behind its address differ. */
    clockSpreadMs?: number;
    lastAnswerAt?: EpochMs;
    failure?: { reason: ReadFailureReason; message: string; since: EpochMs; inRow: number };
  };
  /** The API server that policies come from; absent: they come from files. */
  cluster?: { server: string; failure?: ClusterFailure };
  /** Absent: one agent alone. */
  fleet?: FleetStatus;
  policies: readonly (Omit<PolicyInfo, "conditions"> & { conditions: readonly Condition[] })[];
  problems: readonly ProblemInfo[];
  reloads: { ok: number; failed: number; lastAt?: EpochMs; lastOk: boolean };
  stateStore: { state: "ok" | "memory" | "set-aside"; message: string };
  /** Absent: it is written well, or there is none. */
  log?: { state: "ok" | "failing"; message: string };
  /** Between two polls, ms: what moves less often than this is not news. */
  pollMs?: number;
  /** Samples delivered by all sinks, and the bytes of their requests. */
  samples: Ring;
  bytes: Ring;
  /** In policy order. An array: copying it for one event costs 1 µs with 1,000 sinks, an object of 1,000 keys 85 µs. */
  sinks: readonly SinkState[];
  /** The ids of `sinks`; a new array only when a sink comes or goes. */
  order: readonly SinkId[];
  events: readonly AgentEvent[]; // last 200
  /** What was logged lately and may be said of other sinks too. */
  alike: readonly Alike[];
};
