// What the view is made of: lines of styled pieces of text. No terminal here.
import { fit, widthOf } from "./width.ts";

/** Styles are meanings; colours.ts says how each looks. */
export type Style = "plain" | "strong" | "dim" | "good" | "warn" | "bad" | "accent";

export type Segment = { text: string; style: Style };

export type Line = { segments: readonly Segment[]; selected?: boolean };

export const seg = (text: string, style: Style = "plain"): Segment => ({ text, style });
export const line = (...segments: Segment[]): Line => ({ segments });
export const blank: Line = { segments: [] };

export const lineWidth = ({ segments }: Line): number => segments.reduce((n, s) => n + widthOf(s.text), 0);

export const plainText = ({ segments }: Line): string => segments.map((s) => s.text).join("");

/** `left` and `right` at the two ends of `width`; the left one is cut where they would meet. */
export function spread(left: readonly Segment[], right: readonly Segment[], width: number, more: string): Line {
  const kept = lineWidth({ segments: right });
  if (kept + MIN_LEFT > width) return { segments: cut(left, width, more) };
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
