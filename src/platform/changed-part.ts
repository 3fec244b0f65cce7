// Which part of a list has changed: what is the same at its beginning and its end need not be looked at. Pure.

/** `before.slice(from, beforeTo)` became `after.slice(from, afterTo)`; everything around is the same. */
export function changedPart<A, B>(
  before: readonly A[],
  after: readonly B[],
  same: (a: A, b: B) => boolean,
): { from: number; beforeTo: number; afterTo: number } {
  const most = Math.min(before.length, after.length);
  let from = 0;
  while (from < most && same(before[from]!, after[from]!)) from++;
  let [beforeTo, afterTo] = [before.length, after.length];
  while (beforeTo > from && afterTo > from && same(before[beforeTo - 1]!, after[afterTo - 1]!)) {
    beforeTo--;
    afterTo--;
  }
  return { from, beforeTo, afterTo };
}
