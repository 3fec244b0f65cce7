// What the state costs: memory of N sinks with full histories, µs an event, ms a scrape and a tick. Ends with 1 where a limit is broken
// (1,000 sinks under 30 MB, an event under 50 µs).
//   bun bench/status.ts [--sinks 1000] [--events 200000]
import { heapStats } from "bun:jsc";
import { parseArgs } from "node:util";
import { createMetrics } from "../src/admin/metrics/metrics.ts";
import type { Event, SinkInfo } from "../src/status/events.ts";
import { StatusStore } from "../src/status/store.ts";

const { values } = parseArgs({
  options: { sinks: { type: "string", default: "1000" }, events: { type: "string", default: "200000" } },
});
const sinks = Number(values.sinks);
const events = Number(values.events);

const ids = Array.from({ length: sinks }, (_, i) => `team-${i % 40}/policy-${i % 200}/sink-${i}`);
const info = (id: string): SinkInfo => ({
  id,
  policy: id.split("/").slice(0, 2).join("/"),
  sink: id.split("/")[2] ?? "",
  generation: 1,
  endpoint: `https://${id.replaceAll("/", ".")}.example.com/api/v1/write`,
  auth: "basic",
  batch: { maxSize: 500, timeoutMs: 5_000 },
  retry: { maxAttempts: 3, backoffMs: 5_000 },
  sources: [{ name: "metrics", query: `{job="${id}"}`, kind: "raw" }],
});

let now = Date.UTC(2026, 10, 23, 14);
const store = new StatusStore();
/** An event of its own text each, as real ones are. */
function happen(i: number): void {
  const id = ids[Math.floor(i / 4) % sinks] ?? "";
  const fails = (i / (4 * sinks)) % 7 < 1;
  const emit = (event: object) => store.dispatch({ at: now, id, ...event } as Event);
  switch (i % 4) {
    case 0:
      return emit({
        type: "window-read",
        source: "metrics",
        from: now - 15_000,
        to: now,
        read: 500,
        series: 400,
        bytes: 9_000,
        durationMs: 12,
        sourceNow: now,
        dropped: {},
      });
    case 1:
      return emit({ type: "attempt-started", attempt: 1, samples: 500, bytes: 5_000, inFlight: 1, concurrency: 2 });
    case 2:
      return emit({
        type: "attempt-ended",
        attempt: 1,
        maxAttempts: 3,
        samples: 500,
        bytes: 5_000,
        durationMs: 10 + (i % 300),
        inFlight: 0,
        result: fails
          ? {
              kind: "failed",
              reason: "ServerError",
              status: 503,
              message: `The endpoint is unavailable (503). It said: try again, request ${i} ${"x".repeat(100)}`,
            }
          : { kind: "delivered", status: 204 },
      });
    default:
      return emit({ type: "cursor-moved", source: "metrics", cursor: now - 5_000, sourceNow: now });
  }
}

const held = () => {
  Bun.gc(true);
  return heapStats().heapSize;
};

const before = held();
store.dispatch({ type: "agent-started", at: now, version: "0", sourceUrl: "http://vm/", stateDir: "/s", listen: "x" });
const policies = [...new Set(ids.map((id) => info(id).policy))];
store.dispatch({
  type: "policies-loaded",
  at: now,
  policies: policies.map((id) => ({
    id,
    generation: 1,
    file: "p.yaml",
    sinks: ids.filter((s) => info(s).policy === id),
  })),
  problems: [],
  files: 1,
  ok: true,
});
for (const id of ids) store.dispatch({ type: "sink-started", at: now, sink: info(id) });

// Every history full: 20 attempts, rings of an hour.
for (let round = 0; round < 24; round++) {
  now += 180_000;
  for (let i = 0; i < 4 * sinks; i++) happen(round * 4 * sinks + i);
}
const state = held() - before;

const started = performance.now();
for (let i = 0; i < events; i++) {
  if (i % 2_000 === 0) now += 1_000;
  happen(i);
}
const eventUs = (1_000 * (performance.now() - started)) / events;

const ticks = performance.now();
for (let i = 0; i < 100; i++) store.dispatch({ type: "tick", at: (now += 1_000) });
const tickMs = (performance.now() - ticks) / 100;

const metrics = createMetrics(store, () => ({ tableSeries: 1, apiRequests: [] }));
for (const id of ids) store.dispatch({ type: "sink-started", at: now, sink: info(id) });
await metrics.text();
const scrapes = performance.now();
let bytes = 0;
for (let i = 0; i < 5; i++) bytes = (await metrics.text()).length;
const scrapeMs = (performance.now() - scrapes) / 5;
const measuring = performance.now();
for (let i = 0; i < events; i++) happen(i);
const measuredUs = (1_000 * (performance.now() - measuring)) / events;
metrics.close();
const json = performance.now();
const snapshotMb = JSON.stringify(store.snapshot).length / 1e6;
const jsonMs = performance.now() - json;

console.log(`${sinks} sinks
state              ${(state / 1e6).toFixed(1)} MB with full histories (limit 30 MB for 1,000 sinks)
an event           ${eventUs.toFixed(1)} µs, ${measuredUs.toFixed(1)} µs with metrics (limit 50 µs)
a tick             ${tickMs.toFixed(2)} ms
/metrics           ${scrapeMs.toFixed(0)} ms, ${(bytes / 1e6).toFixed(1)} MB
/api/v1/snapshot   ${jsonMs.toFixed(0)} ms, ${snapshotMb.toFixed(1)} MB`);
if (state > 30_000 * sinks || measuredUs > 50) process.exitCode = 1;
