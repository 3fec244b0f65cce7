// How far behind a sink was over the last minute and hour: the largest lag of each second and minute, in fixed space. Between two
// moves of the cursor lag grows with time, so the slots in between are known: the ring moves only when the cursor does, and a
// reader fills in the rest; so it does for a sink whose cursor has never moved, from its first read on. Pure.
import type { EpochMs } from "../platform/clock.ts";
import { lagOf } from "./sinks.ts";
import type { Ring, SinkState } from "./snapshot.ts";

/** 60 whole ones and the running one, as in rings.ts. */
const SLOTS = 61;

/** @param before the sink until `at`, when its cursor moves; @param after the sink from then on */
export function recordLag(before: SinkState, after: SinkState, at: EpochMs): Ring {
  const ring = begun(before);
  const second = Math.max(ring.second, Math.floor(at / 1000));
  const reached = lagOf(before, at) ?? lagOf(after, at) ?? 0;
  const was = (t: EpochMs) => lagOf(before, t) ?? 0;
  return {
    second,
    seconds: moved(ring.seconds, ring.second, second, 1_000, was, reached),
    minutes: moved(ring.minutes, Math.floor(ring.second / 60), Math.floor(second / 60), 60_000, was, reached),
  };
}

/** The largest lag (ms) in each of the last 60 whole seconds, oldest first; 0 where it was not known. */
export function lagOfMinute(sink: SinkState, now: EpochMs): readonly number[] {
  const { seconds, second } = begun(sink);
  return upTo(seconds, second, Math.floor(now / 1000), 1_000, sink);
}

/** The same of the last 60 whole minutes. */
export function lagOfHour(sink: SinkState, now: EpochMs): readonly number[] {
  const { minutes, second } = begun(sink);
  return upTo(minutes, Math.floor(second / 60), Math.floor(now / 60_000), 60_000, sink);
}

/** The ring; where it has not moved yet, an empty one of the second since when lag is known. */
function begun({ lag, sources }: SinkState): Ring {
  if (lag.second !== 0) return lag;
  const since = Math.min(...sources.map((s) => s.lagAt ?? Number.POSITIVE_INFINITY));
  return since === Number.POSITIVE_INFINITY ? lag : { ...lag, second: Math.floor(since / 1000) };
}

function upTo(slots: readonly number[], from: number, to: number, slotMs: number, sink: SinkState): readonly number[] {
  if (from === 0) return slots.slice(0, SLOTS - 1);
  return moved(slots, from, to, slotMs, (t) => lagOf(sink, t) ?? 0, 0).slice(0, SLOTS - 1);
}

/** The slots moved on to `to`: those that end in between hold what lag had grown to, the last one `reached`. */
function moved(
  slots: readonly number[],
  from: number,
  to: number,
  slotMs: number,
  lagAt: (t: EpochMs) => number,
  reached: number,
): readonly number[] {
  const by = Math.min(SLOTS, Math.max(0, to - from));
  const next = from === 0 ? new Array<number>(SLOTS).fill(0) : [...slots.slice(by), ...new Array<number>(by).fill(0)];
  if (from !== 0) {
    for (let i = Math.max(0, SLOTS - 1 - by); i < SLOTS - 1; i++) {
      const end = (to - (SLOTS - 1 - i) + 1) * slotMs;
      next[i] = Math.max(next[i] ?? 0, lagAt(end));
    }
  }
  next[SLOTS - 1] = Math.max(next[SLOTS - 1] ?? 0, reached);
  return next;
}
