// Compiled agents that share policies, a real VictoriaMetrics as source, VictoriaMetrics and a plain Prometheus as receivers.
//   bun bench/fleet.ts [--engine etcd|kubernetes] [--rounds 20] [--policies 60] [--ttl 6s] [--seed 1]
// Three agents through random rounds of faults: kill -9, SIGTERM, SIGSTOP and SIGCONT, a frozen engine, an engine that is killed and
// restarted, an agent that is cut off from the engine. Prints how long each round took until every shard had an owner, and judges: no
// sample missing or wrong, no request of an old epoch after one of a new one but one that was in flight, repeats at most a late window and
// a checkpoint back, a killed agent replaced within a TTL and 2 s, one that ended within 1 s. Exits 1 where one of them does not hold.
// Needs victoria-metrics, prometheus, etcd; for kubernetes the API server of the tests (test/servers/kubernetes/find.ts --build).
import { parseArgs } from "node:util";
import { parseDuration } from "../src/config/duration.ts";
import { Cluster, type Member } from "../test/fleet/cluster.ts";
import { etcdEngine, kubernetesEngine } from "../test/fleet/engines.ts";
import { buildBinary, eventually } from "../test/servers/binary.ts";

const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "etcd" },
    rounds: { type: "string", default: "20" },
    policies: { type: "string", default: "60" },
    ttl: { type: "string", default: "6s" },
    seed: { type: "string", default: "1" },
  },
});
const ttlMs = parseDuration(values.ttl) ?? 6_000;
const policies = Number(values.policies);

let seed = Number(values.seed);
const chance = (n: number): number => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
};
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

buildBinary();
const engine = values.engine === "kubernetes" ? await kubernetesEngine(ttlMs) : await etcdEngine();
const cluster = await Cluster.start({ policies, ttlMs }, engine);
for (let i = 0; i < 3; i++) await cluster.join();
await cluster.settled();
await eventually(
  "every policy has data",
  () => cluster.begun(),
  (n) => n === policies,
);
const since = Date.now();

/** The ms until every shard has an owner again, from the fault on, or from its end where nobody may own anything. */
const faults: Record<string, (victim: Member) => Promise<number>> = {
  async "kill -9"(victim) {
    const ms = await cluster.replaced(victim, () => victim.agent.child.kill("SIGKILL"));
    cluster.leave(victim);
    await cluster.join();
    return ms;
  },
  async SIGTERM(victim) {
    const ms = await cluster.replaced(victim, () => victim.agent.child.kill("SIGTERM"));
    await victim.agent.stop("SIGTERM");
    cluster.leave(victim);
    await cluster.join();
    return ms;
  },
  async "SIGSTOP, SIGCONT"(victim) {
    const ms = await cluster.replaced(victim, () => victim.agent.child.kill("SIGSTOP"));
    await pause(chance(2 * ttlMs));
    victim.agent.child.kill("SIGCONT");
    return ms;
  },
  async "cut off from the engine"(victim) {
    const ms = await cluster.replaced(victim, () => victim.proxy.cut());
    await pause(chance(ttlMs));
    victim.proxy.mend();
    return ms;
  },
  async "engine frozen"() {
    await engine.signal("SIGSTOP");
    await pause(ttlMs + chance(ttlMs));
    await engine.signal("SIGCONT");
    return cluster.settled();
  },
  async "engine killed and restarted"() {
    await engine.restart();
    return cluster.settled();
  },
};

const failed: string[] = [];
const limits: Record<string, number> = { "kill -9": ttlMs + 2_000, SIGTERM: 1_000 };
const took = new Map<string, number[]>();
for (let round = 1; round <= Number(values.rounds); round++) {
  const names = Object.keys(faults);
  const name = names[chance(names.length)]!;
  await cluster.settled();
  const ms = await faults[name]!(cluster.members[chance(cluster.members.length)]!);
  took.set(name, [...(took.get(name) ?? []), ms]);
  const over = ms > (limits[name] ?? Number.POSITIVE_INFINITY) ? " (TOO LONG)" : "";
  if (over !== "") failed.push(`round ${round}: ${name}: ${(ms / 1000).toFixed(2)} s`);
  const stages = limits[name] === undefined ? "" : `: ${cluster.stages()}`;
  console.log(`round ${round}: ${name}: every shard owned after ${(ms / 1000).toFixed(2)} s${over}${stages}`);
}
await cluster.settled();
cluster.stopFeeding();
const compared = await eventually(
  "all samples have arrived",
  () => cluster.compare(since),
  ({ missing }) => missing === 0,
  120_000,
).catch(() => cluster.compare(since));
const { stale, inFlight, deepestMs, deepest } = cluster.judged();
if (compared.missing + compared.wrong > 0) failed.push(compared.example ?? "samples");
failed.push(...stale.slice(0, 10));
for (const [i, ms] of deepestMs.entries())
  if (ms > cluster.deepestAllowedMs) failed.push(`repeats reach ${ms} ms back: ${deepest[i]}`);
const log = cluster.members.map(({ agent }) => agent.log).join("");
const bad = log.split("\n").filter((l) => /dropped|Uncaught|bug/i.test(l));
const requests = [...cluster.arrivals.values()].reduce((n, list) => n + list.length, 0);
console.log(`\n${values.engine}, TTL ${values.ttl}, ${policies} policies, seed ${values.seed}:`);
for (const [name, all] of took)
  console.log(`  ${name}: ${all.length} rounds, longest ${(Math.max(...all) / 1000).toFixed(2)} s`);
console.log(
  `  ${(cluster.written.filter((ts) => ts >= since).length * policies).toLocaleString("en")} samples: ${compared.missing} missing, ${compared.wrong} wrong; ${requests.toLocaleString("en")} requests: ${stale.length} of an old epoch after one of a new one, ${inFlight} that were in flight; repeats reach ${deepestMs.map((ms) => (ms / 1000).toFixed(1)).join(" s (VictoriaMetrics) and ")} s (Prometheus) back (at most ${(cluster.deepestAllowedMs / 1000).toFixed(1)} s)`,
);
console.log(`  dropped by the agents that live: ${(await cluster.dropped()).join(", ") || "nothing"}`);
for (const line of bad.slice(0, 5)) console.log(`  ${line}`);
for (const line of failed) console.log(`  FAILED: ${line}`);
await cluster.end();
await engine.remove();
process.exit(failed.length > 0 ? 1 : 0);
