// Text in terminal columns: cut, padded and wrapped by display width, so that wide characters and emoji keep the columns straight.
import stringWidth from "string-width";

const ASCII = /^[\x20-\x7e]*$/;
/** With what we draw ourselves: arrows, lines, blocks, braille, marks. Measuring grapheme by grapheme is expensive. */
const NARROW = /^[\x20-\x7e·–…›←-↓─-▟▲▼▸▾◀◆○●◐✗⠀-⣿]*$/;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

export const widthOf = (text: string): number => (NARROW.test(text) ? text.length : stringWidth(text));

/** Exactly `width` columns: padded with spaces, or cut with `more` (one column wide) at the end. */
export function fit(text: string, width: number, more: string, align: "left" | "right" = "left"): string {
  if (width <= 0) return "";
  const w = widthOf(text);
  if (w > width) return cutTo(text, width, more);
  const pad = " ".repeat(width - w);
  return align === "left" ? text + pad : pad + text;
}

function cutTo(text: string, width: number, more: string): string {
  if (ASCII.test(text)) return text.slice(0, width - 1) + more;
  let kept = "";
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    const w = stringWidth(segment);
    if (used + w > width - 1) break;
    kept += segment;
    used += w;
  }
  return kept + more + " ".repeat(width - 1 - used);
}

/** Lines of at most `width` columns, broken at spaces; a word that is longer than a line is broken inside. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let current = "";
  for (const word of text.split(" ").flatMap((w) => pieces(w, width))) {
    const joined = current === "" ? word : `${current} ${word}`;
    if (widthOf(joined) <= width) {
      current = joined;
      continue;
    }
    if (current !== "") lines.push(current);
    current = word;
  }
  return [...lines, current];
}

function pieces(word: string, width: number): string[] {
  if (widthOf(word) <= width) return [word];
  const parts: string[] = [];
  let part = "";
  for (const { segment } of graphemes.segment(word)) {
    if (widthOf(part + segment) > width && part !== "") {
      parts.push(part);
      part = "";
    }
    part += segment;
  }
  return [...parts, part];
}
