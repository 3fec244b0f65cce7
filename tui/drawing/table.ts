// Rows and columns to lines of exactly `width`: columns come in by importance while they fit, then grow to what they like, then the
// rest goes to the one that takes it. Nothing wraps. Pure.
import { type Hit, type Line, padded, type Segment, seg } from "./line.ts";
import { fit, widthOf } from "./width.ts";

export type Column<Row> = {
  title: string;
  align?: "left" | "right";
  /** 0 comes in first. */
  importance: number;
  /** Columns it cannot do without, and those it likes to have. */
  min: number;
  max: number;
  cell(row: Row, width: number): Segment | readonly Segment[];
  /** This one takes what is left; it and those behind it come in where all before them have as much as they like. */
  rest?: boolean;
  /** Only these widths are of use. */
  steps?: readonly number[];
  /** What a click on its title does. */
  hit?: Hit;
};

const GAP = 2;

export type Placed<Row> = { column: Column<Row>; width: number };

export function layOut<Row>(columns: readonly Column<Row>[], width: number): Placed<Row>[] {
  const taken = new Map<Column<Row>, number>();
  let left = width + GAP;
  let wished = 0;
  /** With as little as they can do with. */
  let modest = true;
  const byImportance = columns.toSorted((a, b) => a.importance - b.importance);
  for (const column of byImportance) {
    if (column.rest === true) modest = false;
    if (column.min + GAP > left - (modest ? 0 : wished)) break;
    taken.set(column, column.min);
    if (column.steps === undefined) wished += column.max - column.min;
    left -= column.min + GAP;
  }
  // A word beside a mark is worth less than a whole name.
  const byGain = byImportance.toSorted((a, b) => Number(a.steps !== undefined) - Number(b.steps !== undefined));
  for (const column of byGain) {
    const has = taken.get(column);
    if (has === undefined) continue;
    const most = has + Math.min(left, Math.max(0, column.max - has));
    const gets = column.steps === undefined ? most : (column.steps.findLast((step) => step <= most) ?? has);
    taken.set(column, gets);
    left -= gets - has;
  }
  for (const column of columns) {
    const has = taken.get(column);
    if (has === undefined || column.rest !== true) continue;
    taken.set(column, has + left);
    left = 0;
  }
  return columns.flatMap((column) => {
    const has = taken.get(column);
    return has === undefined ? [] : [{ column, width: has }];
  });
}

export function titles<Row>(placed: readonly Placed<Row>[], more: string): Line {
  return joined(
    placed.map(({ column, width }) => {
      const title = seg(fit(width < column.title.length ? "" : column.title, width, more, column.align), "dim");
      return [column.hit === undefined ? title : { ...title, hit: column.hit }];
    }),
  );
}

export function tableRow<Row>(placed: readonly Placed<Row>[], row: Row, more: string): Line {
  return joined(placed.map(({ column, width }) => cell(column, row, width, more)));
}

function cell<Row>(column: Column<Row>, row: Row, width: number, more: string): Segment[] {
  const made = column.cell(row, width);
  if (!Array.isArray(made)) {
    const one = made as Segment;
    return [{ ...one, text: fit(one.text, width, more, column.align) }];
  }
  const parts = made as readonly Segment[];
  const used = parts.reduce((n, s) => n + widthOf(s.text), 0);
  if (used > width) return [...padded({ segments: parts }, width, more).segments];
  const pad = seg(" ".repeat(width - used));
  return column.align === "right" ? [pad, ...parts] : [...parts, pad];
}

function joined(cells: readonly Segment[][]): Line {
  const gap = seg(" ".repeat(GAP));
  return { segments: cells.flatMap((segments, i) => (i === 0 ? segments : [gap, ...segments])) };
}
