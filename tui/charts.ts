// Numbers over time as characters: a sparkline of one row, a chart of several, a bar that empties. Pure.
import type { Glyphs } from "./glyphs.ts";

/** Sums of `values` in `width` groups of (nearly) equal size, oldest first. */
export function grouped(values: readonly number[], width: number): number[] {
  const sums = new Array<number>(width).fill(0);
  values.forEach((value, i) => {
    const group = Math.floor((i * width) / values.length);
    sums[group] = (sums[group] ?? 0) + value;
  });
  return sums;
}

/** One character a group, scaled to the largest. Anything above zero shows. */
export function sparkline(values: readonly number[], width: number, { levels }: Glyphs): string {
  const sums = grouped(values, Math.min(width, values.length));
  const max = Math.max(...sums);
  const top = levels.length - 1;
  return sums.map((v) => levels[v <= 0 ? 0 : Math.max(1, Math.round((v / max) * top))]).join("");
}

/** `height` rows, top first. */
export function chart(values: readonly number[], width: number, height: number, { levels }: Glyphs): string[] {
  const cells = stretched(values, width);
  const max = Math.max(...cells, Number.MIN_VALUE);
  const top = levels.length - 1;
  return Array.from({ length: height }, (_, row) => {
    const floor = (height - 1 - row) * top;
    return cells
      .map((v) => {
        const level = v <= 0 ? 0 : Math.max(1, Math.round((v / max) * height * top));
        return levels[Math.min(top, Math.max(0, level - floor))];
      })
      .join("");
  });
}

const stretched = (values: readonly number[], width: number): number[] =>
  width <= values.length
    ? grouped(values, width)
    : Array.from({ length: width }, (_, i) => values[Math.floor((i * values.length) / width)] ?? 0);

/** `left` (1 to 0) of the cells full. */
export function bar(left: number, width: number, { full, empty }: Glyphs): string {
  const cells = Math.round(Math.min(1, Math.max(0, left)) * width);
  return full.repeat(cells) + empty.repeat(width - cells);
}
