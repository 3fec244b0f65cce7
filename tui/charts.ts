// Numbers over time as characters: a sparkline of one row, areas in blocks, lines in braille, a bar that empties. Pure.
import type { Glyphs } from "./glyphs.ts";
import { type Segment, type Style, seg } from "./line.ts";

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

/** An area over `height` rows, top first. Where a column stands for several values it is the largest of them. */
export function area(values: readonly number[], width: number, height: number, { levels }: Glyphs): string[] {
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

/** `values` as `width` columns: the largest of each group, or each value several times. */
export const stretched = (values: readonly number[], width: number): number[] =>
  Array.from({ length: width }, (_, i) => {
    const from = Math.floor((i * values.length) / width);
    const to = Math.max(from + 1, Math.floor(((i + 1) * values.length) / width));
    return Math.max(...values.slice(from, to), 0);
  });

export type Curve = { values: readonly number[]; style: Style };

/**
 * Curves over `height` rows, top first, all on one scale from 0; a value of 0 is a gap. The last curve lies on top where two share
 * a cell.
 */
export function curves(list: readonly Curve[], width: number, height: number, glyphs: Glyphs): Segment[][] {
  const max = Math.max(...list.flatMap((c) => c.values), Number.MIN_VALUE);
  return glyphs.braille ? braille(list, width, height, max) : plainCurves(list, width, height, max);
}

/** The bits of a braille cell, by column and then by row from the top. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

function braille(list: readonly Curve[], width: number, height: number, max: number): Segment[][] {
  const bits = Array.from({ length: height }, () => new Array<number>(width).fill(0));
  const styles = Array.from({ length: height }, () => new Array<Style>(width).fill("plain"));
  for (const { values, style } of list) {
    let before: number | undefined;
    stretched(values, width * 2).forEach((v, x) => {
      if (v <= 0) {
        before = undefined;
        return;
      }
      const y = Math.round((v / max) * (height * 4 - 1));
      const [low, high] = before === undefined ? [y, y] : [Math.min(y, before), Math.max(y, before)];
      before = y;
      for (let at = low; at <= high; at++) {
        const fromTop = height * 4 - 1 - at;
        const row = Math.floor(fromTop / 4);
        const column = Math.floor(x / 2);
        const cells = bits[row];
        const look = styles[row];
        if (cells === undefined || look === undefined) continue;
        cells[column] = (cells[column] ?? 0) | (DOTS[x % 2 === 0 ? 0 : 1][fromTop % 4] ?? 0);
        look[column] = style;
      }
    });
  }
  return bits.map((cells, row) =>
    runs(
      cells.map((b) => (b === 0 ? " " : String.fromCodePoint(0x2800 + b))),
      styles[row] ?? [],
    ),
  );
}

/** Three heights a row. */
const MARKS = [".", "-", "'"] as const;

function plainCurves(list: readonly Curve[], width: number, height: number, max: number): Segment[][] {
  const rows = Array.from({ length: height }, () => new Array<string>(width).fill(" "));
  const styles = Array.from({ length: height }, () => new Array<Style>(width).fill("plain"));
  for (const { values, style } of list) {
    stretched(values, width).forEach((v, x) => {
      if (v <= 0) return;
      const level = Math.round((v / max) * (height * 3 - 1));
      const row = height - 1 - Math.floor(level / 3);
      const cells = rows[row];
      const look = styles[row];
      if (cells === undefined || look === undefined) return;
      cells[x] = MARKS[level % 3] ?? ".";
      look[x] = style;
    });
  }
  return rows.map((cells, row) => runs(cells, styles[row] ?? []));
}

/** Neighbours of one style as one piece of text. */
function runs(cells: readonly string[], styles: readonly Style[]): Segment[] {
  const made: Segment[] = [];
  cells.forEach((text, i) => {
    const style = text === " " ? (made.at(-1)?.style ?? "plain") : (styles[i] ?? "plain");
    const last = made.at(-1);
    if (last?.style === style) last.text += text;
    else made.push(seg(text, style));
  });
  return made;
}

/** `left` (1 to 0) of the cells full. */
export function bar(left: number, width: number, { full, empty }: Glyphs): string {
  const cells = Math.round(Math.min(1, Math.max(0, left)) * width);
  return full.repeat(cells) + empty.repeat(width - cells);
}
