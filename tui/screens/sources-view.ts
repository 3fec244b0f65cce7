// The sources: one row for each query of a policy; the selected one opens to its whole query and to each sink that reads it, with
// cursor and lag. Failures first. Pure.
import type { SinkSource } from "../../src/status/snapshot.ts";
import { age, clockTime, short, took } from "../../src/status/text/words.ts";
import { type Line, line, selected as onSelection, seg } from "../drawing/line.ts";
import { type Column, layOut, tableRow, titles } from "../drawing/table.ts";
import { fit, widthOf, wrap } from "../drawing/width.ts";
import { type SourceRow, shownSources } from "../input/order.ts";
import { hidden } from "./privacy.ts";
import { type Scene, shownText, windowed } from "./scene.ts";

const POINTER = 2;

export function sourcesView(scene: Scene, height: number): Line[] {
  const { snapshot, ui, columns, glyphs } = scene;
  const list = shownSources(snapshot, ui.filters.sources ?? "");
  if (list.length === 0)
    return [line(seg(snapshot.sinks.length === 0 ? "No sources yet." : "No source matches the filter.", "dim"))];
  const at = Math.max(
    0,
    list.findIndex((r) => r.key === ui.selectedSource),
  );
  const row = list[at] as SourceRow;
  const open = opened(row, scene);
  const placed = layOut(sourceColumns(scene, list), columns - POINTER);
  const page = Math.max(1, height - 1 - Math.min(open.length, Math.floor(height / 2)));
  const rows = windowed(list, at, page).flatMap((r) => {
    const selected = r === row;
    const { segments } = tableRow(placed, r, glyphs.more);
    const cells: Line = {
      segments: [seg(selected ? `${glyphs.pointer} ` : "  "), ...segments],
      hit: { type: "select", key: r.key },
    };
    const shown = selected ? onSelection(cells, columns, glyphs.more) : cells;
    return selected ? [shown, ...open.slice(0, Math.max(0, height - 1 - Math.min(page, list.length)))] : [shown];
  });
  return [{ segments: [seg("  "), ...titles(placed, glyphs.more).segments] }, ...rows];
}

/** The query, the failure and each reader of the selected row. */
function opened({ source, readers }: SourceRow, scene: Scene): Line[] {
  const { columns, glyphs, now, ui } = scene;
  const indent = " ".repeat(POINTER + 3);
  const text = (t: string, style: "plain" | "dim" | "bad") =>
    wrap(t, Math.min(110, columns - indent.length)).map((l) => line(seg(indent), seg(l, style)));
  const failure = source.failure;
  const name = Math.min(30, Math.max(4, ...readers.map((r) => widthOf(r.sink))));
  return [
    ...text(ui.privacy ? hidden : source.query, "plain"),
    ...(failure === undefined
      ? []
      : text(
          `${failure.reason} for ${age(now - failure.since)}, ${failure.inRow} in a row: ${shownText(failure.message, scene)}`,
          "bad",
        )),
    ...readers.map(({ sink, source: s }) =>
      line(
        seg(`${indent}${fit(sink, name, glyphs.more)}  `),
        seg("cursor ", "dim"),
        seg(fit(s.cursor === undefined ? "none yet" : clockTime(s.cursor), 9, glyphs.more)),
        seg("  lag ", "dim"),
        seg(fit(lagText(s, now), 7, glyphs.more)),
        seg("  read ", "dim"),
        seg(s.lastReadAt === undefined ? "never" : `${age(now - s.lastReadAt)} ago`),
      ),
    ),
  ];
}

const lagOfSource = ({ lagMs, lagAt }: SinkSource, now: number): number | undefined =>
  lagMs === undefined || lagAt === undefined ? undefined : lagMs + now - lagAt;

const lagText = (source: SinkSource, now: number): string => {
  const lag = lagOfSource(source, now);
  return lag === undefined ? "-" : age(lag);
};

function worstLag({ readers }: SourceRow, now: number): string {
  const lags = readers.flatMap((r) => lagOfSource(r.source, now) ?? []);
  return lags.length === 0 ? "-" : age(Math.max(...lags));
}

function sourceColumns(scene: Scene, list: readonly SourceRow[]): Column<SourceRow>[] {
  const { glyphs, now, ui } = scene;
  const name = Math.min(32, Math.max(6, ...list.map((r) => widthOf(r.key))));
  const number = (title: string, importance: number, width: number, text: (r: SourceRow) => string) => ({
    title,
    importance,
    min: width,
    max: width,
    align: "right" as const,
    cell: (r: SourceRow) => seg(text(r)),
  });
  return [
    {
      title: "",
      importance: 0,
      min: 1,
      max: 1,
      cell: ({ source: s }) =>
        s.failure !== undefined
          ? seg(glyphs.notReady, "bad")
          : s.lastReadAt === undefined
            ? seg(glyphs.unknown, "warn")
            : seg(glyphs.ready, "good"),
    },
    { title: "source", importance: 1, min: Math.min(name, 16), max: name, cell: (r) => seg(r.key) },
    { title: "kind", importance: 7, min: 9, max: 9, cell: (r) => seg(r.source.kind) },
    number("sinks", 5, 5, (r) => String(r.readers.length)),
    number("series", 3, 6, (r) => short(r.source.series)),
    number("a poll", 6, 6, (r) => short(r.source.samplesLastRead)),
    number("took", 8, 7, (r) => (r.source.lastReadAt === undefined ? "-" : took(r.source.lastReadMs))),
    number("lag", 2, 6, (r) => worstLag(r, now)),
    {
      title: "query",
      importance: 4,
      min: 12,
      max: 12,
      rest: true,
      cell: ({ source: s }) =>
        s.failure === undefined
          ? seg(ui.privacy ? hidden : s.query.replace(/\s+/g, " "), "dim")
          : seg(`${s.failure.reason}: ${shownText(s.failure.message, scene)}`, "bad"),
    },
  ];
}
