// Labelled paragraphs and tables, as several screens show them. Pure.
import { type Line, line, seg } from "./line.ts";
import { type Column, layOut, tableRow, titles } from "./table.ts";
import { fit, widthOf, wrap } from "./width.ts";

export const LABEL = 10;
/** Longer lines are hard to read. */
const TEXT = 110;

/** `Cause     The endpoint is unavailable …`, wrapped under itself. */
export function paragraph(label: string, text: string, columns: number): Line[] {
  return wrap(text, Math.min(columns - LABEL, TEXT)).map((t, i) =>
    line(seg(fit(i === 0 ? label : "", LABEL, ""), "dim"), seg(t)),
  );
}

export function table<Row>(columns: readonly Column<Row>[], list: readonly Row[], width: number, more: string): Line[] {
  const placed = layOut(columns, width);
  return [titles(placed, more), ...list.map((row) => tableRow(placed, row, more))];
}

export const longest = (texts: readonly string[]): number => Math.max(6, ...texts.map(widthOf));
