// A sink that fails: since when, until when it is left alone, and how long the next wait is. Pure: the caller has the clock.
import type { EpochMs } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import { backoffMs, probeDelayMs } from "../remotewrite/backoff.ts";

export type Failing = {
  kind: "backing-off" | "holding";
  since: EpochMs;
  /** Monotonic ms: when it began, and when it may be tried again. */
  sinceMs: number;
  until: number;
  /** Backoffs or probes in a row. */
  count: number;
  backoffMs: number;
};

type Now = { now: EpochMs; monotonicMs: number };

/**
 * After a failed attempt. Attempts that were in flight when the sink began to fail are one failure together, and waits do not shrink
 * until something is taken, whichever batch is tried.
 */
export function backingOff(
  was: Failing | undefined,
  at: Now & { startedMs: number },
  o: { backoffDurationMs: number; retryAfterMs?: number | undefined; random: Random },
): Failing {
  const before = was?.kind === "backing-off" ? was : undefined;
  const same = before !== undefined && at.startedMs < before.sinceMs;
  const count = same ? before.count : (before?.count ?? 0) + 1;
  const backoff = same
    ? before.backoffMs
    : Math.max(before?.backoffMs ?? 0, backoffMs(count, o.backoffDurationMs, o.random));
  // What a receiver asked for once counts once.
  const until = at.monotonicMs + Math.max(backoff, o.retryAfterMs ?? 0);
  return {
    kind: "backing-off",
    since: was?.since ?? at.now,
    sinceMs: before?.sinceMs ?? at.monotonicMs,
    until: Math.max(was?.until ?? 0, until),
    count,
    backoffMs: backoff,
  };
}

/** After a refusal that only a person can end. Requests in flight when it began count as one probe together. */
export function holding(was: Failing | undefined, at: Now & { startedMs: number }): Failing {
  const before = was?.kind === "holding" ? was : undefined;
  if (before !== undefined && at.startedMs < before.sinceMs) return before;
  const count = (before?.count ?? 0) + 1;
  return {
    kind: "holding",
    since: before?.since ?? at.now,
    sinceMs: before?.sinceMs ?? at.monotonicMs,
    until: at.monotonicMs + probeDelayMs(count),
    count,
    backoffMs: 0,
  };
}
