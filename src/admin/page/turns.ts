// Work on many rows that leaves the event loop to others now and then. Pure.

/** Rows between two turns of others: a few milliseconds. */
const ROWS_A_TURN = 100;

export async function inTurns<A, B>(
  rows: readonly A[],
  work: (row: A) => B,
  turn: () => Promise<void>,
): Promise<readonly B[]> {
  const made: B[] = [];
  for (let from = 0; from < rows.length; from += ROWS_A_TURN) {
    if (from > 0) await turn();
    for (const row of rows.slice(from, from + ROWS_A_TURN)) made.push(work(row));
  }
  return made;
}
