// The charts of one sink: samples sent, how long attempts took, how far behind; over the last minute, quarter or hour. Pure.
import { lagOfHour, lagOfMinute } from "../src/status/lag.ts";
import { latencyOfHour, latencyOfMinute } from "../src/status/latency.ts";
import { lastHour, lastMinute } from "../src/status/rings.ts";
import type { SinkState } from "../src/status/snapshot.ts";
import { age, short, took } from "../src/status/words.ts";
import { area, curves } from "./charts.ts";
import { blank, type Line, line, lineWidth, type Segment, seg, spread } from "./line.ts";
import type { Scene } from "./scene.ts";
import type { Range } from "./ui-state.ts";

const ROWS = 4;
const GAP = 3;
const WIDEST = 60;

export function sinkCharts(sink: SinkState, scene: Scene): Line[] {
  const { columns, glyphs, now, ui } = scene;
  const perRow = columns >= 132 ? 3 : columns >= 80 ? 2 : 1;
  const width = Math.min(WIDEST, Math.floor((columns - GAP * (perRow - 1)) / perRow));
  const look = { width, glyphs, range: ui.range };
  const blocks = [sent(sink, now, look), latency(sink, now, look), lag(sink, now, look)];
  const rows: Line[][] = [];
  for (let i = 0; i < blocks.length; i += perRow) rows.push(beside(blocks.slice(i, i + perRow), width));
  return rows.flatMap((row, i) => (i === 0 ? row : [blank, ...row]));
}

type Look = { width: number; glyphs: Scene["glyphs"]; range: Range };

const spans: Readonly<Record<Range, { seconds: number; word: string }>> = {
  minute: { seconds: 60, word: "1m ago" },
  quarter: { seconds: 900, word: "15m ago" },
  hour: { seconds: 3600, word: "1h ago" },
};

/** The last 60 seconds, or 15 or 60 minutes. */
const within = (range: Range, minute: () => readonly number[], hour: () => readonly number[]): readonly number[] =>
  range === "minute" ? minute() : range === "hour" ? hour() : hour().slice(-15);

function sent(sink: SinkState, now: number, look: Look): Line[] {
  const each = look.range === "minute" ? 1 : 60;
  const values = within(
    look.range,
    () => lastMinute(sink.samples, now),
    () => lastHour(sink.samples, now),
  ).map((n) => n / each);
  const peak = Math.max(...values);
  const rows = area(values, look.width, ROWS, look.glyphs).map((row) => [seg(row, "accent")]);
  return block("samples/s", peak === 0 ? undefined : `peak ${short(peak)}`, rows, look);
}

function latency(sink: SinkState, now: number, look: Look): Line[] {
  const q = look.range === "minute" ? latencyOfMinute(sink.latency, now) : latencyOfHour(sink.latency, now);
  const [p50, p95, p99] = [q.p50, q.p95, q.p99].map((v) => (look.range === "quarter" ? v.slice(-15) : v));
  const last = (p95 ?? []).findLastIndex((ms) => ms > 0);
  const rows = curves(
    [
      { values: p99 ?? [], style: "warn" },
      { values: p50 ?? [], style: "accent" },
    ],
    look.width,
    ROWS,
    look.glyphs,
  );
  const now3 = [p50, p95, p99].map((v) => took(v?.[last] ?? 0));
  const words = look.width >= 40 ? `p50 ${now3[0]}  p95 ${now3[1]}  p99 ${now3[2]}` : `p99 ${now3[2]}`;
  return block("latency", last < 0 ? undefined : words, rows, look);
}

function lag(sink: SinkState, now: number, look: Look): Line[] {
  const values = within(
    look.range,
    () => lagOfMinute(sink, now),
    () => lagOfHour(sink, now),
  );
  const worst = Math.max(...values);
  const rows = curves([{ values, style: "accent" }], look.width, ROWS, look.glyphs);
  return block("lag", worst === 0 ? undefined : `worst ${age(worst)}`, rows, look);
}

/** Title, rows and time axis; without data the rows say so. */
function block(title: string, value: string | undefined, rows: Segment[][], { width, glyphs, range }: Look): Line[] {
  const empty = ROWS - 1;
  const drawn: Segment[][] =
    value === undefined
      ? Array.from({ length: ROWS }, (_, i) => (i === empty ? [seg("nothing in this time", "dim")] : []))
      : rows;
  const from = spans[range].word;
  return [
    spread([seg(title, "dim")], value === undefined ? [] : [seg(value)], width, glyphs.more),
    ...drawn.map((row) => line(...row)),
    line(seg(`${from} ${glyphs.rule.repeat(Math.max(0, width - from.length - 5))} now`, "dim")),
  ];
}

function beside(blocks: readonly Line[][], width: number): Line[] {
  const height = Math.max(...blocks.map((b) => b.length));
  return Array.from({ length: height }, (_, i) => {
    const segments: Segment[] = [];
    blocks.forEach((b, at) => {
      const l = b[i] ?? blank;
      const pad = at === blocks.length - 1 ? 0 : width + GAP - lineWidth(l);
      segments.push(...l.segments, seg(" ".repeat(Math.max(0, pad))));
    });
    return { segments };
  });
}
