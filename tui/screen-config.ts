// The screen's own settings, kept from one session to the next: screen.yaml beside the policies of the user. What is wrong in it is
// said with its place, and the rest is used. Pure.
import { isMap, LineCounter, parseDocument } from "yaml";
import { type Colour, parseColour } from "./drawing/colour.ts";
import { type Colours, type ThemeName, themes } from "./drawing/theme.ts";
import { type Layout, layouts } from "./input/intents.ts";
import { readOwnKeys } from "./input/own-keys.ts";
import type { OwnKeys, UiState } from "./input/ui-state.ts";
import { columnNames } from "./sinks/sink-columns.ts";

export type ScreenConfig = {
  theme: ThemeName;
  colours: Colours;
  columns?: readonly string[];
  layout: Layout;
  paneSize: number;
  /** How charts are drawn; absent: as the terminal's locale allows. */
  charts?: "braille" | "blocks";
  mouse: boolean;
  keys: OwnKeys;
};

export const defaultConfig: ScreenConfig = {
  theme: "auto",
  colours: {},
  layout: "below",
  paneSize: 0,
  mouse: true,
  keys: {},
};

const styleNames = ["plain", "strong", "dim", "good", "warn", "bad", "accent", "selection"] as const;

/** @param text what is in the file; "" where there is none */
export function parseScreenConfig(text: string, file: string): { config: ScreenConfig; problems: readonly string[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const problems: string[] = [];
  for (const error of document.errors)
    problems.push(`${file}:${error.linePos?.[0].line ?? 1}: ${error.message.split("\n")[0]}`);
  const values = document.errors.length > 0 ? {} : plainOf(document, file, problems);
  if (typeof values !== "object" || values === null || Array.isArray(values))
    return { config: defaultConfig, problems: [`${file}:1: must be a mapping such as "theme: dark"`] };
  const placed = (key: string, what: string) => {
    const node = document.contents as { items?: { key: { value?: unknown; range?: [number, ...unknown[]] } }[] } | null;
    const at = node?.items?.find((pair) => pair.key.value === key)?.key.range?.[0];
    problems.push(`${file}:${at === undefined ? 1 : lines.linePos(at).line}: ${key}: ${what}`);
  };
  const config: Record<string, unknown> = { ...defaultConfig };
  for (const [key, value] of Object.entries(values)) {
    const read = readers[key];
    if (read === undefined) placed(key, `unknown setting; known are ${Object.keys(readers).join(", ")}`);
    else {
      const { value: taken, wrong } = read(value);
      if (wrong !== undefined) placed(key, wrong);
      if (taken !== undefined) config[key] = taken;
    }
  }
  return { config: config as ScreenConfig, problems };
}

function plainOf(document: ReturnType<typeof parseDocument>, file: string, problems: string[]): unknown {
  try {
    return document.toJS({ maxAliasCount: 10 }) ?? {};
  } catch (error) {
    problems.push(`${file}:1: ${(error as Error).message}`);
    return {};
  }
}

type Read = (value: unknown) => { value?: unknown; wrong?: string };

const oneOf =
  (choices: readonly string[]): Read =>
  (value) =>
    choices.includes(String(value)) ? { value } : { wrong: `must be one of ${choices.join(", ")}` };

const readers: Readonly<Record<string, Read>> = {
  theme: oneOf(themes),
  layout: oneOf(layouts),
  charts: oneOf(["braille", "blocks"]),
  keys: readOwnKeys,
  mouse: (value) => (typeof value === "boolean" ? { value } : { wrong: "must be true or false" }),
  paneSize: (value) =>
    Number.isInteger(value) && Math.abs(value as number) <= 4
      ? { value }
      : { wrong: "must be a whole number from -4 to 4" },
  columns(value) {
    const wrong = `must be a list of ${columnNames.join(", ")}`;
    if (!Array.isArray(value)) return { wrong };
    const known = value.filter((name) => columnNames.includes(name));
    const columns = known.includes("sink") ? known : ["sink", ...known];
    return known.length === value.length ? { value: columns } : { value: columns, wrong };
  },
  colours(value) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return { wrong: 'must be a mapping such as "good: green"' };
    const colours: Record<string, Colour> = {};
    const wrong: string[] = [];
    for (const [style, text] of Object.entries(value)) {
      const colour = parseColour(String(text));
      if (!styleNames.includes(style as (typeof styleNames)[number]))
        wrong.push(`unknown style ${style}; known are ${styleNames.join(", ")}`);
      else if (colour === undefined)
        wrong.push(`${style}: "${text}" is not a valid colour; write red, bright-red, 0 to 255 or #rrggbb`);
      else colours[style] = colour;
    }
    return { value: colours, ...(wrong.length === 0 ? {} : { wrong: wrong.join("; ") }) };
  },
};

type Chosen = Pick<UiState, "theme" | "columns" | "layout" | "paneSize">;

/** The file with what was chosen on the screen; everything else in it, comments too, stays. */
export function withChoices(text: string, { theme, columns, layout, paneSize }: Chosen): string {
  const document = parseDocument(text);
  if (document.errors.length > 0) throw new Error("it is not valid YAML; correct or remove it first");
  // `~` and the like say nothing, as an empty file does.
  if (document.toJS({ maxAliasCount: 10 }) === null) document.contents = null;
  else if (!isMap(document.contents)) throw new Error("it is not a mapping; correct or remove it first");
  const put = (key: string, value: unknown, usual: unknown) => {
    if (value === undefined) {
      if (document.has(key)) document.delete(key);
    } else if (value !== usual || document.has(key)) document.set(key, value);
  };
  put("theme", theme, defaultConfig.theme);
  put("columns", columns === undefined ? undefined : [...columns], undefined);
  put("layout", layout, defaultConfig.layout);
  put("paneSize", paneSize, defaultConfig.paneSize);
  return document.toString();
}
