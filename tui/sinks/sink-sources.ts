// The sources of a sink: what each read brought, and how far behind it is. Pure.
import type { SinkSource, SinkState } from "../../src/status/snapshot.ts";
import { age, short, took } from "../../src/status/text/words.ts";
import { type Line, seg } from "../drawing/line.ts";
import type { Column } from "../drawing/table.ts";
import { longest, table as rows } from "../drawing/text.ts";
import { hidden } from "../screens/privacy.ts";
import { type Scene, shownText } from "../screens/scene.ts";

export function sources(sink: SinkState, scene: Scene): Line[] {
  const { now, columns, glyphs, ui } = scene;
  const table: Column<SinkSource>[] = [
    {
      title: "sources",
      importance: 0,
      min: 8,
      max: Math.max(8, Math.min(30, longest(sink.sources.map((s) => s.name)))),
      cell: (s) => seg(s.name),
    },
    { title: "kind", importance: 6, min: 9, max: 9, cell: (s) => seg(s.kind) },
    { title: "series", importance: 3, min: 6, max: 6, align: "right", cell: (s) => seg(short(s.series)) },
    { title: "samples", importance: 2, min: 7, max: 7, align: "right", cell: (s) => seg(short(s.samplesLastRead)) },
    {
      title: "read",
      importance: 5,
      min: 7,
      max: 7,
      align: "right",
      cell: (s) => seg(s.lastReadAt === undefined ? "-" : took(s.lastReadMs)),
    },
    {
      title: "lag",
      importance: 1,
      min: 6,
      max: 6,
      align: "right",
      cell: (s) => seg(s.lagMs === undefined || s.lagAt === undefined ? "-" : age(s.lagMs + now - s.lagAt)),
    },
    {
      title: "query",
      importance: 4,
      min: 16,
      max: 16,
      rest: true,
      cell: (s) =>
        s.failure === undefined
          ? seg(ui.privacy ? hidden : s.query, "dim")
          : seg(shownText(s.failure.message, scene), "bad"),
    },
  ];
  return rows(table, sink.sources, columns, glyphs.more);
}
