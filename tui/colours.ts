// Styles to terminal codes, by meaning, in one place. Only the 16 colours that every theme, dark or light, has made readable; no
// backgrounds but the inverse of the selected row. With NO_COLOR bold, dim and inverse stay: marks and words carry the meaning.
import type { Line, Style } from "./line.ts";

const codes: Readonly<Record<Style, { colour: string; none: string }>> = {
  plain: { colour: "", none: "" },
  strong: { colour: "1", none: "1" },
  dim: { colour: "2", none: "2" },
  good: { colour: "32", none: "" },
  warn: { colour: "33", none: "" },
  bad: { colour: "1;31", none: "1" },
  accent: { colour: "36", none: "" },
};

export type Palette = "colour" | "none";

export const paletteFor = (env: Readonly<Record<string, string | undefined>>): Palette =>
  (env.NO_COLOR ?? "") === "" ? "colour" : "none";

/** A line as text with its codes; each styled piece ends its own style. */
export function paint({ segments, selected }: Line, palette: Palette): string {
  if (selected === true) return `\x1b[7m${segments.map((s) => s.text).join("")}\x1b[27m`;
  let text = "";
  for (const segment of segments) {
    const code = codes[segment.style][palette];
    text += code === "" ? segment.text : `\x1b[${code}m${segment.text}\x1b[0m`;
  }
  return text;
}
