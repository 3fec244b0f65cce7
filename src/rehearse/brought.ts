// What a query brings: as it was read from the real source, or made up. The model of the source gets all of it, or one series of every `k`.
import type { Frame } from "../series/frame.ts";
import type { ModelSeries, Stretch } from "./source-model.ts";

export type Brought = {
  periodMs: number;
  series: number;
  samples: number;
  /** Of every `k` series the first. */
  take(k: number): Stretch;
};

/** `frame`: the samples of a window that ends at `to` and is `periodMs` long. */
export function broughtBy(frame: Frame, to: number, periodMs: number): Brought {
  const from = to - periodMs;
  const seriesOf = (run: number): ModelSeries => {
    const samples: [at: number, value: string][] = [];
    for (let i = frame.runStart[run]!; i < frame.runStart[run + 1]!; i++)
      if (frame.stale[i] !== 1) samples.push([(frame.timestamps[i]! - from) % periodMs, valueText(frame.values[i]!)]);
    samples.sort(([a], [b]) => a - b);
    return {
      metric: JSON.stringify(Object.fromEntries(frame.table.labels(frame.runSeries[run]!))),
      at: samples.map(([at]) => at),
      values: samples.map(([, value]) => value),
    };
  };
  return {
    periodMs,
    series: frame.runs,
    samples: frame.samples,
    take: (k) => ({
      periodMs,
      series: everyOf(frame.runs, k)
        .map(seriesOf)
        .filter(({ at }) => at.length > 0),
    }),
  };
}

/** `labelBytes`: names and values of all labels of a series, about. */
export type MadeUp = {
  series: number;
  intervalMs: number;
  labelBytes: number;
  /** All samples lie on multiples of the interval, as those of an expression. */
  onGrid?: true;
};

const MADE_UP_LABELS = 8;

export function madeUp({ series, intervalMs, labelBytes, onGrid }: MadeUp, query: number): Brought {
  const padding = Math.max(0, Math.floor(labelBytes / MADE_UP_LABELS) - 9);
  const seriesOf = (i: number): ModelSeries => {
    const labels = Array.from({ length: MADE_UP_LABELS }, (_, n) => [
      `label_${n}`,
      // Like real ones: a few values of most labels, one label that tells the series apart.
      String(n === 0 ? i : i % (n * n + 1)).padEnd(padding, "x"),
    ]);
    return {
      metric: JSON.stringify({ __name__: `rehearsal_${query}`, ...Object.fromEntries(labels) }),
      at: [onGrid ? 0 : Math.floor((i * PHI * intervalMs) % intervalMs)],
      values: [String(i)],
    };
  };
  return {
    periodMs: intervalMs,
    series,
    samples: series,
    take: (k) => ({ periodMs: intervalMs, series: everyOf(series, k).map(seriesOf) }),
  };
}

/** Spreads evenly. */
const PHI = 0.6180339887;

const everyOf = (n: number, k: number): number[] => Array.from({ length: Math.ceil(n / k) }, (_, i) => i * k);

const valueText = (value: number): string =>
  Number.isFinite(value) ? String(value) : Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
