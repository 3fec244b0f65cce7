// Expressions: which grid times are asked for, and from the answer the frame that is sent: what is newer than the window's start,
// and a stale marker where a series ended. A marker is written only where the whole answer says that a series is absent: never
// because a query failed, and never after an answer that may lack some series (partial). Pure.
import type { EpochMs } from "../platform/clock.ts";
import type { Frame } from "../series/frame.ts";
import type { FrameBuilder } from "../series/frame-builder.ts";
import type { SeriesTable } from "../series/table.ts";
import { gridFloor, type Window } from "./window.ts";

/** Servers refuse more points a series in one query (Prometheus 11,000, VictoriaMetrics 30,000 by default). */
const MAX_POINTS = 10_000;

/** The longest stretch of one query: all missed grid times at once, as far as servers allow. */
export const longestRange = (intervalMs: number): number => (MAX_POINTS - 1) * intervalMs;

/**
 * First and last grid time of the query for a window. Where it is not known which series were alive at the window's start (after
 * a restart), the range begins at that grid time: its values are not sent, they tell what a marker may be written for.
 */
export function rangeOf({ from, to }: Window, intervalMs: number, known: boolean): { first: EpochMs; last: EpochMs } {
  const start = gridFloor(from, intervalMs);
  return { first: known ? start + intervalMs : start, last: to };
}

/** By series id: alive at the window's start. */
export type Alive = { has(id: number): boolean; ids(): Iterable<number> };

/** Series whose last value is at `at`. */
export function aliveAt(last: Float64Array, at: EpochMs): Alive {
  return {
    has: (id) => last[id] === at,
    *ids() {
      for (let id = 0; id < last.length; id++) if (last[id] === at) yield id;
    },
  };
}

/** The same from an answer that begins at the window's start. */
export function aliveInAnswer(answer: Frame, { from }: Window): Alive {
  const ids = new Set<number>();
  for (let run = 0; run < answer.runs; run++)
    if (answer.timestamps[answer.runStart[run]!]! <= from) ids.add(answer.runSeries[run]!);
  return { has: (id) => ids.has(id), ids: () => ids };
}

/** The answer's values after the window's start, and stale markers at each grid time where a series is absent first. */
export function withStaleMarkers(
  answer: Frame,
  window: Window,
  intervalMs: number,
  alive: Alive,
  partial: boolean,
  builder: FrameBuilder,
): Frame {
  const { timestamps, values, stale, runStart, runSeries, runs, table } = answer;
  const first = gridFloor(window.from, intervalMs) + intervalMs;
  const present = new Set<number>();
  builder.clear();
  for (let run = 0; run < runs; run++) {
    const series = runSeries[run]!;
    present.add(series);
    builder.startRun(series);
    // The grid time at which the series has to have a value, or has ended.
    let next = alive.has(series) ? first : Number.POSITIVE_INFINITY;
    for (let i = runStart[run]!; i < runStart[run + 1]!; i++) {
      const ts = timestamps[i]!;
      if (ts <= window.from) continue;
      if (ts > next && !partial) builder.add(next, Number.NaN, true);
      builder.add(ts, values[i]!, stale[i] === 1);
      next = ts + intervalMs;
    }
    if (next <= window.to && !partial) builder.add(next, Number.NaN, true);
  }
  if (!partial) {
    for (const id of alive.ids()) {
      if (present.has(id)) continue;
      builder.startRun(id);
      builder.add(first, Number.NaN, true);
    }
  }
  const { frame } = builder.build(table, window.from, window.to);
  builder.clear();
  frame.dropped = answer.dropped;
  frame.bytes = answer.bytes;
  return frame;
}

/**
 * What the next window has to know, by series id: the time of its last value. Only those at the window's end are alive there;
 * after a partial answer so are those that were alive before: the next whole answer tells.
 */
export function lastValues(
  answer: Frame,
  window: Window,
  alive: Alive,
  partial: boolean,
  table: SeriesTable,
): Float64Array {
  const last = new Float64Array(table.size).fill(Number.NEGATIVE_INFINITY);
  for (let run = 0; run < answer.runs; run++)
    last[answer.runSeries[run]!] = partial ? window.to : answer.timestamps[answer.runStart[run + 1]! - 1]!;
  if (partial) for (const id of alive.ids()) last[id] = window.to;
  return last;
}
