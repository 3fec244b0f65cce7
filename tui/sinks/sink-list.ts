// The sink table: one row a sink, worst first, under headings where they are grouped; a scroll bar and what is out of view where it
// does not fit. Pure.
import { droppedTotal } from "../../src/status/account.ts";
import { readyOf } from "../../src/status/conditions.ts";
import { rate } from "../../src/status/rings.ts";
import type { SinkState } from "../../src/status/snapshot.ts";
import { counted, short } from "../../src/status/text/words.ts";
import { type Line, line, padded, type Segment, seg, selected, spread } from "../drawing/line.ts";
import { scrollBar } from "../drawing/scroll-bar.ts";
import { layOut, type Placed, tableRow, titles } from "../drawing/table.ts";
import { selectedRow } from "../input/selection.ts";
import { type Scene, shownText, windowStart } from "../screens/scene.ts";
import { type Row, sinkRows } from "./rows.ts";
import { sinkColumns } from "./sink-columns.ts";

const POINTER = 2;
/** A gap and the bar itself. */
const BAR = 2;

/** Lines that the whole table takes. */
export const heightOf = (rows: readonly Row[]): number => rows.length + 1;

/** @param height lines there are; fewer come back where there are fewer sinks */
export function sinkList(scene: Scene, height: number): Line[] {
  const { snapshot, ui, now, columns, glyphs } = scene;
  const rows = sinkRows(snapshot, ui, now);
  if (rows.length === 0)
    return [line(seg(ui.faultsOnly ? "No sink is at fault." : "No sink matches the filter.", "dim"))];
  const fits = heightOf(rows) <= height;
  const page = Math.max(1, fits ? rows.length : height - 2);
  const width = fits ? columns : columns - BAR;
  const at = selectedRow(ui, snapshot, now);
  const top = windowStart(rows.length, Math.max(0, at === undefined ? 0 : rows.indexOf(at)), page);
  const shown = rows.slice(top, top + page);
  const sinks = shown.flatMap((row) => (row.kind === "sink" ? [row.sink] : []));
  const placed = layOut(sinkColumns(scene, sinks), width - POINTER);
  const lines = shown.map((row) => rowLine(row, row === at, placed, { ...scene, columns: width }));
  const head: Line = { segments: [seg("  "), ...titles(placed, glyphs.more).segments] };
  if (fits) return [head, ...lines];
  const bar = scrollBar(rows.length, top, page, glyphs);
  const barred = lines.map((l, i) => {
    const { segments, ...rest } = padded(l, width + 1, glyphs.more);
    return { ...rest, segments: [...segments, bar[i] ?? seg(" ")] };
  });
  return [head, ...barred, position(rows, top, page, scene)];
}

function rowLine(row: Row, isSelected: boolean, placed: readonly Placed<SinkState>[], scene: Scene): Line {
  const { ui, columns, glyphs } = scene;
  const pointer = isSelected ? glyphs.pointer : " ";
  const members = row.kind === "sink" ? [row.sink] : row.sinks;
  const mark = ui.marked.size > 0 && members.every((s) => ui.marked.has(s.id)) ? glyphs.marked : " ";
  const cells = row.kind === "sink" ? tableRow(placed, row.sink, glyphs.more).segments : heading(row, scene);
  const hit = isSelected ? { type: "open" as const } : { type: "select" as const, key: row.key };
  const whole: Line = { segments: [seg(`${pointer}${mark}`, mark === " " ? "plain" : "accent"), ...cells], hit };
  return isSelected ? selected(whole, columns, glyphs.more) : whole;
}

function heading({ title, sinks, folded }: Row & { kind: "group" }, scene: Scene): Segment[] {
  const { glyphs, now, columns } = scene;
  const bad = sinks.filter((s) => readyOf(s).status === "False").length;
  const dropped = sinks.reduce((n, s) => n + droppedTotal(s.account), 0);
  const perSecond = sinks.reduce((n, s) => n + rate(s.samples, now, s.startedAt), 0);
  const right = [
    bad === sinks.length
      ? seg(`${bad} not ready`, "bad")
      : seg(`${counted(sinks.length, "sink")}${bad === 0 ? "" : `, ${bad} not ready`}`, bad === 0 ? "dim" : "bad"),
    seg(`  ${short(perSecond)}/s`),
    ...(dropped === 0 ? [] : [seg(`  ${short(dropped)} dropped`, "bad")]),
  ];
  const left = [seg(`${folded ? glyphs.folded : glyphs.open} `, "accent"), seg(shownText(title, scene), "strong")];
  return [...spread(left, right, columns - POINTER, glyphs.more).segments];
}

/** `12–43 of 200   ▲ 3 not ready above` */
function position(rows: readonly Row[], top: number, page: number, { glyphs, columns }: Scene): Line {
  const end = Math.min(rows.length, top + page);
  const notReady = (list: readonly Row[]) =>
    list.filter((row) => row.kind === "sink" && readyOf(row.sink).status === "False").length;
  const above = notReady(rows.slice(0, top));
  const below = notReady(rows.slice(end));
  const hidden = [
    ...(above === 0 ? [] : [seg(`   ${glyphs.up} ${above} not ready above`, "bad")]),
    ...(below === 0 ? [] : [seg(`   ${glyphs.down} ${below} not ready below`, "bad")]),
  ];
  return spread(
    [seg(`  ${top + 1}${glyphs.dash}${end} of ${rows.length}`, "dim"), ...hidden],
    [],
    columns,
    glyphs.more,
  );
}
