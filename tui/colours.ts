// Styles to terminal codes, by meaning, in one place. Only the 16 colours that every theme has made readable on its background; no
// backgrounds but the inverse of the selected row. With NO_COLOR bold, dim and inverse stay: marks and words carry the meaning.
import type { Line, Style } from "./line.ts";

export type Palette = "colour" | "light" | "none";

/** Yellow and cyan are weak on a light background: there they are magenta and blue. */
const codes: Readonly<Record<Style, Readonly<Record<Palette, string>>>> = {
  plain: { colour: "", light: "", none: "" },
  strong: { colour: "1", light: "1", none: "1" },
  dim: { colour: "2", light: "2", none: "2" },
  good: { colour: "32", light: "32", none: "" },
  warn: { colour: "33", light: "35", none: "" },
  bad: { colour: "1;31", light: "1;31", none: "1" },
  accent: { colour: "36", light: "34", none: "" },
};

/** COLORFGBG is `foreground;background` by number, as rxvt, Konsole and others set it. */
export function paletteFor(env: Readonly<Record<string, string | undefined>>): Palette {
  if ((env.NO_COLOR ?? "") !== "") return "none";
  const background = Number(env.COLORFGBG?.split(";").at(-1) || Number.NaN);
  return background === 7 || (background >= 9 && background <= 15) ? "light" : "colour";
}

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
