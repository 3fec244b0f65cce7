// What the recording behind the screen takes: an agent's hours, played as fast as it goes.
//   bun bench/tui-recording.ts [--hours 2] [--sinks 1000] [--changing 67]
// Prints what is kept and the memory of the process; exits 1 if the recording is over its bound, or the process grows in the last hour,
// when an hour is kept and what comes in replaces what goes out. 67 a second are 1,000 sinks that are polled every 15 s.
import { parseArgs } from "node:util";
import { breathe } from "../src/platform/breathe.ts";
import type { Event, SinkInfo } from "../src/status/events.ts";
import { initialSnapshot, reduce } from "../src/status/reduce.ts";
import { Playback } from "../tui/recording/playback.ts";
import { MEMORY_BYTES, Recorder } from "../tui/recording/recorder.ts";

const { values } = parseArgs({
  options: {
    hours: { type: "string", default: "2" },
    sinks: { type: "string", default: "1000" },
    changing: { type: "string", default: "67" },
  },
});
const [hours, sinks, changing] = [values.hours, values.sinks, values.changing].map(Number) as [number, number, number];

let now = Date.UTC(2026, 10, 23, 14);
let snapshot = initialSnapshot;
let recorder: Recorder | undefined;
let recordMs = 0;
type Script<E = Event> = E extends Event ? Omit<E, "at"> : never;
function send(event: Script): void {
  const whole = { ...event, at: now } as Event;
  snapshot = reduce(snapshot, whole);
  const began = performance.now();
  recorder?.note(whole, snapshot);
  recordMs += performance.now() - began;
}

const infos: SinkInfo[] = Array.from({ length: sinks }, (_, i) => {
  const [policy, sink] = [`region-${i % 20}`, `sink-${i}`];
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
  const samples = 100 + ((n * 37) % 400);
  const about = { id, attempt: 1, samples, bytes: samples * 9 };
  send({
    ...{ type: "window-read", id, source: "metrics", from: now - 20_000, to: now - 5_000, read: samples },
    ...{ series: samples, bytes: samples * 40, durationMs: 4, sourceNow: now, dropped: {} },
  });
  send({ type: "attempt-started", ...about, inFlight: 1, concurrency: 2 });
  send({
    ...{ type: "attempt-ended", ...about, maxAttempts: 3, durationMs: 20 + (n % 60), inFlight: 0 },
    result: { kind: "delivered", status: 204 },
  });
  send({ type: "cursor-moved", id, source: "metrics", cursor: now - 5_000, sourceNow: now });
}

const mb = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1).padStart(6);
const rss = (): number => {
  Bun.gc(true);
  return process.memoryUsage().rss;
};

send({ type: "agent-started", version: "bench", sourceUrl: "http://127.0.0.1:8428", stateDir: "/s", listen: "off" });
for (const sink of infos) send({ type: "sink-started", sink });
recorder = new Recorder(snapshot, { pause: breathe });
const MINUTE = 60;
const measured: number[] = [];
let n = 0;
console.log(`${sinks} sinks, ${changing} of them changing each second, for ${hours} hours`);
console.log("minute  kept MB  span min  process MB");
for (let second = 1; second <= hours * 3_600; second++) {
  now += 1_000;
  for (let i = 0; i < changing; i++) change(infos[n++ % sinks]!.id, n);
  send({ type: "tick" });
  await breathe();
  if (second % (10 * MINUTE) !== 0) continue;
  measured.push(rss());
  const span = (now - recorder.chunks[0]!.from) / 60_000;
  console.log(
    `${String(second / MINUTE).padStart(6)}  ${mb(recorder.bytes)}  ${span.toFixed(0).padStart(8)}  ${mb(measured.at(-1)!).padStart(10)}`,
  );
}
const { bytes } = recorder;
const lastHour = measured.slice(-6);
const growth = (lastHour.at(-1)! - lastHour[0]!) / 1024 / 1024;
console.log(`recording costs ${(recordMs / (hours * 3_600)).toFixed(2)} ms a second`);
const playback = new Playback(() => recorder!.chunks, { pause: breathe, monotonicMs: () => performance.now() });
for (const back of [5_000, 10_000, 600_000, 605_000]) {
  const began = performance.now();
  await playback.at(now - back);
  console.log(`the moment ${back / 1_000} s ago is found in ${(performance.now() - began).toFixed(0)} ms`);
}
const wrong = [
  ...(bytes > MEMORY_BYTES ? [`${mb(bytes)} MB are kept`] : []),
  ...(growth >= 10 ? [`the process grew by ${growth.toFixed(1)} MB in the last hour`] : []),
];
console.log(
  wrong.length === 0
    ? `within the limits: ${growth.toFixed(1)} MB more in the last 50 minutes`
    : `OVER the limit: ${wrong.join(", ")}`,
);
process.exitCode = wrong.length === 0 ? 0 : 1;
