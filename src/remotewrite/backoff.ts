// How long to wait. Pure: chance comes in.
import type { Random } from "../platform/random.ts";

export const BACKOFF_CAP_MS = 300_000;
const JITTER = 0.2;

/**
 * Before attempt `failed + 1`: backoffDuration · 2^(failed-1), at most five minutes, plus up to 20 % so that agents do not come in
 * step. (What a receiver asks for in Retry-After is a matter of the one answer.)
 * @param failed attempts that have failed, from 1
 */
export function backoffMs(failed: number, backoffDurationMs: number, random: Random): number {
  const base = Math.min(BACKOFF_CAP_MS, backoffDurationMs * 2 ** (failed - 1));
  return Math.round(base * (1 + JITTER * random()));
}

/** Before probe `n` (from 1) of a sink that refuses: 1, 2, 5, then every 5 minutes. */
export function probeDelayMs(n: number): number {
  return ([60_000, 120_000] as const)[n - 1] ?? BACKOFF_CAP_MS;
}
