// 200 sinks, 20 of them hanging and 20 refusing, in one agent (the compiled binary): how far the healthy ones are behind, and whether
// memory stays flat.      bun bench/sinks.ts [--minutes 10] [--sinks 200] [--series 50] [--poll 15]
// A poll that is on time is behind by the interval, --settle (5 s), its place in the interval (up to 5 s), a second of the clock and
// batch.timeout: 27 s at polls of 15 s, so "under two polls" says that nothing waits.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runAgent } from "../test/servers/binary.ts";
import { cpuSeconds, rss } from "./load/proc.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    sinks: { type: "string", default: "200" },
    series: { type: "string", default: "50" },
    poll: { type: "string", default: "15" },
  },
});
const POLL_MS = Number(values.poll) * 1000;
const sinks = Number(values.sinks);
const series = Number(values.series);
const bad = Math.floor(sinks / 10);

/** A source that always has a sample of each series every second. */
const source = createServer(async (request, response) => {
  let body = "";
  for await (const piece of request) body += piece;
  const form = new URLSearchParams(body);
  response.setHeader("x-server-hostname", "bench");
  const window = /\[(\d+)ms\]$/.exec(form.get("query") ?? "");
  if (window === null) return void response.end('{"status":"success","data":{"resultType":"scalar","result":[0,"1"]}}');
  const to = Math.round(Number(form.get("time")) * 1000);
  const first = Math.floor((to - Number(window[1])) / 1000) + 1;
  const pairs = Array.from(
    { length: Math.max(0, Math.floor(to / 1000) - first + 1) },
    (_, i) => `[${first + i},"${i}"]`,
  );
  const one = (i: number) => `{"metric":{"__name__":"m","i":"${i}"},"values":[${pairs.join(",")}]}`;
  const result = pairs.length === 0 ? "" : Array.from({ length: series }, (_, i) => one(i)).join(",");
  response.end(`{"status":"success","data":{"resultType":"matrix","result":[${result}]}}`);
});
/** `/hang` never answers, `/refuse` says 403, the rest takes everything. */
const sink = createServer((request, response) => {
  request.resume();
  request.once("end", () => {
    if (!request.url!.startsWith("/hang")) response.writeHead(request.url!.startsWith("/refuse") ? 403 : 204).end();
  });
});
await Promise.all([source, sink].map((s) => new Promise<void>((done) => s.listen(0, "127.0.0.1", done))));
const url = (s: typeof source) => `http://127.0.0.1:${(s.address() as AddressInfo).port}`;

const dir = mkdtempSync(join(tmpdir(), "outflow-bench-sinks-"));
const kind = (i: number) => (i < bad ? "hang" : i < 2 * bad ? "refuse" : "take");
const sinkYaml = (i: number) =>
  `    - { name: s${i}, sources: [m], target: { prometheusRemoteWrite: { endpoint: "${url(sink)}/${kind(i)}", batch: { maxSize: 500, timeout: 1s }, retry: { maxAttempts: 3, backoffDuration: 1s } } } }`;
/** A policy has at most this many. */
const IN_A_POLICY = 20;
for (let first = 0; first < sinks; first += IN_A_POLICY) {
  const own = Array.from({ length: Math.min(IN_A_POLICY, sinks - first) }, (_, i) => sinkYaml(first + i));
  writeFileSync(
    join(dir, `p${first}.yaml`),
    `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: p${first} }
spec:
  sources: [{ name: m, metrics: { metricsql: m } }]
  sinks:
${own.join("\n")}
`,
  );
}
const agent = await runAgent(
  ["--policies", dir, "--source-url", url(source), "--state-dir", join(dir, "state")].concat([
    "--poll-interval",
    `${POLL_MS}ms`,
    "--on-exhausted",
    "hold",
  ]),
);
const pid = agent.child.pid!;
const until = performance.now() + Number(values.minutes) * 60_000;
let worst = 0;
let started = 0;
console.log("  time  worst lag of healthy   RSS MiB   CPU s");
for (let n = 1; performance.now() < until; n++) {
  await new Promise((done) => setTimeout(done, 10_000));
  const lags = [...(await agent.metrics())].filter(
    ([key]) => key.startsWith("outflow_sink_lag_seconds") && Number(/sink="s(\d+)"/.exec(key)?.[1]) >= 2 * bad,
  );
  if (n > 4 && lags.length !== sinks - 2 * bad)
    throw new Error(`${lags.length} healthy sinks run: ${agent.log.slice(0, 2000)}`);
  const lag = Math.max(0, ...lags.map(([, v]) => v));
  if (n > 4) worst = Math.max(worst, lag);
  if (n === 6) started = rss(pid);
  console.log(
    `${String(n * 10).padStart(5)}s ${lag.toFixed(1).padStart(19)} s ${rss(pid).toFixed(0).padStart(9)} ${cpuSeconds(pid).toFixed(1).padStart(7)}`,
  );
}
console.log(
  `${sinks} sinks, ${bad} hanging, ${bad} refusing, polls of ${POLL_MS / 1000} s: healthy ones were at most ${worst.toFixed(1)} s behind; RSS ${started.toFixed(0)} MiB after a minute, ${rss(pid).toFixed(0)} MiB at the end.`,
);
await agent.stop();
for (const s of [source, sink]) {
  s.closeAllConnections();
  s.close();
}
rmSync(dir, { recursive: true, force: true });
process.exit(0);
