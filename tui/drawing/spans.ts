// The time that charts show, and what is usual in it. Pure.
import type { SinkState } from "../../src/status/snapshot.ts";
import type { Range } from "../input/intents.ts";

/** `steps`: values of a chart; `from` and `middle`: words for its time axis. */
export const spans: Readonly<Record<Range, { steps: number; stepMs: number; from: string; middle: string }>> = {
  minute: { steps: 60, stepMs: 1_000, from: "1m ago", middle: "30s" },
  quarter: { steps: 15, stepMs: 60_000, from: "15m ago", middle: "7m" },
  hour: { steps: 60, stepMs: 60_000, from: "1h ago", middle: "30m" },
};

export const CURSOR_STEPS: Readonly<Record<Range, number>> = { minute: 60, quarter: 15, hour: 60 };

/** What is usual for this sink: the middle one of the last hour's minutes; undefined in the first minutes. */
export function normalLag({ lag }: Pick<SinkState, "lag">): number | undefined {
  const known = lag.minutes.filter((ms) => ms > 0).sort((a, b) => a - b);
  return known.length < 3 ? undefined : known[Math.floor(known.length / 2)];
}
