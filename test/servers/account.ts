// The account of each sink as a scrape of /metrics shows it: read = delivered + dropped (by reason) + returned + pending.
import type { Running } from "./binary.ts";

export type Account = { read: number; delivered: number; dropped: number; returned: number; pending: number };

/** By sink: `policy/sink`. */
export function accounts(metrics: ReadonlyMap<string, number>): Map<string, Account> {
  const found = new Map<string, Account>();
  for (const [key, value] of metrics) {
    const one =
      /^outflow_sink_samples_(read_total|delivered_total|dropped_total|returned_total|pending)\{policy="([^"]*)",sink="([^"]*)"/.exec(
        key,
      );
    if (one === null) continue;
    const id = `${one[2]}/${one[3]}`;
    const account = found.get(id) ?? { read: 0, delivered: 0, dropped: 0, returned: 0, pending: 0 };
    found.set(id, account);
    account[one[1]!.replace("_total", "") as keyof Account] += value;
  }
  return found;
}

/** Sinks whose account does not balance, each with its numbers. */
export const unbalanced = (metrics: ReadonlyMap<string, number>): string[] =>
  [...accounts(metrics)]
    .filter(([, { read, delivered, dropped, returned, pending }]) => read !== delivered + dropped + returned + pending)
    .map(([id, account]) => `${id} ${JSON.stringify(account)}`);

export type Scrapes = {
  /** Scrapes that had at least one sink in them. */
  count: number;
  /** What did not balance, at any of them. */
  unbalanced: string[];
  /** By sink: the scrape in which most was pending, dropped and so on, to show that there was something to balance. */
  most: Map<string, Account>;
  stop(): Promise<void>;
};

/** Scrapes what `agent()` is at the time, again and again, until stopped; one that does not answer (killed, starting) is passed over. */
export function scrape(agent: () => Running | undefined, everyMs = 100): Scrapes {
  const stopped = new AbortController();
  const scrapes: Scrapes = {
    count: 0,
    unbalanced: [],
    most: new Map(),
    async stop() {
      stopped.abort();
      await running;
    },
  };
  const look = (metrics: ReadonlyMap<string, number>) => {
    const all = accounts(metrics);
    if (all.size === 0) return;
    scrapes.count++;
    scrapes.unbalanced.push(...unbalanced(metrics));
    for (const [id, account] of all) {
      const most = scrapes.most.get(id) ?? { ...account };
      scrapes.most.set(id, most);
      for (const key of Object.keys(account) as (keyof Account)[]) most[key] = Math.max(most[key], account[key]);
    }
  };
  const running = (async () => {
    while (!stopped.signal.aborted) {
      await agent()
        ?.metrics()
        .then(look, () => {});
      await new Promise((done) => setTimeout(done, everyMs)); // the scraper's own pace
    }
  })();
  return scrapes;
}
