// Styles to terminal codes, by meaning, in one place. Text takes the 16 colours that every terminal theme has made readable on its
// background, unless the user names others; the selection is a grey that is chosen for the background, so that severity keeps its
// colour on it. With NO_COLOR bold, dim and inverse stay: marks and words carry the meaning. Pure.
import { type Colour, colourCode } from "./colour.ts";
import { harmless, type Line, type Style } from "./line.ts";

export const themes = ["auto", "dark", "light", "contrast"] as const;
export type ThemeName = (typeof themes)[number];

export type Background = "dark" | "light";

/** How many colours the terminal has. */
export type Depth = "none" | "16" | "256" | "full";

/** Colours of the user's own, by style. */
export type Colours = Readonly<Partial<Record<Style | "selection", Colour>>>;

/** Codes of each style, and of the selection's background. */
export type Palette = { readonly styles: Readonly<Record<Style, string>>; readonly selection: string };

type Table = Palette & { readonly selection16: string };

/** Yellow and cyan are weak on a light background: there they are magenta and blue. */
const tables: Readonly<Record<"dark" | "light" | "contrast-dark" | "contrast-light" | "none", Table>> = {
  dark: {
    styles: { plain: "", strong: "1", dim: "2", good: "32", warn: "33", bad: "1;31", accent: "36" },
    selection: "48;5;237",
    selection16: "7",
  },
  light: {
    styles: { plain: "", strong: "1", dim: "2", good: "32", warn: "35", bad: "1;31", accent: "34" },
    selection: "48;5;253",
    selection16: "7",
  },
  "contrast-dark": {
    styles: { plain: "97", strong: "1;97", dim: "97", good: "1;92", warn: "1;93", bad: "1;4;91", accent: "1;96" },
    selection: "48;5;18",
    selection16: "44",
  },
  "contrast-light": {
    styles: { plain: "30", strong: "1;30", dim: "30", good: "1;32", warn: "1;35", bad: "1;4;31", accent: "1;34" },
    selection: "48;5;229",
    selection16: "43",
  },
  none: {
    styles: { plain: "", strong: "1", dim: "2", good: "", warn: "", bad: "1", accent: "" },
    selection: "7",
    selection16: "7",
  },
};

export function paletteOf(theme: ThemeName, background: Background, depth: Depth, colours: Colours = {}): Palette {
  if (depth === "none") return tables.none;
  const name = theme === "contrast" ? (`contrast-${background}` as const) : theme === "auto" ? background : theme;
  const table = tables[name];
  const styles = { ...table.styles };
  for (const style of Object.keys(styles) as Style[]) {
    const own = colours[style];
    if (own !== undefined)
      styles[style] = `${style === "bad" || style === "strong" ? "1;" : ""}${colourCode(own, "text", depth)}`;
  }
  const selection = depth === "16" ? table.selection16 : table.selection;
  return {
    styles,
    selection: colours.selection === undefined ? selection : colourCode(colours.selection, "background", depth),
  };
}

type Env = Readonly<Record<string, string | undefined>>;

export function depthOf(env: Env): Depth {
  if ((env.NO_COLOR ?? "") !== "" || env.TERM === "dumb") return "none";
  if (/^(truecolor|24bit)$/.test(env.COLORTERM ?? "")) return "full";
  return /256/.test(env.TERM ?? "") ? "256" : "16";
}

/** Before the terminal has told its background: COLORFGBG is `foreground;background` by number, as rxvt, Konsole and others set it. */
export function backgroundFrom(env: Env): Background {
  const background = Number(env.COLORFGBG?.split(";").at(-1) || Number.NaN);
  return background === 7 || (background >= 9 && background <= 15) ? "light" : "dark";
}

/** A line as text with its codes; each styled piece ends its own style. */
export function paint({ segments }: Line, { styles, selection }: Palette): string {
  let text = "";
  for (const s of segments) {
    const style = styles[s.style];
    const code = s.on === true ? (style === "" ? selection : `${style};${selection}`) : style;
    const shown = harmless(s.text);
    text += code === "" ? shown : `\x1b[${code}m${shown}\x1b[0m`;
  }
  return text;
}
