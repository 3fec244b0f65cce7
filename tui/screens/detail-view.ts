// One sink: why it is as it is first, then conditions, charts, attempts, sources, settings and the account. Scrolls. Pure.

import { sinkOf } from "../../src/status/sinks.ts";
import type { SinkState } from "../../src/status/snapshot.ts";
import { explain } from "../../src/status/text/explain.ts";
import { blank, cut, type Line, line, seg } from "../drawing/line.ts";
import { paragraph } from "../drawing/text.ts";
import { attempts } from "../sinks/attempts.ts";
import { sinkCharts } from "../sinks/sink-charts.ts";
import { conditions } from "../sinks/sink-conditions.ts";
import { settings } from "../sinks/sink-settings.ts";
import { sources } from "../sinks/sink-sources.ts";
import { readiness, type Scene, scrolled, shownText } from "./scene.ts";

export function detailView(scene: Scene, height: number): Line[] {
  const { snapshot, ui, glyphs, columns } = scene;
  const sink = ui.selected === undefined ? undefined : sinkOf(snapshot, ui.selected);
  if (sink === undefined) return [line(seg("This sink no longer exists: it was removed from its policy.", "dim"))];
  const { mark, style } = readiness(sink, glyphs);
  const { headline } = explain(sink, snapshot.source, scene.now);
  const title: Line = {
    segments: cut([seg(`${mark} `, style), seg(sink.id, "strong"), seg(`   ${headline}`, style)], columns, glyphs.more),
  };
  const blocks = [
    why(sink, scene),
    conditions(sink, scene),
    sinkCharts(sink, scene),
    attempts(sink, scene),
    sources(sink, scene),
    settings(sink, scene),
  ];
  const lines = blocks.flatMap((block, i) => (i === 0 || block.length === 0 ? block : [blank, ...block]));
  return [title, blank, ...scrolled(lines, height - 2, scene)];
}

function why(sink: SinkState, scene: Scene): Line[] {
  const { snapshot, now, columns } = scene;
  return explain(sink, snapshot.source, now).parts.flatMap(({ label, text }) =>
    paragraph(label, shownText(text, scene), columns),
  );
}
