// Series that the sink refused as such: their samples go in batches of their own, so that one of them costs the others nothing, and
// is asked for with few requests for as long as it is refused. Bounded; forgotten with their table, and found again.
import type { SeriesTable } from "../series/table.ts";

const MAX_SUSPECTS = 10_000;

export class Suspects {
  readonly #of = new WeakMap<SeriesTable, Set<number>>();

  /** True: something has changed. */
  set(table: SeriesTable, series: number, refused: boolean): boolean {
    const known = this.#of.get(table) ?? new Set();
    this.#of.set(table, known);
    if (!refused) return known.delete(series);
    if (known.has(series) || known.size >= MAX_SUSPECTS) return false;
    known.add(series);
    return true;
  }

  of(table: SeriesTable): ReadonlySet<number> {
    return this.#of.get(table) ?? NONE;
  }
}

const NONE: ReadonlySet<number> = new Set();
