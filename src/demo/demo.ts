// The two ends of the demo, and what they saw at its end. The agent between them is the real one.
import type { Clock } from "../platform/clock.ts";
import { dropReasons } from "../status/events.ts";
import type { Snapshot } from "../status/snapshot.ts";
import { Fleet } from "./fleet.ts";
import { hostReadings } from "./host.ts";
import { type Counts, startReceiver } from "./receiver.ts";
import { SeriesStore } from "./series.ts";
import { type Compile, startSource } from "./source.ts";

export type Demo = {
  sourceUrl: string;
  /** The policy with the receiver's port. */
  policyText: string;
  counts(sink: string): Counts;
  close(): Promise<void>;
};

/** Where each sink of policies/demo.yaml writes to. */
const pathOf = (sink: string): string => (sink === "steady" ? "/api/v1/write" : `/${sink}/api/v1/write`);
const SEED = 42;

export async function startDemo(clock: Clock, policyTemplate: string, compile: Compile): Promise<Demo> {
  const series = new SeriesStore();
  const began = clock.monotonicMs();
  const source = await startSource(series, compile);
  const receiver = await startReceiver(() => clock.monotonicMs() - began);
  const ended = new AbortController();
  const living = live(clock, series, ended.signal);
  return {
    sourceUrl: source.url,
    policyText: policyTemplate.replaceAll("http://127.0.0.1:9471", receiver.url),
    counts: (sink) => receiver.counts(pathOf(sink)),
    async close() {
      ended.abort();
      await living;
      await Promise.all([source.close(), receiver.close()]);
    },
  };
}

/** A sample of everything, each second. */
async function live(clock: Clock, series: SeriesStore, signal: AbortSignal): Promise<void> {
  const fleet = new Fleet(SEED);
  for (let second = 0; ; second++) {
    const at = clock.now();
    const { readings, ended } = fleet.step(second);
    series.add(at, readings);
    for (const labels of ended) series.end(at, labels);
    series.add(at, hostReadings());
    if (!(await clock.sleep(1000, signal))) return;
  }
}

/** The closing table, and one sentence on whether all of it balances. Pure. */
export function demoSummary(s: Snapshot, counts: (sink: string) => Counts): { text: string; ok: boolean } {
  const rows = [["sink", "read", "delivered", "dropped", "returned", "pending", "retries", "receiver has", "repeats"]];
  let balances = true;
  let arrived = false;
  for (const sink of Object.values(s.sinks)) {
    const { read, delivered, returned, pending } = sink.account;
    const dropped = dropReasons.reduce((n, reason) => n + sink.account.dropped[reason], 0);
    const receiver = counts(sink.info.sink);
    const stored = receiver.samples + receiver.repeats;
    // Of what was returned the receiver may have some: a request whose response came after the drain timeout.
    balances &&= read === delivered + dropped + returned + pending;
    balances &&= delivered <= stored && stored <= delivered + returned;
    arrived ||= delivered > 0;
    rows.push(
      [
        sink.info.sink,
        read,
        delivered,
        dropped,
        returned,
        pending,
        sink.retries,
        receiver.samples,
        receiver.repeats,
      ].map(String),
    );
  }
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  const table = rows
    .map((row) => row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!))).join("  "))
    .join("\n");
  const verdict = !balances
    ? "This does not balance: please report this bug in outflow, with the table above."
    : arrived
      ? "Everything balances: read = delivered + dropped + returned + pending, and the receiver has what was delivered."
      : "Nothing was delivered yet: let it run longer.";
  return { text: `${table}\n${verdict}\n`, ok: balances && arrived };
}
