// A time range, read from the source again and sent to one sink: window by window through the agent's own reader and
// delivery. `settled` tells how far each source is, so that a replay that was stopped continues there.

import { Ledger } from "../delivery/ledger.ts";
import { ReplaySink } from "../delivery/replay-sink.ts";
import type { Clock, EpochMs } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { Memory } from "../reading/memory/memory.ts";
import type { Query } from "../reading/reader.ts";
import type { ReadOutcome } from "../reading/subscription.ts";
import type { Window } from "../source/window.ts";
import { gridFloor, growWindow, shrinkWindow } from "../source/window.ts";
import type { DropReason, Event } from "../status/events.ts";
import type { SinkPlan } from "./sink-plan.ts";

/** The query looks for no late samples: all that the source has in a window is read. */
export type ReplaySource = { name: string; query: Query; from: EpochMs; to: EpochMs };

export type ReplayPorts = {
  clock: Clock;
  random: Random;
  dispatch(event: Event): void;
  read(query: Query, memory: Memory, window: Window, reach: EpochMs, signal: AbortSignal): Promise<ReadOutcome>;
  /** A memory that knows nothing of what was before `floor`. */
  memory(query: Query, floor: EpochMs): Memory;
  settled(source: string, cursor: EpochMs): void;
  /** A window was read. */
  progress(progress: { source: string; to: EpochMs; samples: number }): void;
};

export type ReplayResult = { ok: true } | { ok: false; why: string };

const MAX_READ_FAILURES = 5;
const READ_AGAIN_MS = 1_000;

export async function replay(
  plan: SinkPlan,
  sources: readonly ReplaySource[],
  options: { maxRate: number | undefined; dryRun: boolean },
  signal: AbortSignal,
  ports: ReplayPorts,
): Promise<ReplayResult> {
  const ledger = new Ledger();
  for (const { name, from } of sources) ledger.reset(name, from);
  const moved = () => {
    for (const { source, cursor } of ledger.advance()) ports.settled(source, cursor);
  };
  const sink = new ReplaySink(plan, options.maxRate, signal, {
    ...ports,
    settled: (number, samples) => {
      ledger.settle(number, samples);
      moved();
    },
  });
  const stopped = (): ReplayResult => ({ ok: false, why: sink.why ?? "It was stopped." });
  try {
    for (const source of sources) {
      const { query } = source;
      let windowMs = query.maxWindowMs;
      let memory = ports.memory(query, source.from);
      for (let read = source.from, failures = 0; read < source.to; ) {
        const window = windowOf(read, source.to, windowMs, query.intervalMs);
        const startedMs = ports.clock.monotonicMs();
        const outcome = await ports.read(query, memory, window, window.from, signal);
        if (signal.aborted) return stopped();
        if (!outcome.ok) {
          if (++failures >= MAX_READ_FAILURES || (outcome.reason === "QueryFailed" && !outcome.shrink))
            return { ok: false, why: `Source ${source.name}: ${outcome.message}` };
          if (outcome.shrink) windowMs = shrinkWindow(windowMs, query.intervalMs);
          await ports.clock.sleep(READ_AGAIN_MS * 2 ** (failures - 1), signal);
          continue;
        }
        failures = 0;
        const { frame } = outcome;
        const dropped: Partial<Record<DropReason, number>> = frame.dropped;
        const samples = frame.samples + Object.values(frame.dropped).reduce((a, b) => a + b, 0);
        ports.dispatch({
          type: "window-read",
          at: ports.clock.now(),
          id: plan.info.id,
          source: source.name,
          ...window,
          read: samples,
          series: frame.runs,
          bytes: frame.bytes,
          durationMs: ports.clock.monotonicMs() - startedMs,
          sourceNow: window.to,
          dropped,
        });
        ports.progress({ source: source.name, to: window.to, samples });
        memory = query.kind === "raw" ? ports.memory(query, window.to) : outcome.memory;
        windowMs = growWindow(windowMs, query.maxWindowMs);
        read = window.to;
        if (options.dryRun) continue;
        const number = ledger.open(source.name, window.from, window.to, frame.samples, undefined);
        if (!(await sink.offer(frame, number))) return stopped();
        moved();
      }
    }
    if (!(await sink.flush())) return stopped();
    moved();
    return { ok: true };
  } finally {
    sink.close();
  }
}

/** Ends on the grid, but for the last one. */
function windowOf(from: EpochMs, to: EpochMs, windowMs: number, intervalMs: number): Window {
  const end = Math.max(gridFloor(from, intervalMs) + intervalMs, gridFloor(from + windowMs, intervalMs));
  return { from, to: Math.min(to, end) };
}
