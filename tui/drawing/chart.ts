// One chart: title with the present and the largest value, a value axis, a time axis, colour above a threshold, and a cursor that
// reads a value. All charts of a screen show the same time. Pure.
import type { EpochMs } from "../../src/platform/clock.ts";
import { clockTime } from "../../src/status/text/words.ts";
import type { Intent, Range } from "../input/intents.ts";
import { type Curve, plot } from "./charts.ts";
import type { Glyphs } from "./glyphs.ts";
import { type Line, line, type Segment, seg, spread } from "./line.ts";
import { spans } from "./spans.ts";
import { fit, widthOf } from "./width.ts";

export type ChartData = {
  title: string;
  /** The last one is the one whose values are told. */
  curves: readonly Curve[];
  /** A value with its unit, for people. */
  text(value: number): string;
  fill: boolean;
  /** In place of the present and the largest value. */
  words?: string | undefined;
};

export type ChartLook = {
  width: number;
  /** Rows of the plot. */
  rows: number;
  range: Range;
  now: EpochMs;
  /** Steps before now. */
  cursor: number | undefined;
  glyphs: Glyphs;
};

const LABEL = 7;

export function chart(data: ChartData, look: ChartLook): Line[] {
  const { width, rows, range, glyphs } = look;
  const room = width - LABEL - 1;
  const max = Math.max(...data.curves.flatMap((c) => c.values));
  const drawn = max > 0 ? plot(data.curves, { width: room, height: rows, max, fill: data.fill }, glyphs) : [];
  const { from, middle } = spans[range];
  const at = cursorColumn(look, room);
  const label = (row: number) => (max <= 0 ? "" : row === 0 ? data.text(max) : row === rows - 1 ? data.text(0) : "");
  const body = Array.from({ length: rows }, (_, row): Line => {
    const axis = seg(
      `${fit(label(row), LABEL, glyphs.more, "right")}${label(row) === "" ? glyphs.track : glyphs.tick}`,
      "dim",
    );
    const cells = drawn[row] ?? (row === rows - 1 ? [seg("nothing in this time", "dim")] : []);
    const shown = at === undefined || max <= 0 ? cells : underCursor(cells, at);
    return { segments: clickable([axis, ...shown], look, room) };
  });
  const time = timeAxis(from, middle, room, glyphs.rule);
  return [
    spread([seg(data.title, "dim")], heading(data, look), width, glyphs.more),
    ...body,
    line(seg(" ".repeat(LABEL + 1)), seg(time, "dim")),
  ];
}

function heading(data: ChartData, { cursor, range, now }: ChartLook): Segment[] {
  const values = data.curves.at(-1)?.values ?? [];
  if (!values.some((v) => v > 0)) return [];
  const told = (v: number) => data.text(v);
  if (cursor !== undefined) {
    const { steps, stepMs } = spans[range];
    const value = values[values.length - 1 - Math.floor((cursor * values.length) / steps)] ?? 0;
    return [seg(`${clockTime(now - cursor * stepMs)} `, "dim"), seg(told(value), "strong")];
  }
  if (data.words !== undefined) return [seg(data.words)];
  return [seg("now ", "dim"), seg(told(values.at(-1) ?? 0)), seg("  max ", "dim"), seg(told(Math.max(...values)))];
}

function cursorColumn({ cursor, range }: ChartLook, room: number): number | undefined {
  if (cursor === undefined) return undefined;
  const { steps } = spans[range];
  return Math.min(room - 1, Math.floor(((steps - 0.5 - cursor) * room) / steps));
}

/** A click on the plot puts the cursor there. */
function clickable(segments: readonly Segment[], { range }: ChartLook, room: number): Segment[] {
  const { steps } = spans[range];
  let before = 0;
  return segments.map((s, i) => {
    if (i === 0) return s;
    const from = before;
    before += widthOf(s.text);
    const hit = (column: number): Intent => ({
      type: "cursor",
      at: steps - 1 - Math.floor(((from + column) * steps) / room),
    });
    return { ...s, hit };
  });
}

/** The cell at `at` on the selection's background. */
function underCursor(cells: readonly Segment[], at: number): Segment[] {
  const made: Segment[] = [];
  let from = 0;
  for (const s of cells) {
    const letters = [...s.text];
    const inside = at - from;
    if (inside < 0 || inside >= letters.length) made.push(s);
    else {
      const piece = (a: number, b: number, on: boolean) => ({ ...s, text: letters.slice(a, b).join(""), on });
      made.push(piece(0, inside, false), piece(inside, inside + 1, true), piece(inside + 1, letters.length, false));
    }
    from += letters.length;
  }
  return from > at ? made : [...made, seg(" ".repeat(at - from)), { ...seg(" "), on: true }];
}

/** `1h ago ───────── 30m ───────── now` */
function timeAxis(from: string, middle: string, room: number, rule: string): string {
  const half = Math.floor(room / 2) - from.length - Math.ceil(middle.length / 2) - 2;
  if (half < 2) return `${from} ${rule.repeat(Math.max(0, room - from.length - 5))} now`;
  const rest = room - from.length - half - middle.length - 7;
  return `${from} ${rule.repeat(half)} ${middle} ${rule.repeat(Math.max(0, rest))} now`;
}
