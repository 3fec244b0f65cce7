// SIGKILL again and again into a plain Prometheus (no out_of_order_time_window), which takes a series in order only and refuses a whole
// request for one sample that it has: does it have every sample of the source at the end?
//   bun bench/kills.ts [--kills 20] [--series 1000] [--every 1] [--poll 5] [--batch 500]
// `every`: seconds between two samples of a series. The agent lives for 1 to 8 s between two kills, at random.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { accounts } from "../test/servers/account.ts";
import { eventually, runAgent } from "../test/servers/binary.ts";
import { fleetPolicy, missing, row, size } from "../test/servers/contents.ts";
import { startPrometheus, startVictoriaMetrics } from "../test/servers/servers.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "20" },
    series: { type: "string", default: "1000" },
    every: { type: "string", default: "1" },
    poll: { type: "string", default: "5" },
    batch: { type: "string", default: "500" },
  },
});
const SELECTOR = '{job="fleet"}';
const everyMs = Number(values.every) * 1_000;
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

const dir = mkdtempSync(join(tmpdir(), "outflow-bench-kills-"));
const [source, sink] = await Promise.all([startVictoriaMetrics(), startPrometheus()]);
writeFileSync(
  join(dir, "p.yaml"),
  fleetPolicy(
    SELECTOR,
    { s: sink.writeUrl },
    `{ maxSize: ${values.batch}, timeout: 1s }`,
    "{ maxAttempts: 3, backoffDuration: 1s }",
  ),
);

const writing = new AbortController();
let written = 0;
const produced = (async () => {
  for (let n = 0; !writing.signal.aborted; n++) {
    const now = Date.now();
    await source.import(
      Array.from({ length: Number(values.series) }, (_, i) => row("m", { i: String(i) }, [[now, n]])),
    );
    written += Number(values.series);
    await pause(everyMs - (Date.now() - now));
  }
})();
// New series are visible at VictoriaMetrics after some 10 s: what is measured is kills, not that.
await eventually(
  "every series is visible",
  () => source.read(SELECTOR),
  (c) => c.size === Number(values.series),
);

const start = () =>
  runAgent([
    ...["--policies", join(dir, "p.yaml"), "--source-url", source.url, "--state-dir", join(dir, "state")],
    ...["--poll-interval", `${values.poll}s`, "--settle", "2s", "--on-exhausted", "hold", "--start", "10s"],
  ]);
const startedMs = Date.now();
for (let kill = 1; kill <= Number(values.kills); kill++) {
  const agent = await start();
  await eventually(
    "the agent is up",
    () => agent.metrics(),
    (m) => m.size > 0,
  );
  await pause(1_000 + Math.random() * 7_000);
  const account = await agent.metrics().then((m) => JSON.stringify(accounts(m).get("default/p/s")));
  await agent.stop("SIGKILL");
  console.log(`kill ${kill}: ${((Date.now() - startedMs) / 1_000).toFixed(0)} s, account of this life ${account}`);
}
const agent = await start();
writing.abort();
await produced;
const want = await eventually(
  "all that was written is visible at the source",
  () => source.read(SELECTOR),
  (c) => size(c) === written,
);
// What was before the sink's start does not count.
const first = Math.min(...[...(await sink.read(SELECTOR)).values()].map((list) => list[0]![0]));
for (const [series, list] of want)
  want.set(
    series,
    list.filter(([ts]) => ts >= first),
  );
await eventually(
  "all is settled",
  async () => accounts(await agent.metrics()).get("default/p/s")?.pending,
  (pending) => pending === 0,
  240_000,
).catch((e: Error) => console.log(e.message));
const have = await eventually(
  "the sink has all",
  () => sink.read(SELECTOR),
  (c) => missing(want, c).length === 0,
  30_000,
).catch(() => sink.read(SELECTOR));
const lost = missing(want, have);
const metrics = await agent.metrics();
console.log(`${values.kills} SIGKILLs, ${values.series} series every ${values.every} s, polls of ${values.poll} s:`);
console.log(`  ${size(want)} samples, ${lost.length} lost, ${missing(have, want).length} made up`);
if (lost.length > 0) console.log(lost.slice(0, 20).join("\n"));
for (const [key, n] of metrics)
  if (key.startsWith("outflow_sink_samples_dropped_total") && n > 0) console.log(`  ${key} ${n}`);
// What the source showed later than newer samples of its series, this receiver cannot take: a busy machine makes VictoriaMetrics slow.
const late = [...metrics].find(([key]) => key.startsWith("outflow_source_late_samples_total"));
console.log(
  `  late at the source (audit): ${late?.[1] ?? 0}; load now ${loadavg()
    .map((l) => l.toFixed(1))
    .join(" ")}`,
);
console.log(`  account of the last life ${JSON.stringify(accounts(metrics).get("default/p/s"))}`);
await agent.stop();
await Promise.all([source.remove(), sink.remove()]);
rmSync(dir, { recursive: true, force: true });
process.exit(lost.length > 0 ? 1 : 0);
