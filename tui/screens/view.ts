// The whole screen as lines of styled text: a pure function of snapshot, ui state, now and size.
//
//   outflow 0.1.0  up 2h13m             12.4k samples/s  1.2 MB/s ▂▃▅   header
//   ✗ 191 ready · 5 unreachable · 1 catching up         1,000 dropped
//   ● source http://127.0.0.1:8428  VictoriaMetrics    largest lag 9s
//
//     state        sink                reason       dropped     lag     body: a screen, or the panel that lies over it
//   › ✗ not ready  default/edge/cloud  ServerError       1k   3m12s
//
//   ● Saved as …                                                        what came of the last action
//   ↑↓ move  enter open  ? help  q quit                                 footer, or a question
//
// Never more than rows - 1 lines, never a line wider than columns.
import type { EpochMs } from "../../src/platform/clock.ts";
import type { Link } from "../../src/status/link.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import type { Glyphs } from "../drawing/glyphs.ts";
import { blank, cut, type Line, line, type Segment, seg } from "../drawing/line.ts";
import { fleetView, memberView } from "../fleet/fleet-view.ts";
import type { Panel, Screen } from "../input/intents.ts";
import type { UiState } from "../input/ui-state.ts";
import { sinksView } from "../sinks/sinks-view.ts";
import { columnsView } from "./columns-view.ts";
import { detailView } from "./detail-view.ts";
import { eventsView } from "./events-view.ts";
import { footer } from "./footer.ts";
import { header } from "./header.ts";
import { helpView } from "./help-view.ts";
import { whyView, yamlView } from "./panels.ts";
import { policiesView } from "./policies-view.ts";
import type { Scene } from "./scene.ts";
import { sourcesView } from "./sources-view.ts";

export const MIN_COLUMNS = 60;
export const MIN_ROWS = 12;
/** Header with a cause, a blank line, two lines of footer. */
const FRAME = 7;

/** Lines that the part that scrolls has, as page keys need it. */
export const linesOfPage = (rows: number): number => Math.max(1, rows - 1 - FRAME);

type Body = (scene: Scene, height: number) => Line[];

const bodies: Readonly<Record<Screen, Body>> = {
  sinks: sinksView,
  detail: detailView,
  sources: sourcesView,
  policies: policiesView,
  events: eventsView,
  fleet: fleetView,
};

const panels: Readonly<Record<Panel, Body>> = {
  help: helpView,
  why: whyView,
  yaml: yamlView,
  columns: columnsView,
  member: memberView,
};

export type Shown = {
  snapshot: Snapshot;
  ui: UiState;
  now: EpochMs;
  columns: number;
  rows: number;
  glyphs: Glyphs;
  link?: Link | undefined;
  /** Actions are allowed. */
  acts: boolean;
};

export function view({ snapshot: live, ui, now, columns, rows, glyphs, link, acts }: Shown): Line[] {
  if (columns < MIN_COLUMNS || rows < MIN_ROWS) return tooSmall(columns, rows, glyphs);
  const scene: Scene = {
    snapshot: ui.frozen?.snapshot ?? live,
    ui,
    now: ui.frozen?.at ?? (link?.state === "lost" ? Math.min(now, link.since) : now),
    columns,
    rows,
    glyphs,
    link,
    acts,
  };
  const top = [...header(scene, now), blank];
  const bottom = footer(scene, now);
  const height = rows - 1 - top.length - bottom.length;
  const body = (ui.panel === undefined ? bodies[ui.screen] : panels[ui.panel])(scene, height).slice(0, height);
  const fill = new Array<Line>(Math.max(0, height - body.length)).fill(blank);
  const main = [...body, ...fill];
  return [...top, ...(link?.state === "lost" ? main.map(greyed) : main), ...bottom].map((l) =>
    fitted(l, columns, glyphs),
  );
}

/** What is no longer known to be so. */
const greyed = (l: Line): Line => ({ ...l, segments: l.segments.map((s) => ({ ...s, style: "dim" as const })) });

/**
 * No wider than `columns`. A line ends with its text: Ink erases what a longer one left, and each character less is time saved.
 */
function fitted({ segments, ...rest }: Line, columns: number, glyphs: Glyphs): Line {
  return { ...rest, segments: cut(trimmed(segments), columns, glyphs.more) };
}

function trimmed(segments: readonly Segment[]): readonly Segment[] {
  const last = segments.findLastIndex((s) => s.on === true || s.text.trimEnd() !== "");
  const end = segments[last];
  if (end === undefined) return [];
  return end.on === true
    ? segments.slice(0, last + 1)
    : [...segments.slice(0, last), { ...end, text: end.text.trimEnd() }];
}

function tooSmall(columns: number, rows: number, glyphs: Glyphs): Line[] {
  const text = `outflow needs ${MIN_COLUMNS}x${MIN_ROWS} (now ${columns}x${rows})`;
  return rows < 2 ? [] : [line(...cut([seg(text)], columns, glyphs.more))];
}
