// A frame: the samples of one window of one source, as columns. Samples are never objects (docs/design.md, Samples are never objects).
import type { EpochMs } from "../platform/clock.ts";
import type { Collision } from "./keyspace.ts";
import type { SeriesTable } from "./table.ts";

/**
 * Samples lie in runs: run i holds the samples of series `runSeries[i]`, in timestamp order, at
 * `runStart[i] .. runStart[i + 1]` of the sample columns. A series has at most one run in a frame.
 * Runs are in the order of sending (order.ts).
 */
export type Frame = {
  table: SeriesTable;
  /** Half-open (from, to], ms: the window that was due. A late sample's timestamp may lie before `from`. */
  from: EpochMs;
  to: EpochMs;
  runs: number;
  /** Series id in `table`, one per run. */
  runSeries: Int32Array;
  /** First sample of each run; one entry more than runs, the last is `samples`. */
  runStart: Int32Array;
  samples: number;
  /** ms since the epoch. */
  timestamps: Float64Array;
  values: Float64Array;
  /** 1: stale marker. Its value column is NaN; only the encoder writes the marker's bits (Bun cannot carry them in a number). */
  stale: Uint8Array;
  /** Samples left out before, by reason (`invalid_name`: no `__name__`). Counted as read and dropped. */
  dropped: Record<string, number>;
  /** Which series were left out as `name_collision`; the same objects in each frame. */
  collisions?: readonly Collision[];
  /** Bytes of the answer's body, decoded. */
  bytes: number;
};

/** Columns of this size, to be filled in. */
export function emptyFrame(table: SeriesTable, from: EpochMs, to: EpochMs, runs: number, samples: number): Frame {
  return {
    table,
    from,
    to,
    runs,
    runSeries: new Int32Array(runs),
    runStart: new Int32Array(runs + 1),
    samples,
    timestamps: new Float64Array(samples),
    values: new Float64Array(samples),
    stale: new Uint8Array(samples),
    dropped: {},
    bytes: 0,
  };
}
