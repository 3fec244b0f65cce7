// Rates and lags that do not jump with each poll, and a history as few columns: for the tables and charts of screen and web page. Pure.
import type { EpochMs } from "../../platform/clock.ts";
import { lagOf } from "../sinks.ts";
import type { SinkState, Snapshot } from "../snapshot.ts";

const USUAL_POLL_MS = 15_000;

/** Whole seconds between two polls, at most a minute. */
export const pollSeconds = ({ pollMs = USUAL_POLL_MS }: Pick<Snapshot, "pollMs">): number =>
  Math.min(60, Math.max(1, Math.round(pollMs / 1000)));

/** Smoothed over a poll, and a little more: polls are not exactly as far apart, and one second without any means nothing. */
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
 * The largest lag of the last poll: between two moves of the cursor lag grows and falls back, which means nothing. While a sink catches
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

/** `values` as `width` columns: the largest of each group, or each value several times. */
export const stretched = (values: readonly number[], width: number): number[] =>
  Array.from({ length: width }, (_, i) => {
    const from = Math.floor((i * values.length) / width);
    const to = Math.max(from + 1, Math.floor(((i + 1) * values.length) / width));
    return Math.max(...values.slice(from, to), 0);
  });
