// The time that charts show, and rates and lags that do not jump with each poll. Pure.
import type { EpochMs } from "../../src/platform/clock.ts";
import { lagOf } from "../../src/status/sinks.ts";
import type { SinkState, Snapshot } from "../../src/status/snapshot.ts";
import type { Range } from "../input/intents.ts";

/** `steps`: values of a chart; `from` and `middle`: words for its time axis. */
export const spans: Readonly<Record<Range, { steps: number; stepMs: number; from: string; middle: string }>> = {
  minute: { steps: 60, stepMs: 1_000, from: "1m ago", middle: "30s" },
  quarter: { steps: 15, stepMs: 60_000, from: "15m ago", middle: "7m" },
  hour: { steps: 60, stepMs: 60_000, from: "1h ago", middle: "30m" },
};

export const CURSOR_STEPS: Readonly<Record<Range, number>> = { minute: 60, quarter: 15, hour: 60 };

const USUAL_POLL_MS = 15_000;

/** Whole seconds between two polls, at most a minute. */
export const pollSeconds = ({ pollMs = USUAL_POLL_MS }: Pick<Snapshot, "pollMs">): number =>
  Math.min(60, Math.max(1, Math.round(pollMs / 1000)));

/** Smoothed over a poll, and a little more: polls are not exactly as far apart, and one second without any is no news. */
export const steady = (values: readonly number[], poll: number): number[] =>
  smoothed(smoothed(values, poll), Math.ceil(poll / 3));

/** Each value as the mean of the last `window` up to it; the first ones, with too few before them, as the first whole mean. */
export function smoothed(values: readonly number[], window: number): number[] {
  if (window <= 1 || values.length === 0) return [...values];
  const size = Math.min(window, values.length);
  let sum = 0;
  const means = values.map((value, i) => {
    sum += value - (i >= size ? (values[i - size] ?? 0) : 0);
    return Math.max(0, sum) / size;
  });
  return means.fill(means[size - 1] ?? 0, 0, size - 1);
}

/**
 * The largest lag of the last poll: between two moves of the cursor lag grows and falls back, and that is no news. While a sink catches
 * up it is.
 */
export function steadyLag(sink: SinkState, now: EpochMs, poll: number): number | undefined {
  let worst = lagOf(sink, now);
  if (worst === undefined || sink.phase.name === "catching-up") return worst;
  const { second, seconds } = sink.lag;
  const last = seconds.length - 1;
  for (let s = Math.max(Math.floor(now / 1000) - poll, second - last); s <= second; s++)
    worst = Math.max(worst, seconds[last - (second - s)] ?? 0);
  return worst;
}

/** What is usual for this sink: the middle one of the last hour's minutes; undefined in the first minutes. */
export function normalLag({ lag }: Pick<SinkState, "lag">): number | undefined {
  const known = lag.minutes.filter((ms) => ms > 0).sort((a, b) => a - b);
  return known.length < 3 ? undefined : known[Math.floor(known.length / 2)];
}
