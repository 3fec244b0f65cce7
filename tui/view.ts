// The whole screen as lines of styled text: a pure function of snapshot, ui state, now and size.
//
//   outflow 0.1.0  up 2h13m                    12.4k samples/s ▁▂▃▅   header
//   ✗ 1 of 3 sinks not ready   edge/cloud ServerError for 3m12s
//   ● source http://127.0.0.1:8428  VictoriaMetrics    largest lag 9s
//
//     sink        reason       last minute        lag                 body: a screen, or the panel that lies over it
//   › edge/cloud  ServerError  2/3 ━━━━╌╌╌ 12s  3m12s
//
//   ↑↓ move  enter open  ? help  q quit                               footer, or a question
//
// Never more than rows - 1 lines, never a line wider than columns.
import type { EpochMs } from "../src/platform/clock.ts";
import type { Link } from "../src/status/link.ts";
import type { Snapshot } from "../src/status/snapshot.ts";
import { detailView } from "./detail-view.ts";
import { eventsView } from "./events-view.ts";
import { footer } from "./footer.ts";
import type { Glyphs } from "./glyphs.ts";
import { header } from "./header.ts";
import { helpView } from "./help-view.ts";
import { blank, cut, type Line, line, lineWidth, type Segment, seg } from "./line.ts";
import { whyView, yamlView } from "./panels.ts";
import { policiesView } from "./policies-view.ts";
import type { Scene } from "./scene.ts";
import { sinksView } from "./sinks-view.ts";
import { sourcesView } from "./sources-view.ts";
import type { Panel, Screen, UiState } from "./ui-state.ts";

export const MIN_COLUMNS = 60;
export const MIN_ROWS = 12;
/** Header with a trouble line, two blank lines, footer. */
const FRAME = 7;

/** Lines that the part that scrolls has, as page keys need it. */
export const pageOf = (rows: number): number => Math.max(1, rows - 1 - FRAME);

type Body = (scene: Scene, height: number) => Line[];

const bodies: Readonly<Record<Screen, Body>> = {
  sinks: sinksView,
  detail: detailView,
  sources: sourcesView,
  policies: policiesView,
  events: eventsView,
};

const panels: Readonly<Record<Panel, Body>> = { help: helpView, why: whyView, yaml: yamlView };

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
    glyphs,
    link,
    acts,
  };
  const top = [...header(scene, now), blank];
  const bottom = footer(scene, now);
  const height = rows - 1 - top.length - bottom.length - 1;
  const body = (ui.panel === undefined ? bodies[ui.screen] : panels[ui.panel])(scene, height).slice(0, height);
  const fill = new Array<Line>(Math.max(0, height - body.length)).fill(blank);
  const main = [...body, ...fill];
  return [...top, ...(link?.state === "lost" ? main.map(greyed) : main), blank, ...bottom].map((l) =>
    fitted(l, columns, glyphs),
  );
}

/** What is no longer known to be so. */
const greyed = (l: Line): Line => ({ segments: l.segments.map((s) => ({ ...s, style: "dim" as const })) });

/**
 * No wider than `columns`; the selected row exactly so. Others end with their text: Ink erases what a longer one left, and each
 * character less is time saved.
 */
function fitted(l: Line, columns: number, glyphs: Glyphs): Line {
  if (l.selected !== true) return { segments: cut(trimmed(l.segments), columns, glyphs.more) };
  const segments = cut(l.segments, columns, glyphs.more);
  return { selected: true, segments: [...segments, seg(" ".repeat(columns - lineWidth({ segments })))] };
}

function trimmed(segments: readonly Segment[]): readonly Segment[] {
  const last = segments.findLastIndex((s) => s.text.trimEnd() !== "");
  const end = segments[last];
  return end === undefined ? [] : [...segments.slice(0, last), { ...end, text: end.text.trimEnd() }];
}

function tooSmall(columns: number, rows: number, glyphs: Glyphs): Line[] {
  const text = `outflow needs ${MIN_COLUMNS}x${MIN_ROWS} (now ${columns}x${rows})`;
  return rows < 2 ? [] : [line(...cut([seg(text)], columns, glyphs.more))];
}
