// A sink that is away in real time, between real servers (VictoriaMetrics on both sides), with the compiled binary and
// --on-exhausted hold: is every sample there once it is back, was memory flat, did the account balance at every look?
//   bun bench/outage.ts [--minutes 1] [--series 2000] [--every 10] [--poll 15]
// `every`: seconds between two samples of a series. After the outage the next try may be up to 6 minutes away (the backoff's cap
// and its chance), as for any sink; the command waits for it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { accounts, unbalanced } from "../test/servers/account.ts";
import { eventually, runAgent } from "../test/servers/binary.ts";
import { fleetPolicy, missing, row, size } from "../test/servers/contents.ts";
import { startVictoriaMetrics } from "../test/servers/servers.ts";
import { cpuSeconds, rss } from "./load/proc.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    series: { type: "string", default: "2000" },
    every: { type: "string", default: "10" },
    poll: { type: "string", default: "15" },
  },
});
const SELECTOR = '{job="fleet"}';
const everyMs = Number(values.every) * 1000;
const LIVE_MS = 60_000;
const LOOK_MS = 5_000;
const BACK_WITHIN_MS = 600_000;
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

const dir = mkdtempSync(join(tmpdir(), "outflow-bench-outage-"));
const [source, sink] = await Promise.all([startVictoriaMetrics(), startVictoriaMetrics()]);
writeFileSync(
  join(dir, "p.yaml"),
  fleetPolicy(
    SELECTOR,
    { s: sink.writeUrl },
    "{ maxSize: 5000, timeout: 5s }",
    "{ maxAttempts: 3, backoffDuration: 1s }",
  ),
);
const agent = await runAgent([
  ...["--policies", join(dir, "p.yaml"), "--source-url", source.url, "--state-dir", join(dir, "state")],
  ...["--poll-interval", `${values.poll}s`, "--on-exhausted", "hold"],
]);
const pid = agent.child.pid!;

const writing = new AbortController();
let written = 0;
const produced = (async () => {
  for (let n = 0; !writing.signal.aborted; n++) {
    const now = Date.now();
    const rows = Array.from({ length: Number(values.series) }, (_, i) => row("m", { i: String(i) }, [[now, n]]));
    await source.import(rows);
    written += rows.length;
    await pause(everyMs - (Date.now() - now));
  }
})();

let looks = 0;
const bad: string[] = [];
const startedMs = performance.now();
async function look() {
  const metrics = await agent.metrics();
  looks++;
  bad.push(...unbalanced(metrics));
  const account = accounts(metrics).get("default/p/s");
  const lag = metrics.get('outflow_sink_lag_seconds{policy="default/p",sink="s"}') ?? 0;
  const memory = rss(pid);
  if (looks % 12 === 1) {
    const at = `${((performance.now() - startedMs) / 1000).toFixed(0)}s`;
    console.log(`${at.padStart(6)} lag ${lag.toFixed(0)} s, RSS ${memory.toFixed(0)} MiB, ${JSON.stringify(account)}`);
  }
  return { account, lag, memory };
}
async function during(ms: number) {
  const until = performance.now() + ms;
  const seen: Awaited<ReturnType<typeof look>>[] = [];
  while (performance.now() < until) {
    await pause(LOOK_MS);
    seen.push(await look());
  }
  return seen;
}
const most = (seen: { memory: number }[]) => Math.max(...seen.map((s) => s.memory)).toFixed(0);

const live = await during(LIVE_MS);
await sink.stop();
console.log(`the sink is away for ${values.minutes} min`);
const away = await during(Number(values.minutes) * 60_000);
await sink.start();
console.log("the sink is back");
const backMs = performance.now();
const catching: typeof away = [];
const noLongerBehind = Math.max(...live.map((s) => s.lag)) + Number(values.poll);
while ((catching.at(-1)?.lag ?? Number.POSITIVE_INFINITY) > noLongerBehind) {
  if (performance.now() - backMs > BACK_WITHIN_MS) throw new Error(`not back: ${agent.log.slice(-2000)}`);
  catching.push(...(await during(LOOK_MS)));
}
const caughtUpS = (performance.now() - backMs) / 1000;
const after = await during(LIVE_MS);
writing.abort();
await produced;
const want = await eventually(
  "all that was written is visible at the source",
  () => source.read(SELECTOR),
  (c) => size(c) === written,
);
const have = await eventually(
  "the sink has all",
  () => sink.read(SELECTOR),
  (c) => missing(want, c).length === 0,
  120_000,
).catch(() => sink.read(SELECTOR));
const end = await look();
console.log(`${values.minutes} min away, ${values.series} series every ${values.every} s, polls of ${values.poll} s:`);
console.log(
  `  ${written} samples written, ${missing(want, have).length} missing, ${missing(have, want).length} made up`,
);
console.log(`  account ${JSON.stringify(end.account)}; unbalanced at ${bad.length} of ${looks} looks`);
console.log(
  `  RSS at most, MiB: ${most(live)} before, ${most(away)} while it was away (${away[0]?.memory.toFixed(0)} at its start, ${away.at(-1)?.memory.toFixed(0)} at its end), ${most(catching)} while it caught up, ${most(after)} after`,
);
console.log(
  `  lag at most ${Math.max(...catching.map((s) => s.lag)).toFixed(0)} s, caught up ${caughtUpS.toFixed(0)} s after it was back; CPU ${cpuSeconds(pid).toFixed(1)} s`,
);
await agent.stop();
await Promise.all([source.remove(), sink.remove()]);
rmSync(dir, { recursive: true, force: true });
process.exit(bad.length + missing(want, have).length + missing(have, want).length > 0 ? 1 : 0);
