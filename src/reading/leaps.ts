// Where reads stood when the source's clock leapt ahead: once it is right again, what was read since had not been there yet, and is
// read again. Pure.
import type { EpochMs } from "../platform/clock.ts";

/** `from`: the begin of the window that was read then; `offset`: how far the source's clock was ahead of the monotonic one. */
export type Leap = { from: EpochMs; offset: number };

/** A leap by more than this is remembered. */
const LEAP_MS = 10_000;
const MAX_LEAPS = 100;

/** The first read begins the list. */
export const afterRead = (leaps: readonly Leap[], read: Leap): readonly Leap[] =>
  read.offset > (leaps.at(-1)?.offset ?? Number.NEGATIVE_INFINITY) + LEAP_MS
    ? [...leaps, read].slice(-MAX_LEAPS)
    : leaps;

/** The clock is at `offset` now: where reads stood at the first leap that was wrong, and the leaps before it. */
export function takeBack(
  leaps: readonly Leap[],
  offset: number,
): { leaptAt: EpochMs | undefined; leaps: readonly Leap[] } {
  const wrong = leaps.findIndex((leap) => leap.offset > offset + LEAP_MS);
  if (wrong < 0) return { leaptAt: undefined, leaps };
  return { leaptAt: wrong > 0 ? leaps[wrong]!.from : undefined, leaps: leaps.slice(0, wrong) };
}
