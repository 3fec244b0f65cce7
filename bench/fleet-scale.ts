// 1,000 policies in 64 shards: what a fleet writes to etcd, and whether a sample is missing while it grows from 3 to 5 agents and shrinks to
// one. Prints writes a second for each size, as etcd counts its revisions, and what each agent costs; exits 1 where they are more than
// --most or a sample is missing.
//   bun bench/fleet-scale.ts [--policies 1000] [--ttl 15s] [--for 60s] [--most 6]
// Needs victoria-metrics, prometheus, etcd, etcdctl.
import { parseArgs } from "node:util";
import { parseDuration } from "../src/config/duration.ts";
import { Cluster, type Member } from "../test/fleet/cluster.ts";
import { etcdEngine } from "../test/fleet/engines.ts";
import { buildBinary, eventually } from "../test/servers/binary.ts";

const { values } = parseArgs({
  options: {
    policies: { type: "string", default: "1000" },
    ttl: { type: "string", default: "15s" },
    for: { type: "string", default: "60s" },
    most: { type: "string", default: "6" },
  },
});
const policies = Number(values.policies);
const ttlMs = parseDuration(values.ttl) ?? 15_000;
const forMs = parseDuration(values.for) ?? 60_000;
const failed: string[] = [];

buildBinary();
const engine = await etcdEngine();
const cluster = await Cluster.start({ policies, ttlMs, everyMs: 5_000, pollMs: 15_000 }, engine);

const revision = (): number =>
  JSON.parse(engine.etcd.ctl("endpoint", "status", "-w", "json"))[0].Status.header.revision as number;

async function cpuSeconds({ agent }: Member): Promise<number> {
  return (await agent.metrics()).get("process_cpu_seconds_total") ?? 0;
}

async function measure(): Promise<void> {
  await new Promise((done) => setTimeout(done, 2 * ttlMs)); // new owners have written their first checkpoints
  const [writes, startedMs] = [revision(), performance.now()];
  const cpu = await Promise.all(cluster.members.map(cpuSeconds));
  await new Promise((done) => setTimeout(done, forMs));
  const seconds = (performance.now() - startedMs) / 1000;
  const perSecond = (revision() - writes) / seconds;
  const used = (await Promise.all(cluster.members.map(cpuSeconds))).map((n, i) => (n - cpu[i]!) / seconds);
  const rss = await Promise.all(
    cluster.members.map(async ({ agent }) => (await agent.metrics()).get("process_resident_memory_bytes") ?? 0),
  );
  console.log(
    `${cluster.members.length} agents: ${perSecond.toFixed(2)} writes/s; each ${Math.max(...used).toFixed(2)} of a core and ${Math.round(Math.max(...rss) / 2 ** 20)} MiB at most`,
  );
  if (perSecond > Number(values.most)) failed.push(`${perSecond.toFixed(2)} writes/s`);
}

for (let i = 0; i < 3; i++) await cluster.join();
await cluster.settled();
await eventually(
  "every policy has data",
  () => cluster.begun(),
  (n) => n === policies,
  300_000,
);
const since = Date.now();
await measure();
for (let i = 0; i < 2; i++) await cluster.join();
await cluster.settled();
await measure();
for (const victim of cluster.members.slice(0, 4)) {
  const ms = await cluster.replaced(victim, () => victim.agent.child.kill("SIGTERM"));
  console.log(`SIGTERM: every shard owned after ${(ms / 1000).toFixed(2)} s`);
  await victim.agent.stop("SIGTERM");
  cluster.leave(victim);
}
await cluster.settled();
await measure();
cluster.stopFeeding();
const compared = await eventually(
  "all samples have arrived",
  () => cluster.compare(since),
  ({ missing }) => missing === 0,
  180_000,
).catch(() => cluster.compare(since));
const { stale, inFlight, deepestMs } = cluster.judged();
const samples = cluster.written.filter((ts) => ts >= since).length * policies;
console.log(
  `${samples.toLocaleString("en")} samples: ${compared.missing} missing, ${compared.wrong} wrong; ${stale.length} requests of an old epoch after one of a new one, ${inFlight} that were in flight; repeats reach ${deepestMs.map((ms) => (ms / 1000).toFixed(1)).join(" s (VictoriaMetrics) and ")} s (Prometheus) back`,
);
if (compared.missing + compared.wrong > 0) failed.push(compared.example ?? "samples");
failed.push(...stale.slice(0, 10));
for (const line of failed) console.log(`FAILED: ${line}`);
await cluster.end();
await engine.remove();
process.exit(failed.length > 0 ? 1 : 0);
