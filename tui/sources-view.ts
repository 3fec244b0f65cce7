// The sources: one row for each query, with all sinks that read it. Errors first. Pure.
import type { SinkSource } from "../src/status/snapshot.ts";
import { age, short, took } from "../src/status/words.ts";
import { type Line, line, seg } from "./line.ts";
import { hidden } from "./privacy.ts";
import { nameOf, type Scene, shownText } from "./scene.ts";
import { type Column, layOut, tableRow, titles } from "./table.ts";

type Row = { query: string; source: SinkSource; policy: string; sinks: number; lagMs: number | undefined };

export function sourcesView(scene: Scene, height: number): Line[] {
  const { snapshot, now, ui, columns, glyphs } = scene;
  const list = byQuery(snapshot.sinks, now);
  if (list.length === 0) return [line(seg("No sources yet.", "dim"))];
  const name = Math.min(32, Math.max(6, ...list.map((r) => nameOf(r.policy).length + r.source.name.length + 1)));
  const table: Column<Row>[] = [
    {
      title: "",
      importance: 0,
      min: 1,
      max: 1,
      cell: (r) =>
        r.source.failure === undefined
          ? seg(
              r.source.lastReadAt === undefined ? glyphs.unknown : glyphs.ready,
              r.source.lastReadAt === undefined ? "warn" : "good",
            )
          : seg(glyphs.notReady, "bad"),
    },
    {
      title: "source",
      importance: 1,
      min: Math.min(name, 16),
      max: name,
      cell: (r) => seg(`${nameOf(r.policy)}/${r.source.name}`),
    },
    { title: "kind", importance: 7, min: 9, max: 9, cell: (r) => seg(r.source.kind) },
    { title: "sinks", importance: 5, min: 5, max: 5, align: "right", cell: (r) => seg(String(r.sinks)) },
    { title: "series", importance: 3, min: 6, max: 6, align: "right", cell: (r) => seg(short(r.source.series)) },
    {
      title: "a poll",
      importance: 6,
      min: 6,
      max: 6,
      align: "right",
      cell: (r) => seg(short(r.source.samplesLastRead)),
    },
    {
      title: "took",
      importance: 8,
      min: 7,
      max: 7,
      align: "right",
      cell: (r) => seg(r.source.lastReadAt === undefined ? "-" : took(r.source.lastReadMs)),
    },
    {
      title: "lag",
      importance: 2,
      min: 6,
      max: 6,
      align: "right",
      cell: (r) => seg(r.lagMs === undefined ? "-" : age(r.lagMs)),
    },
    {
      title: "query",
      importance: 4,
      min: 12,
      max: 12,
      rest: true,
      cell: (r) =>
        r.source.failure === undefined
          ? seg(ui.privacy ? hidden : r.query, "dim")
          : seg(`${r.source.failure.reason}: ${shownText(r.source.failure.message, scene)}`, "bad"),
    },
  ];
  const placed = layOut(table, columns);
  const page = Math.max(1, height - 1);
  const top = Math.max(0, Math.min(ui.scroll, list.length - page));
  return [titles(placed, glyphs.more), ...list.slice(top, top + page).map((row) => tableRow(placed, row, glyphs.more))];
}

function byQuery(sinks: Scene["snapshot"]["sinks"], now: number): Row[] {
  const rows = new Map<string, Row>();
  for (const sink of sinks) {
    for (const source of sink.sources) {
      const key = JSON.stringify([sink.info.policy, source.name]);
      const lag =
        source.lagMs === undefined || source.lagAt === undefined ? undefined : source.lagMs + now - source.lagAt;
      const row = rows.get(key);
      if (row === undefined) {
        rows.set(key, { query: source.query, source, policy: sink.info.policy, sinks: 1, lagMs: lag });
        continue;
      }
      row.sinks++;
      if (lag !== undefined && lag > (row.lagMs ?? 0)) row.lagMs = lag;
      if (newer(source, row.source)) row.source = source;
    }
  }
  return [...rows.values()].sort(
    (a, b) => Number(b.source.failure !== undefined) - Number(a.source.failure !== undefined),
  );
}

/** An error is shown rather than a success; else the latest read. */
const newer = (a: SinkSource, b: SinkSource): boolean =>
  b.failure === undefined && (a.failure !== undefined || (a.lastReadAt ?? 0) > (b.lastReadAt ?? 0));
