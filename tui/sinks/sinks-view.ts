// Home: the sink table, and where there is room panes for the selected sink and the events, below it or beside it. Pure.

import { beside, blank, cut, type Line, line, lineWidth, type Segment, seg } from "../drawing/line.ts";
import { newestEvents } from "../screens/events-view.ts";
import { firstSteps } from "../screens/first-steps.ts";
import type { Scene } from "../screens/scene.ts";
import { sinkRows } from "./rows.ts";
import { heightOf, sinkList } from "./sink-list.ts";
import { sinkPane } from "./sink-pane.ts";

/** From these sizes on there is room for one pane, and for two. */
const ONE = { columns: 100, rows: 30 };
const TWO = { columns: 160, rows: 40 };

export function sinksView(scene: Scene, height: number): Line[] {
  const { snapshot, ui, columns, rows } = scene;
  if (snapshot.sinks.length === 0) return firstSteps(scene, height);
  const list = sinkRows(snapshot, ui, scene.now);
  const needed = heightOf(list);
  const panes = ui.layout === "off" || list.length === 0 ? 0 : paneCount(columns, rows, height - needed - 1);
  if (panes === 0) return sinkList(scene, height);
  return ui.layout === "beside" && columns >= ONE.columns
    ? besideList(scene, height, panes)
    : belowList(scene, height, panes, needed);
}

/** Rows that the list leaves empty are for a pane at any size. */
const SPARE = 8;

function paneCount(columns: number, rows: number, spare: number): 0 | 1 | 2 {
  if (columns >= TWO.columns && rows >= TWO.rows) return 2;
  return (columns >= ONE.columns && rows >= ONE.rows) || spare >= SPARE ? 1 : 0;
}

const MIN_LIST = 5;

function belowList(scene: Scene, height: number, panes: number, needed: number): Line[] {
  const { columns, ui, glyphs } = scene;
  const share = Math.floor(height * (0.5 - 0.1 * ui.paneSize));
  const list = sinkList(scene, Math.max(MIN_LIST, Math.min(needed, share)));
  const left = height - list.length - 1;
  if (left < 3) return list;
  if (panes === 1) return [...list, blank, ...pane(scene, columns, left, "sink")];
  const first = Math.floor(columns * 0.62);
  const second = columns - first - 3;
  const both = [pane(scene, first, left, "sink"), pane(scene, second, left, "events")];
  return [...list, blank, ...beside(both, [first, second], seg(` ${glyphs.wall} `, "dim"), glyphs.more)];
}

function besideList(scene: Scene, height: number, panes: number): Line[] {
  const { columns, ui, glyphs } = scene;
  const list = Math.floor(columns * Math.min(0.8, Math.max(0.35, 0.55 - 0.08 * ui.paneSize)));
  const right = columns - list - 3;
  const first = panes === 2 ? Math.floor(height * 0.6) : height;
  const stack = [
    ...filled(pane(scene, right, first, "sink"), first),
    ...(panes === 2 ? pane(scene, right, height - first, "events") : []),
  ];
  const both = [sinkList({ ...scene, columns: list }, height), stack];
  return beside(
    both.map((b) => filled(b, height)),
    [list, right],
    seg(` ${glyphs.wall} `, "dim"),
    glyphs.more,
  );
}

const filled = (lines: readonly Line[], height: number): Line[] => [
  ...lines.slice(0, height),
  ...new Array<Line>(Math.max(0, height - lines.length)).fill(blank),
];

/** A title on a rule, and what fits below it. */
function pane(whole: Scene, columns: number, height: number, what: "sink" | "events"): Line[] {
  const scene = { ...whole, columns };
  if (what === "events") {
    const title = ruled([seg("events", "strong")], scene);
    return [{ ...title, hit: { type: "screen", to: "events" } }, ...newestEvents(scene, height - 1)];
  }
  const { title, lines } = sinkPane(scene, height - 1);
  return [ruled(title, scene), ...lines.slice(0, height - 1)];
}

function ruled(title: readonly Segment[], { columns, glyphs }: Scene): Line {
  const start = [seg(`${glyphs.rule.repeat(2)} `, "dim"), ...title];
  const kept = cut(start, columns, glyphs.more);
  const left = columns - lineWidth({ segments: kept });
  return left < 3 ? { segments: kept } : line(...kept, seg(` ${glyphs.rule.repeat(left - 1)}`, "dim"));
}
