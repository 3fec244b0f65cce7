// What a query brings now: its samples of the last minutes, read once as the agent reads them.
import type { EpochMs } from "../../platform/clock.ts";
import type { Query } from "../../reading/reader.ts";
import type { SourcePort } from "../../reading/source-port.ts";
import type { Frame } from "../../series/frame.ts";
import type { FrameBuilder } from "../../series/frame-builder.ts";
import { gridCeil, gridFloor, type Window } from "../../source/window.ts";

export type Survey =
  | {
      ok: true;
      /** Whole intervals of the query, ending at the newest window that is due. */
      window: Window;
      frame: Frame;
      sourceNow: EpochMs;
    }
  | { ok: false; message: string };

/** Reads `overMs`, or less where that is too much for one response. */
export async function survey(port: SourcePort, query: Query, overMs: number, signal: AbortSignal): Promise<Survey> {
  const sourceNow = port.now();
  if (sourceNow === undefined) return { ok: false, message: "The source has not reported its time." };
  const to = gridFloor(sourceNow - query.delayMs, query.intervalMs);
  // Late samples are not looked for: they are few, and in the window already.
  const read = { ...query, lateWindowMs: 0 };
  for (let ms = gridCeil(Math.max(overMs, query.intervalMs), query.intervalMs); ; ) {
    const from = to - ms;
    const got = await port.readWindow(read, port.newMemory(read, from), { from, to }, from, signal);
    if (got.ok) return { ok: true, window: { from, to }, frame: got.frame, sourceNow };
    const half = gridFloor(ms / 2, query.intervalMs);
    if (!got.shrink || half < query.intervalMs || signal.aborted) return { ok: false, message: got.message };
    ms = half;
  }
}

/** The samples of a frame on (from, to], as the frame of that window. */
export function cut(frame: Frame, { from, to }: Window, builder: FrameBuilder): Frame {
  const { timestamps, values, stale, runStart, runSeries, runs, table } = frame;
  builder.clear();
  for (let run = 0; run < runs; run++) {
    let started = false;
    for (let i = runStart[run]!; i < runStart[run + 1]!; i++) {
      const ts = timestamps[i]!;
      if (ts <= from || ts > to) continue;
      if (!started) builder.startRun(runSeries[run]!);
      started = true;
      builder.add(ts, values[i]!, stale[i] === 1);
    }
  }
  return builder.build(table, from, to).frame;
}
