// What a process that follows a kill must know of the one before: how far it had attempted to send, and in which windows.
import type { EpochMs } from "../platform/clock.ts";

/**
 * What was attempted of a source: nothing from `to` on. `windows`: those that may not be settled, with what identifies them when they
 * are read again; `together`: no attempt carried only a part of a series.
 */
export type Attempted = {
  to: EpochMs;
  windows: { from: EpochMs; to: EpochMs; samples: number; series: number; maxSize: number; together: boolean }[];
};
