// A batch: what one request carries. It is a contiguous range of runs of one frame, so nothing is allocated per series. Where samples of several frames meet in a batch, the batch
// room first merges them into a small frame of their own (merge.ts), so a series has one run, in timestamp order.
import type { EpochMs } from "../platform/clock.ts";
import type { Frame } from "../series/frame.ts";

/**
 * Samples `firstSample .. endSample` of `frame`, which lie in its runs `firstRun .. endRun` (ends exclusive).
 * The first and last run may be cut: a run's part is
 * `max(runStart[r], firstSample) .. min(runStart[r + 1], endSample)`, never empty.
 */
export type Span = {
  frame: Frame;
  firstRun: number;
  endRun: number;
  firstSample: number;
  endSample: number;
};

export type Batch = Span & {
  /** Order of sealing at this sink, from 0. */
  seq: number;
  /** Windows (by the sink's window number, ascending) whose samples are in here, and how many of each. */
  windows: { window: number; samples: number }[];
  /** The first series continues from the batch before: that one must be settled first. */
  continues: boolean;
  /** When its oldest sample arrived in the agent (monotonic ms). */
  openedAtMs: EpochMs;
};

export const samplesOf = (span: Span): number => span.endSample - span.firstSample;

/** All of a frame. */
export const whole = (frame: Frame): Span => ({
  frame,
  firstRun: 0,
  endRun: frame.runs,
  firstSample: 0,
  endSample: frame.samples,
});

/** The part of `span` in runs `firstRun .. endRun`; the outer runs keep the span's own cuts. */
export function subspan(span: Span, firstRun: number, endRun: number): Span {
  const { frame } = span;
  return {
    frame,
    firstRun,
    endRun,
    firstSample: Math.max(span.firstSample, frame.runStart[firstRun] ?? 0),
    endSample: Math.min(span.endSample, frame.runStart[endRun] ?? frame.samples),
  };
}

/** The oldest time of its samples: a series' samples are in order. */
export function oldestOf(span: Span): EpochMs {
  const { frame, firstRun, endRun, firstSample } = span;
  let oldest = Number.POSITIVE_INFINITY;
  for (let run = firstRun; run < endRun; run++)
    oldest = Math.min(oldest, frame.timestamps[Math.max(firstSample, frame.runStart[run]!)]!);
  return oldest;
}

/** The oldest and the newest time of their samples. */
export function timesOf(spans: readonly Span[]): [oldest: EpochMs, newest: EpochMs] {
  let oldest = Number.POSITIVE_INFINITY;
  let newest = Number.NEGATIVE_INFINITY;
  for (const { frame, firstSample, endSample } of spans)
    for (let i = firstSample; i < endSample; i++) {
      oldest = Math.min(oldest, frame.timestamps[i]!);
      newest = Math.max(newest, frame.timestamps[i]!);
    }
  return [oldest, newest];
}
