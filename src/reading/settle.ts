// How old data must be before it is read, learned from how much of it came late (--settle auto): just long enough that less than one
// sample in a thousand comes late. The wait moves on a ladder: down a step where nothing speaks against it, up a step where more came
// late than may. A step down is a trial that may cost late samples (they are sent all the same), so trials are paid from an
// allowance of half a late sample in a thousand. Pure.
import type { EpochMs } from "../platform/clock.ts";
import type { Frame } from "../series/frame.ts";
import type { Window } from "../source/window.ts";

export type Settle = {
  /** The wait, ms. */
  ms: number;
  /** Windows that begin from here on were read with this wait. */
  since: EpochMs;
  /** Samples of these windows, and of them those that came late. */
  due: number;
  late: number;
  /** Late samples that trials may still cost; below 0: no trial for now. */
  allowance: number;
};

/** Samples that came too late for the window they belong to: all of them, and those whose window was read with the wait of now. */
export type Late = { all: number; ofThisWait: number };

/** What the read of a window as soon as it was due brought: all samples, and the late ones among them. */
export type Seen = Window & { due: number; late: Late };

export const LEAST_SETTLE_MS = 1_000;
/** Later samples are not waited for: a producer that was cut off delivers minutes late, and no wait helps that. */
export const MOST_SETTLE_MS = 10_000;
export const FIRST_SETTLE_MS = 5_000;

const MOST_LATE = 1 / 1_000;
/** The share of late samples that trials may cost in the long run. */
const FOR_TRIALS = MOST_LATE / 2;
const STEP = 1.25;
/** A share of one in a thousand is not seen in fewer samples. */
const ENOUGH = 1_000;

export const firstSettle = (ms = FIRST_SETTLE_MS): Settle => ({
  ms,
  since: Number.NEGATIVE_INFINITY,
  due: 0,
  late: 0,
  allowance: 0,
});

/** `lookMs`: for so long after a change not all of what came late has been looked for yet. */
export function learn(before: Settle, { from, to, due, late }: Seen, lookMs: number): Settle {
  // The source's clock was set back, or nothing was read in its time yet.
  if (to < before.since || before.since === Number.NEGATIVE_INFINITY) return { ...before, since: to, due: 0, late: 0 };
  if (from < before.since) return before;
  const now = {
    ...before,
    due: before.due + due,
    late: before.late + late.ofThisWait,
    allowance: Math.min(before.allowance + due * FOR_TRIALS - late.all, 1),
  };
  if (now.late > Math.max(1, now.due * MOST_LATE)) return stepped(now, to, Math.min(MOST_SETTLE_MS, now.ms * STEP));
  const quiet = now.due >= ENOUGH && to - now.since >= lookMs && now.allowance >= 0;
  if (quiet && now.ms > LEAST_SETTLE_MS) return stepped(now, to, Math.max(LEAST_SETTLE_MS, now.ms / STEP));
  return now;
}

const stepped = (settle: Settle, since: EpochMs, ms: number): Settle => ({ ...settle, ms, since, due: 0, late: 0 });

/**
 * How many samples of `frames` belong to windows before `from` and would have been in time had the wait been longer, up to
 * MOST_SETTLE_MS.
 */
export function cameLate(frames: readonly Frame[], from: EpochMs, { since, ms }: Settle): Late {
  const oldest = from + ms - MOST_SETTLE_MS;
  const late = { all: 0, ofThisWait: 0 };
  for (const { timestamps, runStart, runs } of frames)
    for (let run = 0; run < runs; run++)
      for (let i = runStart[run]!; i < runStart[run + 1]! && timestamps[i]! <= from; i++) {
        if (timestamps[i]! <= oldest) continue;
        late.all++;
        if (timestamps[i]! > since) late.ofThisWait++;
      }
  return late;
}
