// The known function whose name is closest to a misspelt one.
import { lower } from "./chars.ts";
import { AGGREGATES, ROLLUPS, TRANSFORMS } from "./names.ts";

/** Undefined if none is near: one slip for every four characters, three at most. */
export function suggest(name: string): string | undefined {
  const wanted = lower(name);
  if (wanted.length > 60) return undefined;
  let best: string | undefined;
  let least = Math.min(3, Math.max(1, Math.floor(wanted.length / 4))) + 1;
  for (const names of [AGGREGATES, ROLLUPS, TRANSFORMS])
    for (const known of names) {
      if (Math.abs(known.length - wanted.length) >= least) continue;
      const slips = distance(wanted, known);
      if (slips < least) {
        least = slips;
        best = known;
      }
    }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours between two words. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let slips = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) slips = Math.min(slips, before[j - 2]! + 1);
      row.push(slips);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}
