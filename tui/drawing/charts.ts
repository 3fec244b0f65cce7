// Numbers over time as characters: a sparkline of one row, and plots of several rows in braille or in blocks. Pure.
import { stretched } from "../../src/status/text/steady.ts";
import type { Glyphs } from "./glyphs.ts";
import { type Segment, type Style, seg } from "./line.ts";

/** One character a group of values, scaled to the largest. Anything above zero shows. */
export function sparkline(values: readonly number[], width: number, { levels }: Glyphs): string {
  const cells = stretched(values, Math.min(width, values.length));
  const max = Math.max(...cells);
  const top = levels.length - 1;
  return cells.map((v) => levels[v <= 0 ? 0 : Math.max(1, Math.round((v / max) * top))]).join("");
}

/** A value of 0 is a gap. `above`: values over it are in the colour of trouble. */
export type Curve = { values: readonly number[]; style: Style; above?: number | undefined };

export type Plot = {
  width: number;
  height: number /** The value of the top edge. */;
  max: number /** Area under the curve. */;
  fill: boolean;
};

/** The curves on one scale from 0, top row first; the last curve lies on top where two share a cell. */
export function plot(curves: readonly Curve[], size: Plot, glyphs: Glyphs): Segment[][] {
  const cells = glyphs.braille ? braille(curves, size) : blocks(curves, size, glyphs);
  return cells.map((row) => runs(row));
}

type Cell = { text: string; style: Style };

const styleAt = ({ style, above }: Curve, value: number): Style =>
  above !== undefined && value > above ? "bad" : style;

/** The bits of a braille cell, by column and then by row from the top. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

function braille(curves: readonly Curve[], { width, height, max, fill }: Plot): Cell[][] {
  const bits = Array.from({ length: height }, () => new Array<number>(width).fill(0));
  const styles = Array.from({ length: height }, () => new Array<Style>(width).fill("plain"));
  for (const curve of curves) {
    let before: number | undefined;
    stretched(curve.values, width * 2).forEach((v, x) => {
      if (v <= 0) {
        before = undefined;
        return;
      }
      const y = Math.min(height * 4 - 1, Math.round((v / max) * (height * 4 - 1)));
      const [low, high] = fill ? [0, y] : before === undefined ? [y, y] : [Math.min(y, before), Math.max(y, before)];
      before = y;
      for (let at = low; at <= high; at++) {
        const fromTop = height * 4 - 1 - at;
        const row = Math.floor(fromTop / 4);
        const column = Math.floor(x / 2);
        bits[row]![column]! |= DOTS[x % 2 === 0 ? 0 : 1][fromTop % 4] ?? 0;
        styles[row]![column] = styleAt(curve, v);
      }
    });
  }
  return bits.map((cells, row) =>
    cells.map((b, column) => ({
      text: b === 0 ? " " : String.fromCodePoint(0x2800 + b),
      style: styles[row]?.[column] ?? "plain",
    })),
  );
}

/** Areas, one over the other: the smaller curve comes last and lies in front. */
function blocks(curves: readonly Curve[], { width, height, max }: Plot, { levels }: Glyphs): Cell[][] {
  const cells = Array.from({ length: height }, () =>
    Array.from({ length: width }, (): Cell => ({ text: " ", style: "plain" })),
  );
  const top = levels.length - 1;
  for (const curve of curves) {
    stretched(curve.values, width).forEach((v, x) => {
      if (v <= 0) return;
      const level = Math.min(height * top, Math.max(1, Math.round((v / max) * height * top)));
      for (let row = 0; row < height; row++) {
        const own = Math.min(top, level - (height - 1 - row) * top);
        if (own > 0) cells[row]![x] = { text: levels[own] ?? " ", style: styleAt(curve, v) };
      }
    });
  }
  return cells;
}

/** Neighbours of one style as one piece of text. */
function runs(cells: readonly Cell[]): Segment[] {
  const made: Segment[] = [];
  for (const { text, style: own } of cells) {
    const last = made.at(-1);
    const style = text === " " ? (last?.style ?? "plain") : own;
    if (last?.style === style) last.text += text;
    else made.push(seg(text, style));
  }
  return made;
}
