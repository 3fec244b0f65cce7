// What the view is made of: lines of styled pieces of text, some of which can be clicked. No terminal here.
import type { Intent } from "../input/intents.ts";
import { fit, widthOf } from "./width.ts";

/** Styles are meanings; theme.ts says how each looks. */
export type Style = "plain" | "strong" | "dim" | "good" | "warn" | "bad" | "accent";

/** What a click does; a function is told at which column of its piece. */
export type Hit = Intent | ((column: number) => Intent | undefined);

/** `on`: it lies on the selection's background and keeps its own colour. */
export type Segment = { text: string; style: Style; on?: boolean; hit?: Hit };

/** `hit`: where no piece of it has one of its own. */
export type Line = { segments: readonly Segment[]; hit?: Hit };

export const seg = (text: string, style: Style = "plain"): Segment => ({ text, style });
export const line = (...segments: Segment[]): Line => ({ segments });
export const blank: Line = { segments: [] };

export const lineWidth = ({ segments }: Line): number => segments.reduce((n, s) => n + widthOf(s.text), 0);

/** A control character in a text of others would be a command to the terminal: none is ever drawn. */
const CONTROL = /[\x00-\x1f\x7f-\x9f]/;
const CONTROLS = new RegExp(CONTROL, "g");
export const harmless = (text: string): string => (CONTROL.test(text) ? text.replace(CONTROLS, "?") : text);

export const plainText = ({ segments }: Line): string => segments.map((s) => harmless(s.text)).join("");

/** `left` and `right` at the two ends of `width`; the left one is cut where they would meet, the right one goes where too little stays. */
export function spread(left: readonly Segment[], right: readonly Segment[], width: number, more: string): Line {
  const kept = lineWidth({ segments: right });
  if (kept + 2 + Math.min(MIN_LEFT, lineWidth({ segments: left })) > width) return { segments: cut(left, width, more) };
  const room = width - kept - (kept > 0 ? 2 : 0);
  const start = cut(left, room, more);
  const gap = width - kept - lineWidth({ segments: start });
  return { segments: [...start, seg(" ".repeat(Math.max(0, gap))), ...right] };
}
const MIN_LEFT = 16;

/** The segments cut to `width` columns; `more` marks the cut. */
export function cut(segments: readonly Segment[], width: number, more: string): Segment[] {
  const kept: Segment[] = [];
  let left = width;
  for (const s of segments) {
    const w = widthOf(s.text);
    if (w > left) {
      if (left > 0) kept.push({ ...s, text: fit(s.text, left, more) });
      return kept;
    }
    kept.push(s);
    left -= w;
  }
  return kept;
}

/** Exactly `width` columns. */
export function padded({ segments, hit }: Line, width: number, more: string): Line {
  const kept = cut(segments, width, more);
  const gap = width - lineWidth({ segments: kept });
  const all = gap > 0 ? [...kept, seg(" ".repeat(gap))] : kept;
  return hit === undefined ? { segments: all } : { segments: all, hit };
}

/** The whole row on the selection's background. */
export function selected(row: Line, width: number, more: string): Line {
  const { segments, ...rest } = padded(row, width, more);
  return { ...rest, segments: segments.map((s) => ({ ...s, on: true })) };
}

/** Blocks of `widths` side by side, `between` them; each row can still be clicked. */
export function beside(
  blocks: readonly (readonly Line[])[],
  widths: readonly number[],
  between: Segment,
  more: string,
): Line[] {
  const height = Math.max(...blocks.map((b) => b.length));
  return Array.from({ length: height }, (_, i) => ({
    segments: blocks.flatMap((block, at) => {
      const { segments, hit } = padded(block[i] ?? blank, widths[at] ?? 0, more);
      const own = hit === undefined ? segments : segments.map((s) => (s.hit === undefined ? { ...s, hit } : s));
      return at === 0 ? own : [between, ...own];
    }),
  }));
}

/** What a click at `column` of a line does. */
export function hitOf({ segments, hit }: Line, column: number): Intent | undefined {
  let from = 0;
  for (const s of segments) {
    const to = from + widthOf(s.text);
    if (column < to) return done(s.hit ?? hit, column - from);
    from = to;
  }
  return done(hit, column - from);
}

const done = (hit: Hit | undefined, column: number): Intent | undefined =>
  typeof hit === "function" ? hit(column) : hit;
