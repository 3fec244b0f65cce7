// Columns that grow: typed arrays that move to a larger buffer. The old one is given back at once, it does not wait for the garbage
// collector; they grow by half, since with a million series the unused part costs memory.

export type Column =
  | Int32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** `column` with room for `length` elements at least, the new ones 0; the array that was passed must no longer be used. */
export function wider<C extends Column>(column: C, length: number): C {
  if (length <= column.length) return column;
  const room = Math.max(length, Math.ceil(column.length * 1.5));
  const make = column.constructor as new (buffer: ArrayBuffer) => C;
  return new make(column.buffer.transfer(room * column.BYTES_PER_ELEMENT));
}

/** Gives the memory of columns back at once: nobody may use them any more. */
export function release(...columns: readonly Column[]): void {
  for (const column of columns) column.buffer.transfer(0);
}
