// What every part of the view is given, and the few words that several parts share.
import type { EpochMs } from "../../src/platform/clock.ts";
import type { Link } from "../../src/status/link.ts";
import type { SinkState, Snapshot } from "../../src/status/snapshot.ts";
import { readiness as readinessOf } from "../../src/status/text/readiness.ts";
import type { Glyphs } from "../drawing/glyphs.ts";
import { cut, type Line, type Segment, type Style, seg } from "../drawing/line.ts";
import type { UiState } from "../input/ui-state.ts";
import { redacted } from "./privacy.ts";

export type Scene = {
  /** The frozen one while the screen is frozen. */
  snapshot: Snapshot;
  ui: UiState;
  now: EpochMs;
  columns: number;
  /** Of the whole screen. */
  rows: number;
  glyphs: Glyphs;
  /** The agent is another process, reached like this. */
  link?: Link | undefined;
  /** Actions are allowed. */
  acts: boolean;
};

/** Mark and word for Ready, and the style of both. */
export function readiness(sink: SinkState, glyphs: Glyphs): { mark: string; word: string; style: Style } {
  const { mark, word, mood } = readinessOf(sink);
  return { mark: glyphs[mark], word, style: mood };
}

/** Text of others, without the addresses and label values in it while privacy is on. */
export const shownText = (text: string, { ui, snapshot }: Pick<Scene, "ui" | "snapshot">): string =>
  ui.privacy ? redacted(text, snapshot) : text;

/** `label value`, the label quiet. */
export const labelled = (label: string, value: string, style: Style = "plain"): Segment[] => [
  seg(`${label} `, "dim"),
  seg(value, style),
];

/** The lines in view from `scroll` on; the last one says how many more there are. */
export function scrolled(lines: readonly Line[], height: number, { ui, glyphs, columns }: Scene): Line[] {
  const page = Math.max(1, height);
  if (lines.length <= page) return [...lines];
  const top = Math.max(0, Math.min(ui.scroll, lines.length - page));
  const below = lines.length - top - page;
  if (below === 0) return lines.slice(top, top + page);
  const more = cut([seg(`${glyphs.arrows} ${below + 1} more lines`, "dim")], columns, glyphs.more);
  return [...lines.slice(top, top + page - 1), { segments: more }];
}

/** The first row in view, so that row `at` of `total` is in the middle of a page, as far as the ends allow. */
export const windowStart = (total: number, at: number, page: number): number =>
  Math.max(0, Math.min(at - Math.floor(page / 2), total - page));

/** The rows in view so that row `at` is among them. */
export function windowed<T>(rows: readonly T[], at: number, page: number): readonly T[] {
  const top = windowStart(rows.length, at, page);
  return rows.slice(top, top + page);
}
