// The fingerprints of a table's series (SeriesTable.fingerprint), by which they are found again after a restart.
import { wider } from "../../series/columns.ts";
import type { SeriesTable } from "../../series/table.ts";

/** By table and id, 0 where not made yet: labels never change, so their hash is made once. */
const prints = new WeakMap<SeriesTable, { column: Float64Array<ArrayBuffer> }>();

/** The fingerprint of a series: the same with the same seed. */
export function fingerprint(table: SeriesTable, id: number): number {
  const column = columnOf(table, id + 1);
  if (column[id] === 0) {
    if (id >= table.size) throw new RangeError(`no series ${id} in the table`); // its number would be kept for the one that comes
    column[id] = table.fingerprint(id);
  }
  return column[id]!;
}

/** Those of the first `count` series, by id; valid until more are asked for. */
export function fingerprints(table: SeriesTable, count: number): Float64Array {
  const column = columnOf(table, count);
  const { size } = table;
  for (let id = 0; id < count && id < size; id++) if (column[id] === 0) column[id] = table.fingerprint(id);
  return column;
}

function columnOf(table: SeriesTable, count: number): Float64Array {
  let known = prints.get(table);
  if (known === undefined) prints.set(table, (known = { column: new Float64Array(1024) }));
  if (count > known.column.length) known.column = wider(known.column, Math.max(count, table.size));
  return known.column;
}
