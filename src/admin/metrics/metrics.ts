// /metrics: a registry of the Prometheus client whose gauges and counters read the snapshot at the moment of a scrape, so that metrics
// and status cannot disagree; only sums over events are kept here (observed.ts).
import { Counter, Gauge, Registry } from "prom-client";
import type { StatusStore } from "../../status/store.ts";
import { definitions, type Value } from "./definitions.ts";
import { ObservedMetrics } from "./observed.ts";
import { processInfo, watchEventLoop } from "./process.ts";

export type Metrics = { contentType: string; text(): Promise<string>; close(): void };

/** `tableSeries`: how many series the series table holds. */
export function createMetrics(store: StatusStore, tableSeries: () => number | undefined): Metrics {
  const registry = new Registry();
  const events = new ObservedMetrics(registry);
  let shown = store.snapshot;
  let info = processInfo(undefined);
  let making: Promise<string> | undefined;
  for (const definition of definitions) {
    const read = () => definition.read(shown, info);
    const { name, help, type } = definition;
    const own: Own = { name, help, registers: [] };
    registry.registerMetric(type === "gauge" ? new ReadGauge(own, read) : new ReadCounter(own, read));
  }
  const unsubscribe = store.subscribe((event) => events.observe(event));
  const unwatch = watchEventLoop((ms) => events.loopWasLate(ms));
  /** One state for all of them. With 1,000 sinks a family takes long enough to let others go first. */
  async function make(): Promise<string> {
    shown = store.snapshot;
    info = processInfo(tableSeries());
    const families: string[] = [];
    for (const { name } of registry.getMetricsAsArray()) {
      families.push(await registry.getSingleMetricAsString(name));
      await new Promise((done) => setImmediate(done));
    }
    return `${families.join("\n\n")}\n`;
  }
  return {
    contentType: registry.contentType,
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

type Own = { name: string; help: string; registers: [] };

/** A gauge whose values are made when they are asked for, not kept. */
class ReadGauge extends Gauge {
  readonly #own: Own;
  readonly #read: () => Value[];
  constructor(own: Own, read: () => Value[]) {
    super(own);
    this.#own = own;
    this.#read = read;
  }
  override get(): ReturnType<Gauge["get"]> {
    return Promise.resolve(answer(this.#own, "gauge", this.#read()));
  }
}

class ReadCounter extends Counter {
  readonly #own: Own;
  readonly #read: () => Value[];
  constructor(own: Own, read: () => Value[]) {
    super(own);
    this.#own = own;
    this.#read = read;
  }
  override get(): ReturnType<Counter["get"]> {
    return Promise.resolve(answer(this.#own, "counter", this.#read()));
  }
}

/** As the client's own get() answers; its enum of types is no value at run time but the word. */
const answer = ({ name, help }: Own, type: "gauge" | "counter", values: Value[]) =>
  ({ name, help, type, aggregator: "sum", values }) as unknown as Awaited<ReturnType<Gauge["get"]>>;
