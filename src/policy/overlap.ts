// Two sources of one sink that select the same series: both copies are sent, as the API says, and that is rarely meant. Pure.
import type { Filter, Source } from "./policy.ts";

/** Pairs of a sink's sources of which one has all that the other selects; `later` indexes `names`. */
export function overlap(names: readonly string[], sources: readonly Source[]): { later: number; message: string }[] {
  const found: { later: number; message: string }[] = [];
  names.forEach((name, later) => {
    const b = sources.find((s) => s.name === name);
    const twin = names.slice(0, later).find((other) => {
      const a = sources.find((s) => s.name === other);
      return a !== undefined && b !== undefined && (covers(a, b) || covers(b, a));
    });
    if (twin !== undefined)
      found.push({
        later,
        message: `selects series that source "${twin}" selects too, and both copies are sent; narrow one of them`,
      });
  });
  return found;
}

/** Every series of `narrow` is in `wide`: by their filters, or because they are the same text. */
function covers(wide: Source, narrow: Source): boolean {
  if (wide.query.trim() === narrow.query.trim()) return true;
  if (wide.filters === undefined || narrow.filters === undefined) return false;
  if (wide.filters.length === 0 || narrow.filters.length === 0) return wide.filters.length === 0;
  return narrow.filters.every((group) =>
    wide.filters!.some((other) => other.every((filter) => group.some(same(filter)))),
  );
}

const same =
  (a: Filter) =>
  (b: Filter): boolean =>
    a.label === b.label && a.op === b.op && a.value === b.value;
