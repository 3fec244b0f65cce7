// Which window is read next. Pure: windows tile time exactly whatever the clocks do, and end on the grid k·interval.
import type { EpochMs } from "../platform/clock.ts";
import { hash32 } from "../platform/hash.ts";

/** The time (from, to], ms. */
export type Window = { from: EpochMs; to: EpochMs };

export const gridFloor = (t: EpochMs, intervalMs: number): EpochMs => Math.floor(t / intervalMs) * intervalMs;
export const gridCeil = (t: EpochMs, intervalMs: number): EpochMs => Math.ceil(t / intervalMs) * intervalMs;

/** The end of the first window after `read`: the next grid point. */
const firstEnd = (read: EpochMs, intervalMs: number): EpochMs => gridFloor(read, intervalMs) + intervalMs;

/**
 * The window after `read`, or undefined while none is due. `delayMs`: how old data must be before it is read.
 * Behind by more than one interval, it is as long as `maxWindowMs` allows (but at least to the next grid point).
 */
export function nextWindow(p: {
  read: EpochMs;
  sourceNow: EpochMs;
  delayMs: number;
  intervalMs: number;
  maxWindowMs: number;
}): Window | undefined {
  const first = firstEnd(p.read, p.intervalMs);
  const latest = gridFloor(p.sourceNow - p.delayMs, p.intervalMs);
  if (latest < first) return undefined;
  return { from: p.read, to: Math.min(latest, Math.max(first, gridFloor(p.read + p.maxWindowMs, p.intervalMs))) };
}

/** When data of the next window is complete: its end. It is due once the source's now is `delayMs` past this. */
export const dueAt = firstEnd;

/** Each query has a tenth of the interval to itself, until all together reach the whole of it, or this. */
const SHARE = 0.1;
const MOST_OFFSET_MS = 5_000;
/** More queries are spread as widely as this many. */
export const MOST_SPREAD = Math.ceil(1 / SHARE);

/** A fixed part of the interval for each of `queries`, so that not all of them fall on one instant. */
export function offsetInInterval(query: string, intervalMs: number, queries: number): number {
  const range = Math.min(intervalMs * Math.min(1, SHARE * queries), MOST_OFFSET_MS);
  return Math.floor((hash32(query) / 2 ** 32) * range);
}

/** After an answer that was too large, too slow or broken off. Never below one interval. */
export const shrinkWindow = (windowMs: number, intervalMs: number): number =>
  Math.max(intervalMs, Math.floor(windowMs / 2));

/** After an answer that was fine. */
export const growWindow = (windowMs: number, maxWindowMs: number): number => Math.min(maxWindowMs, windowMs * 2);

/** Late windows that the furthest reach looks back. */
export const LOOK_BACK = 1.5;

/** What is taken of late samples is counted by stretches of this length (RecentCounts): reads that look back far begin at one. */
export const stretchMs = (lateWindowMs: number): number => lateWindowMs / 2;

/** A read that looks back one and a half late windows may ask for this many samples a series each time: labels weigh more. */
const FEW_SAMPLES = 6;

/**
 * How far back the read of a window looks for late samples. A sample that is visible at most `lateWindowMs` after its time is
 * always found: every read looks that far back where polls are rare or samples are; where both are frequent, one read in every half
 * late window looks back one and a half of it, and those between look back over two samples, since a source should not send each
 * sample again and again. After an outage of the source, to before it.
 * @param reachedAt begin of the window of the last read that looked back far
 * @param density samples a series has in a millisecond, about
 */
export function reachFrom(
  { from: read, to }: Window,
  reachedAt: EpochMs,
  q: { lateWindowMs: number; intervalMs: number },
  density: number,
  outageFrom?: EpochMs,
): EpochMs {
  const half = stretchMs(q.lateWindowMs);
  const far = (from: EpochMs) => Math.max(0, half === 0 ? from : gridFloor(from, half));
  if (outageFrom !== undefined) return far(Math.min(read, outageFrom) - LOOK_BACK * q.lateWindowMs);
  if (q.intervalMs >= half) return far(read - q.lateWindowMs);
  const lookBack = LOOK_BACK * q.lateWindowMs;
  if (to - reachedAt > half || density * lookBack <= FEW_SAMPLES) return far(read - lookBack);
  return Math.max(0, read - Math.max(q.intervalMs, Math.ceil(2 / density)));
}

/** Reads after the one that ends at `read` look back to here at most, if the source does not fail. */
export const keepFrom = (read: EpochMs, lateWindowMs: number): EpochMs =>
  lateWindowMs === 0 ? read : gridFloor(read - LOOK_BACK * lateWindowMs, stretchMs(lateWindowMs));
