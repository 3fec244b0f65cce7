// The whole screen as lines of styled text: a pure function of snapshot, ui state, now and size.
//
//   outflow 0.1.0  up 2h13m                    12.4k samples/s ▁▂▃▅   header
//   ✗ 1 of 3 sinks not ready   edge/cloud ServerError for 3m12s
//   ● source http://127.0.0.1:8428  VictoriaMetrics    largest lag 9s
//
//     sink        reason       last minute        lag                 body: sinks, detail, sources, policies, events or help
//   › edge/cloud  ServerError  2/3 ━━━━╌╌╌ 12s  3m12s
//
//   ↑↓ move  enter open  ? help  q quit                               footer
//
// Never more than rows - 1 lines, never a line wider than columns.
import type { EpochMs } from "../src/platform/clock.ts";
import type { Snapshot } from "../src/status/snapshot.ts";
import { detailView } from "./detail-view.ts";
import { eventsView } from "./events-view.ts";
import { footer } from "./footer.ts";
import type { Glyphs } from "./glyphs.ts";
import { header } from "./header.ts";
import { helpView } from "./help-view.ts";
import { blank, cut, type Line, line, lineWidth, seg } from "./line.ts";
import { policiesView } from "./policies-view.ts";
import type { Scene } from "./scene.ts";
import { sinksView } from "./sinks-view.ts";
import { sourcesView } from "./sources-view.ts";
import type { Screen, UiState } from "./ui-state.ts";

export const MIN_COLUMNS = 60;
export const MIN_ROWS = 12;
/** Header with a trouble line, two blank lines, footer. */
const FRAME = 7;

/** Lines that the part that scrolls has, as page keys need it. */
export const pageOf = (rows: number): number => Math.max(1, rows - 1 - FRAME);

const bodies: Readonly<Record<Screen, (scene: Scene, height: number) => Line[]>> = {
  sinks: sinksView,
  detail: detailView,
  sources: sourcesView,
  policies: policiesView,
  events: eventsView,
};

export function view(live: Snapshot, ui: UiState, now: EpochMs, columns: number, rows: number, glyphs: Glyphs): Line[] {
  if (columns < MIN_COLUMNS || rows < MIN_ROWS) return tooSmall(columns, rows, glyphs);
  const scene: Scene = { snapshot: ui.frozen?.snapshot ?? live, ui, now: ui.frozen?.at ?? now, columns, glyphs };
  const top = [...header(scene), blank];
  const height = rows - 1 - top.length - 2;
  const body = (ui.help ? helpView : bodies[ui.screen])(scene, height).slice(0, height);
  const fill = new Array<Line>(height - body.length).fill(blank);
  return [...top, ...body, ...fill, blank, footer(scene)].map((l) => padded(l, columns, glyphs));
}

/** Exactly `columns` wide, so that a shorter line leaves nothing of a longer one. */
function padded(l: Line, columns: number, glyphs: Glyphs): Line {
  const width = lineWidth(l);
  if (width > columns) return { ...l, segments: cut(l.segments, columns, glyphs.more) };
  return width === columns ? l : { ...l, segments: [...l.segments, seg(" ".repeat(columns - width))] };
}

function tooSmall(columns: number, rows: number, glyphs: Glyphs): Line[] {
  const text = `outflow needs ${MIN_COLUMNS}x${MIN_ROWS} (now ${columns}x${rows})`;
  return rows < 2 ? [] : [line(...cut([seg(text)], columns, glyphs.more))];
}
