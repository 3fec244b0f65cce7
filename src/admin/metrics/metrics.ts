// /metrics: everything is read from the snapshot at the moment of a scrape, so that metrics and status cannot disagree; only sums over
// events are kept here (observed.ts).
import { breathe } from "../../platform/breathe.ts";
import type { StatusStore } from "../../status/store.ts";
import { definitions } from "./definitions.ts";
import { familyText } from "./exposition.ts";
import { Observed, observations } from "./observed.ts";
import { type Counted, processInfo, watchEventLoop } from "./process.ts";

export type Metrics = { text(): Promise<string>; close(): void };

export function createMetrics(store: StatusStore, counted: () => Counted): Metrics {
  const observed = new Observed();
  let making: Promise<string> | undefined;
  const unsubscribe = store.subscribe((event) => observed.observe(event));
  const unwatch = watchEventLoop((ms) => observed.loopSeconds.observe(ms / 1000));
  /** One state for all of them. With 1,000 sinks a family takes long enough to let others go first. */
  async function make(): Promise<string> {
    const known = { s: store.snapshot, p: processInfo(counted()) };
    const families: string[] = [];
    const add = async (text: string) => {
      families.push(text);
      await breathe();
    };
    for (const definition of observations) await add(familyText(definition, observed));
    for (const definition of definitions) await add(familyText(definition, known));
    return families.join("\n");
  }
  return {
    async text() {
      making ??= make();
      try {
        return await making;
      } finally {
        making = undefined;
      }
    },
    close() {
      unsubscribe();
      unwatch();
    },
  };
}
