// When is one agent enough? The compiled binary on one core with 256 MiB (a memory cgroup: what is above is killed), source and receiver on
// the other cores. First back to back, for the samples a second that fit; then with polls, for the series and the sinks.
//   bun bench/fleet-one.ts [--memory 256] [--core 1] [--for 40s] [--poll 15s] [--only back,series,sinks] [--series 100000,…] [--sinks 200,…]
// A sink that keeps up is behind by a poll, --settle (5 s), its place in the interval (up to 5 s) and what a read and a request take.
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { parseDuration } from "../src/config/duration.ts";
import { policyText } from "../test/fleet/cluster.ts";
import { buildBinary, type Running, runAgent } from "../test/servers/binary.ts";
import { startWithPort } from "./load/child.ts";
import { cpuSeconds, peakRss } from "./load/proc.ts";
import type { Stats } from "./load/receiver.ts";

const { values } = parseArgs({
  options: {
    memory: { type: "string", default: "256" },
    core: { type: "string", default: "1" },
    for: { type: "string", default: "40s" },
    poll: { type: "string", default: "15s" },
    only: { type: "string", default: "back,series,sinks" },
    series: { type: "string", default: "10000,100000,300000" },
    sinks: { type: "string", default: "200,500,1000" },
  },
});
const forMs = parseDuration(values.for) ?? 40_000;
const pollMs = parseDuration(values.poll) ?? 15_000;
const SERIES_OF_A_SINK = 50;
/** Start, first reads, the machine code of what is hot. */
const WARM_MS = 20_000;

const [group, limit] = existsSync("/sys/fs/cgroup/memory")
  ? ["/sys/fs/cgroup/memory/outflow-bench", "memory.limit_in_bytes"]
  : ["/sys/fs/cgroup/outflow-bench", "memory.max"];
mkdirSync(group, { recursive: true });
writeFileSync(join(group, limit), String(Number(values.memory) << 20));

const others = cpus()
  .keys()
  .filter((core) => core !== Number(values.core))
  .toArray()
  .join(",");
const pinned = (cores: string, pid: number) => Bun.spawnSync(["taskset", "-apc", cores, String(pid)]);

async function worstLag(agent: Running): Promise<number> {
  const lags = [...(await agent.metrics())].filter(([name]) => name.startsWith("outflow_sink_lag_seconds"));
  return Math.max(...lags.map(([, seconds]) => seconds));
}

/** One row of the table. `flags`: of the agent. */
async function measure(what: string, series: number, sinks: number, flags: readonly string[]): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "outflow-bench-one-"));
  const receiver = await startWithPort(resolve(import.meta.dirname, "load/receiver.ts"));
  const source = await startWithPort(resolve(import.meta.dirname, "load/canned.ts"), String(series));
  for (const { pid } of [receiver, source]) pinned(others, pid);
  mkdirSync(join(dir, "policies"));
  for (let i = 0; i < sinks; i++)
    writeFileSync(
      join(dir, "policies", `p${i}.yaml`),
      policyText(i, `${receiver.url}/api/v1/write`, `{job="fleet", not="${i}"}`, 5000),
    );
  const stats = async () => (await (await fetch(`${receiver.url}/stats`)).json()) as Stats;
  const limited = `echo $$ > ${group}/cgroup.procs; exec taskset -c ${values.core} "$0" "$@"`;
  const agent = await runAgent(
    ["--policies", join(dir, "policies"), "--source-url", source.url, "--state-dir", join(dir, "state"), ...flags],
    {},
    ["sh", "-c", limited, buildBinary()],
  );
  const pid = agent.child.pid!;
  let row = "killed: out of memory";
  try {
    await Bun.sleep(WARM_MS);
    const [cpu, before, startedMs] = [cpuSeconds(pid), await stats(), performance.now()];
    await Bun.sleep(forMs);
    const seconds = (performance.now() - startedMs) / 1000;
    const samples = (await stats()).samples - before.samples;
    const used = cpuSeconds(pid) - cpu;
    const lag = what.startsWith("back") ? "" : `, behind by at most ${(await worstLag(agent)).toFixed(1)} s`;
    row = `${Math.round(samples / seconds).toLocaleString("en")} samples/s, ${(used / seconds).toFixed(2)} of the core, ${Math.round(samples / used).toLocaleString("en")} samples a CPU second, RSS at most ${peakRss(pid).toFixed(0)} MiB${lag}`;
  } catch (error) {
    if (agent.child.exitCode === null && agent.child.signalCode === null) throw error;
  }
  console.log(`${what}: ${row}`);
  await agent.stop("SIGKILL");
  for (const { pid: other } of [receiver, source]) process.kill(other, "SIGKILL");
  rmSync(dir, { recursive: true, force: true });
}

const numbers = (list: string) => list.split(",").map(Number);
const polls = ["--poll-interval", `${pollMs}ms`, "--start", "1m"];
const wanted = values.only.split(",");
console.log(`one core, ${values.memory} MiB, polls of ${values.poll}:`);
if (wanted.includes("back"))
  for (const n of numbers(values.series))
    await measure(`back to back, ${n.toLocaleString("en")} series`, n, 1, ["--start=6h", "--max-window=1s"]);
if (wanted.includes("series"))
  for (const n of numbers(values.series)) await measure(`${n.toLocaleString("en")} series, one sink`, n, 1, polls);
if (wanted.includes("sinks"))
  for (const n of numbers(values.sinks))
    await measure(`${n.toLocaleString("en")} sinks of ${SERIES_OF_A_SINK} series each`, SERIES_OF_A_SINK, n, polls);
rmdirSync(group);
process.exit(0);
