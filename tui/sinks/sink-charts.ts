// The charts of one sink: what was sent, how long attempts took, how far behind; over the last minute, quarter or hour. Pure.

import { latencyOfHour, latencyOfMinute } from "../../src/status/attempts/latency.ts";
import { readyLagMs } from "../../src/status/conditions.ts";
import { lagOfHour, lagOfMinute } from "../../src/status/lag.ts";
import { lastHour, lastMinute } from "../../src/status/rings.ts";
import type { Ring, SinkState } from "../../src/status/snapshot.ts";
import { pollSeconds, steady } from "../../src/status/text/steady.ts";
import { age, bytes, short, took } from "../../src/status/text/words.ts";
import { type ChartData, type ChartLook, chart } from "../drawing/chart.ts";
import { beside, blank, type Line, seg } from "../drawing/line.ts";
import { normalLag } from "../drawing/spans.ts";
import type { Range } from "../input/intents.ts";
import type { Scene } from "../screens/scene.ts";

const GAP = 3;
const WIDEST = 66;

/** All five, as high as the detail view likes them. */
export function sinkCharts(sink: SinkState, scene: Scene): Line[] {
  const look = lookOf(scene, 5);
  return drawn(chartsOf(sink, scene, look), look, scene);
}

/** From the most and tallest charts to the fewest. */
const SIZES = [
  ...[8, 7, 6, 5, 4].map((rows) => ({ most: 5, rows })),
  { most: 4, rows: 4 },
  { most: 3, rows: 4 },
  { most: 3, rows: 3 },
  { most: 2, rows: 3 },
];

/** Those with something to see, as many and as high as the first of these heights has room for that has room for any. */
export function fittingCharts(sink: SinkState, scene: Scene, heights: readonly number[]): Line[] {
  const perRow = chartsPerRow(scene.columns);
  const telling = chartsOf(sink, scene, lookOf(scene, 1)).filter(isTelling);
  for (const height of heights) {
    for (const { most, rows } of SIZES) {
      const n = Math.min(most, telling.length);
      // Half a row is room for something else, unless it is the end of all there is.
      const kept = n > perRow && n < telling.length ? n - (n % perRow) : n;
      if (kept === 0 || Math.ceil(kept / perRow) * (rows + AROUND + 1) - 1 > height) continue;
      return drawn(telling.slice(0, kept), lookOf(scene, rows), scene);
    }
  }
  return [];
}

/** Title and time axis. */
const AROUND = 2;

const chartsPerRow = (columns: number): number => (columns >= 132 ? 3 : columns >= 80 ? 2 : 1);

function lookOf({ columns, ui, now, glyphs }: Scene, rows: number): ChartLook {
  const perRow = chartsPerRow(columns);
  const width = Math.min(WIDEST, Math.floor((columns - GAP * (perRow - 1)) / perRow));
  return { width, rows, range: ui.range, now, cursor: ui.cursor, glyphs };
}

/** The most telling ones first. */
function chartsOf(sink: SinkState, scene: Scene, look: ChartLook): ChartData[] {
  const poll = pollSeconds(scene.snapshot);
  return [
    rateChart("samples/s", sink.samples, short, look, poll),
    lag(sink, look, poll),
    latency(sink, look),
    rateChart("bytes/s", sink.bytes, bytes, look, poll),
    rateChart("requests/s", sink.requests, short, look, poll),
  ];
}

function drawn(data: readonly ChartData[], look: ChartLook, { columns, glyphs }: Scene): Line[] {
  const perRow = chartsPerRow(columns);
  const blocks = data.map((d) => chart(d, look));
  const stacked: Line[][] = [];
  for (let i = 0; i < blocks.length; i += perRow) {
    const row = blocks.slice(i, i + perRow);
    const widths = row.map(() => look.width);
    stacked.push(beside(row, widths, seg(" ".repeat(GAP)), glyphs.more));
  }
  return stacked.flatMap((row, i) => (i === 0 ? row : [blank, ...row]));
}

const isTelling = ({ curves }: ChartData): boolean => curves.some((c) => c.values.some((v) => v > 0));

const within = (range: Range, minute: () => readonly number[], hour: () => readonly number[]): readonly number[] =>
  range === "minute" ? minute() : range === "hour" ? hour() : hour().slice(-15);

function rateChart(
  title: string,
  ring: Ring,
  text: (n: number) => string,
  { range, now }: ChartLook,
  poll: number,
): ChartData {
  const values = within(
    range,
    () => steady(lastMinute(ring, now), poll),
    () => lastHour(ring, now).map((n) => n / 60),
  );
  return { title, curves: [{ values, style: "accent" }], text, fill: true };
}

function latency(sink: SinkState, { range, now, width }: ChartLook): ChartData {
  const q = range === "minute" ? latencyOfMinute(sink.latency, now) : latencyOfHour(sink.latency, now);
  const [p50 = [], p95 = [], p99 = []] = [q.p50, q.p95, q.p99].map((v) => (range === "quarter" ? v.slice(-15) : v));
  const last = p95.findLastIndex((ms) => ms > 0);
  const [a, b, c] = [p50, p95, p99].map((v) => took(v[last] ?? 0));
  const words = width >= 50 ? `p50 ${a}  p95 ${b}  p99 ${c}` : `p50 ${a}  p99 ${c}`;
  return {
    title: "latency",
    curves: [
      { values: p99, style: "warn" },
      { values: p50, style: "accent" },
    ],
    text: took,
    fill: false,
    words,
  };
}

/** Above what makes the sink not ready it is in the colour of trouble. */
function lag(sink: SinkState, { range, now }: ChartLook, poll: number): ChartData {
  const values = within(
    range,
    () => peaks(lagOfMinute(sink, now), poll),
    () => lagOfHour(sink, now),
  );
  const normal = normalLag(sink);
  const worst = Math.max(...values);
  const words =
    worst === 0
      ? undefined
      : `now ${age(values.at(-1) ?? 0)}  max ${age(worst)}${normal === undefined ? "" : `  usual ${age(normal)}`}`;
  return {
    title: "lag",
    curves: [{ values, style: "accent", above: readyLagMs(sink) }],
    text: age,
    fill: false,
    words,
  };
}

/** The largest of each poll: lag that grows until the next poll and falls back is steady. */
function peaks(values: readonly number[], window: number): number[] {
  const high = values.map((_, i) => Math.max(...values.slice(Math.max(0, i - window), i + 1)));
  return high.fill(high[Math.min(window, high.length - 1)] ?? 0, 0, Math.min(window, high.length));
}
