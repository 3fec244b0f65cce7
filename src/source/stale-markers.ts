// Series that end at a source that keeps its stale markers to itself (Prometheus): a series that had samples in the last five minutes
// and is absent from the instant query at a window's end gets a stale marker there. Pure.
import type { EpochMs } from "../platform/clock.ts";
import type { Frame } from "../series/frame.ts";
import type { FrameBuilder } from "../series/frame-builder.ts";

/** How far an instant query looks back for the last sample of a series. */
export const LOOKBACK_MS = 300_000;

/** Added to the last timestamp of a series that has its marker: whole milliseconds are samples. */
const MARKED = 0.5;

/**
 * @param last by series id: timestamp of the last sample that was taken, or endedAt() of its marker
 * @param present series of the instant query at `at`
 */
export function endedSeries(last: Float64Array, present: ReadonlySet<number>, at: EpochMs): number[] {
  const ended: number[] = [];
  for (let id = 0; id < last.length; id++)
    if (last[id]! > at - LOOKBACK_MS && Number.isInteger(last[id]) && !present.has(id)) ended.push(id);
  return ended;
}

/** What is remembered in place of a last timestamp, so that a series gets one marker only. */
export const endedAt = (at: EpochMs): number => at + MARKED;

/** The frame with a stale marker for each of `ended` at its window's end. */
export function withEndings(frame: Frame, ended: readonly number[], builder: FrameBuilder): Frame {
  if (ended.length === 0) return frame;
  const { timestamps, values, stale, runStart, runSeries, runs, table, from, to } = frame;
  const left = new Set(ended);
  builder.clear();
  for (let run = 0; run < runs; run++) {
    const series = runSeries[run]!;
    builder.startRun(series);
    const end = runStart[run + 1]!;
    for (let i = runStart[run]!; i < end; i++) builder.add(timestamps[i]!, values[i]!, stale[i] === 1);
    // A sample at the very end keeps its place: the marker would be a second value of the same moment.
    if (left.delete(series) && timestamps[end - 1] !== to) builder.add(to, Number.NaN, true);
  }
  for (const series of left) {
    builder.startRun(series);
    builder.add(to, Number.NaN, true);
  }
  const { frame: marked } = builder.build(table, from, to);
  builder.clear();
  marked.dropped = frame.dropped;
  if (frame.collisions !== undefined) marked.collisions = frame.collisions;
  marked.bytes = frame.bytes;
  return marked;
}
