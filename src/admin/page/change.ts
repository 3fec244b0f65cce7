// What makes one view into the next: what the browser is sent instead of a page. Pure.
import type { Cells, Row } from "./row.ts";
import { type Texts, textNames, type View } from "./view.ts";

export type Change = {
  texts?: Partial<Texts>;
  /** Changed cells by sink; all of them for a sink that is new. */
  rows?: Record<string, Partial<Cells>>;
  gone?: string[];
  /** The names of all rows in their order, where it is another. */
  order?: string[];
};

/** Undefined: nothing has changed. */
export function changeOf(before: View, after: View): Change | undefined {
  const texts: Record<string, readonly string[]> = {};
  for (const name of textNames) if (!same(before.texts[name], after.texts[name])) texts[name] = after.texts[name];
  const known = new Map(before.rows.map((row) => [row.id, row.cells]));
  const rows: Record<string, Partial<Cells>> = {};
  for (const { id, cells } of after.rows) {
    const changed = changedCells(known.get(id), cells);
    if (changed !== undefined) rows[id] = changed;
    known.delete(id);
  }
  const change: Change = {
    ...(Object.keys(texts).length === 0 ? {} : { texts }),
    ...(Object.keys(rows).length === 0 ? {} : { rows }),
    ...(known.size === 0 ? {} : { gone: [...known.keys()] }),
    ...(sameOrder(before.rows, after.rows) ? {} : { order: after.rows.map((row) => row.id) }),
  };
  return Object.keys(change).length === 0 ? undefined : change;
}

function changedCells(before: Cells | undefined, after: Cells): Partial<Cells> | undefined {
  if (before === undefined) return after;
  let changed: Record<string, unknown> | undefined;
  for (const name in after) {
    const key = name as keyof Cells;
    if (before[key] !== after[key]) (changed ??= {})[key] = after[key];
  }
  return changed;
}

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((line, i) => line === b[i]);

const sameOrder = (a: readonly Row[], b: readonly Row[]): boolean =>
  a.length === b.length && a.every((row, i) => row.id === b[i]?.id);
