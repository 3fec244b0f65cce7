// The pane of the selected row: why the sink is as it is, its charts, its last attempts; as much of it as there is room. Pure.
import { droppedTotal } from "../../src/status/account.ts";
import { readyOf } from "../../src/status/conditions.ts";
import { lagOf } from "../../src/status/sinks.ts";
import type { SinkState } from "../../src/status/snapshot.ts";
import { explain } from "../../src/status/text/explain.ts";
import { age, count, counted } from "../../src/status/text/words.ts";
import { blank, type Line, line, type Segment, seg } from "../drawing/line.ts";
import { paragraph } from "../drawing/text.ts";
import { selectedRow } from "../input/selection.ts";
import { readiness, type Scene, shownText } from "../screens/scene.ts";
import { attempts } from "./attempts.ts";
import { type Cause, causes } from "./causes.ts";
import { fittingCharts } from "./sink-charts.ts";
import { conditions } from "./sink-conditions.ts";
import { settings } from "./sink-settings.ts";
import { sources } from "./sink-sources.ts";

export function sinkPane(scene: Scene, height: number): { title: Segment[]; lines: Line[] } {
  const row = selectedRow(scene.ui, scene.snapshot, scene.now);
  if (row === undefined) return { title: [], lines: [] };
  if (row.kind === "group")
    return { title: [seg(shownText(row.title, scene), "strong")], lines: groupLines(row.sinks, scene, height) };
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
  const tried = attempts(sink, scene);
  const left = height - cutWords.length - 1;
  // With room for all attempts if that can be, else for the last ones, else without.
  const charts = fittingCharts(sink, scene, [left - tried.length - 1, left - 4, left]);
  const lines: Line[] = [];
  const add = (block: readonly Line[], least: number) => {
    const room = height - lines.length - (lines.length === 0 ? 0 : 1);
    if (block.length === 0 || room < Math.min(block.length, least)) return;
    lines.push(...(lines.length === 0 ? [] : [blank]), ...block.slice(0, room));
  };
  add(cutWords, 1);
  add(charts, charts.length);
  add(tried, 3);
  // What enter shows besides, where there is room for the whole of it.
  for (const block of [sources(sink, scene), conditions(sink, scene), settings(sink, scene)]) add(block, block.length);
  return lines;
}

/** Each cause with its sinks; of a group with one cause what to do about it, too. */
function groupLines(sinks: readonly SinkState[], scene: Scene, height: number): Line[] {
  const all = causes(sinks, scene.snapshot.source);
  const [only] = all.length === 1 ? all : [];
  const words = only === undefined ? [] : remedy(only.sinks, scene);
  // As many names of each cause as fit.
  const left = height - words.length - (words.length === 0 ? 0 : 1) - all.length;
  const most = Math.max(6, Math.floor(left / Math.max(1, all.length)) - 1);
  const lines = all.flatMap((cause) => causeLines(cause, scene, most));
  return words.length === 0 ? lines : [...words, blank, ...lines];
}

function remedy(sinks: readonly SinkState[], scene: Scene): Line[] {
  const [first] = sinks;
  if (first === undefined || readyOf(first).status === "True") return [];
  return explain(first, scene.snapshot.source, scene.now)
    .parts.filter(({ label }) => label === "Cause" || label === "To do")
    .flatMap(({ label, text }) => paragraph(label, shownText(text, scene), scene.columns));
}

function causeLines({ sinks, title }: Cause, scene: Scene, most: number): Line[] {
  const [first] = sinks;
  const { mark, style } = first === undefined ? { mark: "", style: "plain" as const } : readiness(first, scene.glyphs);
  const shown = sinks.length > most ? sinks.slice(0, most - 1) : sinks;
  const more = sinks.length - shown.length;
  return [
    line(seg(`${mark} ${counted(sinks.length, "sink")}  `, style), seg(shownText(title, scene))),
    ...shown.map((s) => ({ segments: sinkLine(s, scene), hit: { type: "select" as const, key: s.id } })),
    ...(more === 0 ? [] : [line(seg(`    and ${more} more`, "dim"))]),
  ];
}

function sinkLine(sink: SinkState, scene: Scene): Segment[] {
  const { conditions, account } = sink;
  const since = conditions.find((c) => c.type === "Ready")?.lastTransitionTime ?? sink.startedAt;
  const lag = lagOf(sink, scene.now);
  const dropped = droppedTotal(account);
  return [
    seg(`    ${sink.id}`),
    seg(`  for ${age(scene.now - since)}`, "dim"),
    ...(lag === undefined ? [] : [seg(`, lag ${age(lag)}`, "dim")]),
    ...(dropped === 0 ? [] : [seg(`, ${count(dropped)} dropped`, "bad")]),
  ];
}
