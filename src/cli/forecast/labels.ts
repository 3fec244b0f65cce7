// Which labels of a query have most values: where cardinality comes from.
import type { Frame } from "../../series/frame.ts";

export type WideLabel = { name: string; values: number };

const LOOKS = 1_000;

/** The widest first. `breathe`: lets others run. */
export async function widestLabels(frame: Frame, n: number, breathe: () => Promise<void>): Promise<WideLabel[]> {
  const values = new Map<string, Set<string>>();
  for (let run = 0; run < frame.runs; run++) {
    for (const [name, value] of frame.table.labels(frame.runSeries[run]!)) {
      const known = values.get(name);
      if (known === undefined) values.set(name, new Set([value]));
      else known.add(value);
    }
    if (run % LOOKS === LOOKS - 1) await breathe();
  }
  return [...values]
    .map(([name, { size }]) => ({ name, values: size }))
    .sort((a, b) => b.values - a.values || (a.name < b.name ? -1 : 1))
    .slice(0, n);
}
