// The pane of the selected row: why the sink is as it is, its charts, its last attempts; as much of it as there is room. Pure.
import { readyOf } from "../../src/status/conditions.ts";
import type { SinkState } from "../../src/status/snapshot.ts";
import { explain } from "../../src/status/text/explain.ts";
import { counted } from "../../src/status/text/words.ts";
import { blank, type Line, line, type Segment, seg } from "../drawing/line.ts";
import { paragraph } from "../drawing/text.ts";
import { selectedRow } from "../input/selection.ts";
import { readiness, type Scene, shownText } from "../screens/scene.ts";
import { attempts } from "./attempts.ts";
import { causes } from "./causes.ts";
import { sinkCharts } from "./sink-charts.ts";

export function sinkPane(scene: Scene, height: number): { title: Segment[]; lines: Line[] } {
  const row = selectedRow(scene.ui, scene.snapshot, scene.now);
  if (row === undefined) return { title: [], lines: [] };
  if (row.kind === "group")
    return { title: [seg(shownText(row.title, scene), "strong")], lines: groupLines(row.sinks, scene) };
  const { sink } = row;
  const { mark, style } = readiness(sink, scene.glyphs);
  const { headline } = explain(sink, scene.snapshot.source, scene.now);
  const title = [seg(sink.id, "strong"), seg(`  ${mark} ${headline}`, style)];
  return { title, lines: blocks(sink, scene, height) };
}

/** Half of the pane at most is words, so that the charts are seen; what is missing is on w and enter. */
function blocks(sink: SinkState, scene: Scene, height: number): Line[] {
  const ready = readyOf(sink).status === "True";
  const wanted = ready ? ["Cause", "At risk", "To do"] : ["Cause", "At risk", "Next", "To do"];
  const words = explain(sink, scene.snapshot.source, scene.now)
    .parts.filter((p) => wanted.includes(p.label))
    .flatMap(({ label, text }) => paragraph(label, shownText(text, scene), scene.columns));
  const most = Math.max(2, height < 14 ? height : Math.floor(height / 2));
  const cutWords = words.length > most ? [...words.slice(0, most - 1), line(seg("w shows all of it", "dim"))] : words;
  const charts = sinkCharts(sink, scene, { most: height >= 30 ? 4 : 3, rows: height >= 22 ? 4 : 3 });
  const all = [cutWords, charts, attempts(sink, scene)];
  const lines: Line[] = [];
  for (const block of all) {
    const room = height - lines.length - (lines.length === 0 ? 0 : 1);
    if (block.length === 0 || room < Math.min(block.length, 3)) continue;
    // Half a chart says nothing; a table can be cut anywhere.
    if (block === charts && block.length > room) continue;
    lines.push(...(lines.length === 0 ? [] : [blank]), ...block.slice(0, room));
  }
  return lines;
}

function groupLines(sinks: readonly SinkState[], scene: Scene): Line[] {
  const { glyphs } = scene;
  return causes(sinks, scene.snapshot.source).flatMap((cause) => {
    const [first] = cause.sinks;
    const { mark, style } = first === undefined ? { mark: "", style: "plain" as const } : readiness(first, glyphs);
    return [
      line(seg(`${mark} ${counted(cause.sinks.length, "sink")}  `, style), seg(shownText(cause.title, scene))),
      ...cause.sinks
        .slice(0, 6)
        .map((s) => ({ segments: [seg(`    ${s.id}`, "dim")], hit: { type: "select" as const, key: s.id } })),
      ...(cause.sinks.length > 6 ? [line(seg(`    and ${cause.sinks.length - 6} more`, "dim"))] : []),
    ];
  });
}
