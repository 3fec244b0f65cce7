// One colour as users write it: a name of the 16, a number of the 256, or #rrggbb. Pure.

export type Colour = { index: number } | { rgb: readonly [red: number, green: number, blue: number] };

const names = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;

/** undefined: not a colour. */
export function parseColour(text: string): Colour | undefined {
  const word = text.trim().toLowerCase();
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/.exec(word);
  if (hex !== null)
    return { rgb: [hex[1], hex[2], hex[3]].map((h) => Number.parseInt(h!, 16)) as [number, number, number] };
  if (/^\d{1,3}$/.test(word)) return Number(word) <= 255 ? { index: Number(word) } : undefined;
  const bright = word.startsWith("bright-");
  const at = names.indexOf((bright ? word.slice("bright-".length) : word) as (typeof names)[number]);
  return at < 0 ? undefined : { index: at + (bright ? 8 : 0) };
}

/** The codes of a colour that a terminal of this depth can show. */
export function colourCode(colour: Colour, what: "text" | "background", depth: "16" | "256" | "full"): string {
  const base = what === "text" ? 38 : 48;
  if ("rgb" in colour) {
    if (depth === "full") return `${base};2;${colour.rgb.join(";")}`;
    return colourCode({ index: cube(colour.rgb) }, what, depth);
  }
  const { index } = colour;
  if (index < 8) return String(base - 8 + index);
  if (index < 16) return String(base + 52 + index - 8);
  return depth === "16" ? String(base - 8 + nearest8(index)) : `${base};5;${index}`;
}

/** The nearest of the 6x6x6 colours. */
const cube = (rgb: readonly number[]): number =>
  16 + rgb.map((v) => Math.round((v / 255) * 5)).reduce((sum, v) => sum * 6 + v, 0);

/** Of the 8, where there are no more: each of red, green and blue is on or off. */
function nearest8(index: number): number {
  if (index >= 232) return index >= 244 ? 7 : 0;
  const [r = 0, g = 0, b = 0] = [36, 6, 1].map((n) => Math.floor((index - 16) / n) % 6);
  return (r >= 3 ? 1 : 0) + (g >= 3 ? 2 : 0) + (b >= 3 ? 4 : 0);
}
