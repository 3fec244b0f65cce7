// Spans of several frames in, one small frame out: each series once, its samples in timestamp order (remote write 1.0: one
// TimeSeries per series in a request). Copies of the same sample are both kept: the API does not de-duplicate across sources.
import { emptyFrame, type Frame } from "../series/frame.ts";
import type { Span } from "./batch.ts";
import { samplesOf } from "./batch.ts";

/** All spans share one SeriesTable; their samples together are at most one batch. */
export function mergeSpans(spans: readonly Span[]): Frame {
  const first = spans[0];
  if (first === undefined) throw new RangeError("mergeSpans: nothing to merge");
  const { table } = first.frame;
  const pieces = spans.reduce((n, s) => n + (s.endRun - s.firstRun), 0);
  const samples = spans.reduce((n, s) => n + samplesOf(s), 0);

  // Columns of pieces: the part of one run in one span.
  const series = new Int32Array(pieces);
  const span = new Int32Array(pieces);
  const from = new Int32Array(pieces);
  const to = new Int32Array(pieces);
  let n = 0;
  spans.forEach((s, index) => {
    for (let r = s.firstRun; r < s.endRun; r++, n++) {
      series[n] = s.frame.runSeries[r]!;
      span[n] = index;
      from[n] = Math.max(s.firstSample, s.frame.runStart[r]!);
      to[n] = Math.min(s.endSample, s.frame.runStart[r + 1]!);
    }
  });
  const order = Array.from({ length: pieces }, (_, i) => i);
  order.sort((a, b) => table.rank(series[a]!) - table.rank(series[b]!) || series[a]! - series[b]! || a - b);

  const begin = Math.min(...spans.map((s) => s.frame.from));
  const end = Math.max(...spans.map((s) => s.frame.to));
  const frame = { ...emptyFrame(table, begin, end, pieces, samples), runs: 0 };
  let at = 0;
  for (const piece of order) {
    const source = spans[span[piece]!]!.frame;
    if (frame.runs === 0 || frame.runSeries[frame.runs - 1] !== series[piece]) {
      frame.runSeries[frame.runs] = series[piece]!;
      frame.runStart[frame.runs] = at;
      frame.runs++;
    }
    const start = frame.runStart[frame.runs - 1]!;
    for (let i = from[piece]!; i < to[piece]!; i++) insert(frame, start, at++, source, i);
  }
  frame.runStart[frame.runs] = samples;
  return frame;
}

/** Puts sample `i` of `source` behind the run's samples `start .. end` of `frame`, sliding later ones up: nearly always at the end. */
function insert(frame: Frame, start: number, end: number, source: Frame, i: number): void {
  const { timestamps, values, stale } = frame;
  const ts = source.timestamps[i]!;
  let at = end;
  while (at > start && timestamps[at - 1]! > ts) {
    timestamps[at] = timestamps[at - 1]!;
    values[at] = values[at - 1]!;
    stale[at] = stale[at - 1]!;
    at--;
  }
  timestamps[at] = ts;
  values[at] = source.values[i]!;
  stale[at] = source.stale[i]!;
}
