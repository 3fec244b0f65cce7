// What bench/tui.ts measures: the TUI over a store with many sinks, some of which change each second as they do in an agent (a
// window read, a batch sent and taken, the cursor moved). Without a terminal, or with HEADLESS=1, only the store runs.
import { heapStats } from "bun:jsc";
import { writeFileSync } from "node:fs";
import { systemClock } from "../src/platform/clock.ts";
import type { Event, SinkInfo } from "../src/status/events.ts";
import { StatusStore } from "../src/status/store.ts";

const sinks = Number(process.env.SINKS);
const changing = Number(process.env.CHANGING);
const store = new StatusStore();
type Script<E = Event> = E extends Event ? Omit<E, "at"> : never;
const send = (event: Script) => store.dispatch({ ...event, at: systemClock.now() } as Event);

const infos: SinkInfo[] = Array.from({ length: sinks }, (_, i) => {
  const [policy, sink] = [`region-${String(i % 20).padStart(2, "0")}`, `sink-${String(i).padStart(4, "0")}`];
  return {
    id: `default/${policy}/${sink}`,
    policy: `default/${policy}`,
    sink,
    generation: 1,
    endpoint: `https://${sink}.example.com/api/v1/write`,
    auth: "basic",
    batch: { maxSize: 500, timeoutMs: 5_000 },
    retry: { maxAttempts: 3, backoffMs: 5_000 },
    sources: [{ name: "metrics", query: '{job="node"}', kind: "raw" }],
  };
});

function change(id: string, n: number): void {
  const now = systemClock.now();
  const samples = 100 + ((n * 37) % 400);
  const about = { id, attempt: 1, samples, bytes: samples * 9 };
  send({
    ...{ type: "window-read", id, source: "metrics", from: now - 20_000, to: now - 5_000, read: samples },
    ...{ series: samples, bytes: samples * 40, durationMs: 4, sourceNow: now, dropped: {} },
  });
  send({ type: "attempt-started", ...about, inFlight: 1, concurrency: 2 });
  const failed = n % 97 === 0;
  send({
    ...{ type: "attempt-ended", ...about, maxAttempts: 3, durationMs: 20 + (n % 60), inFlight: 0 },
    result: failed
      ? { kind: "failed", reason: "ServerError", status: 503, message: "The endpoint is unavailable (503)." }
      : { kind: "delivered", status: 204 },
  });
  if (!failed) send({ type: "cursor-moved", id, source: "metrics", cursor: now - 5_000, sourceNow: now });
}

send({ type: "agent-started", version: "bench", sourceUrl: "http://127.0.0.1:8428", stateDir: "/s", listen: "off" });
const policies = new Map<string, string[]>();
for (const { policy, id } of infos) policies.set(policy, [...(policies.get(policy) ?? []), id]);
send({
  type: "policies-loaded",
  policies: [...policies].map(([id, ids]) => ({ id, generation: 1, file: `${id}.yaml`, sinks: ids })),
  problems: [],
  files: policies.size,
  ok: true,
});
for (const sink of infos) send({ type: "sink-started", sink });
send({ type: "source-answered", kind: "victoriametrics", clockDifferenceMs: 0 });

/** What is alive, garbage left out, in bytes: written to $ALIVE at each SIGUSR2. */
let recordingBytes = () => 0;
process.on("SIGUSR2", () => {
  Bun.gc(true);
  writeFileSync(process.env.ALIVE ?? "", JSON.stringify({ heap: heapStats().heapSize, recording: recordingBytes() }));
});

const ended = new AbortController();
if (process.env.HEADLESS !== "1") {
  const { startTui } = await import("../tui/start.tsx");
  const screen = startTui({ store, env: process.env, actions: () => "A measurement.", quit: () => ended.abort() });
  void screen.then((tui) => {
    recordingBytes = tui.recordingBytes;
  });
}
// The changes are spread over the second, as those of an agent are.
const STEPS = 20;
let n = 0;
for (let step = 0; await systemClock.sleep(1_000 / STEPS, ended.signal); step++) {
  for (let i = 0; i < changing / STEPS; i++) change(infos[n++ % sinks]!.id, n);
  if (step % STEPS === 0) send({ type: "tick" });
}
process.exit(0);
