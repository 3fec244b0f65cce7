// How long to wait. Pure: chance comes in.
import type { Random } from "../platform/random.ts";

export const BACKOFF_CAP_MS = 300_000;
const JITTER = 0.2;
const FIRST_PROBE_MS = 5_000;

/**
 * Before attempt `failed + 1`: backoffDuration · 2^(failed-1), at most five minutes, plus up to 20 % so that agents do not retry in
 * step. (Retry-After concerns one response only.)
 * @param failed attempts that have failed, from 1
 */
export function backoffMs(failed: number, backoffDurationMs: number, random: Random): number {
  const base = Math.min(BACKOFF_CAP_MS, backoffDurationMs * 2 ** (failed - 1));
  return Math.round(base * (1 + JITTER * random()));
}

/** Before probe `n` (from 1) of a sink that refuses: 5 s, 15 s, 45 s, and so on up to every 5 minutes. */
export const probeDelayMs = (n: number): number => Math.min(BACKOFF_CAP_MS, FIRST_PROBE_MS * 3 ** (n - 1));
