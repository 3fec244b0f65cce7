// Three compiled agents that share 60 policies, through rounds of faults by chance: kill -9, SIGTERM, SIGSTOP and SIGCONT, a frozen
// engine, an engine that is killed and restarted, an agent that is cut off from the engine. Prints how long each round took until every
// shard had an owner, and in the end whether a sample is missing and whether an agent sent what it had lost.
//   bun bench/fleet.ts [--engine etcd|kubernetes] [--rounds 20] [--policies 60] [--ttl 6s] [--seed 1]
// Needs victoria-metrics, etcd and etcdctl; for kubernetes the API server of the tests (test/servers/kubernetes/find.ts --build).
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { parseDuration } from "../src/config/duration.ts";
import { Cluster, type Member } from "../test/fleet/cluster.ts";
import { buildBinary, eventually } from "../test/servers/binary.ts";
import { startEtcd } from "../test/servers/etcd.ts";
import { startKubernetes } from "../test/servers/kubernetes/kubernetes.ts";

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

let seed = Number(values.seed);
const chance = (n: number): number => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
};
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

type Engine = {
  port: number;
  flags(port: number): string[];
  signal(signal: "SIGSTOP" | "SIGCONT"): Promise<void>;
  restart(): Promise<void>;
  remove(): Promise<void>;
};

async function etcdEngine(): Promise<Engine> {
  const etcd = await startEtcd();
  return {
    port: Number(new URL(etcd.url).port),
    flags: (port) => ["--fleet", "etcd", "--etcd-url", `http://127.0.0.1:${port}`],
    signal: (signal) => etcd.signal(signal),
    async restart() {
      await etcd.signal("SIGKILL");
      await etcd.start();
    },
    remove: () => etcd.remove(),
  };
}

async function kubernetesEngine(): Promise<Engine> {
  const kube = await startKubernetes();
  return {
    port: kube.port,
    flags(port) {
      // The certificate is for the address, whatever the port.
      const path = `${kube.kubeconfig}.${port}`;
      writeFileSync(path, readFileSync(kube.kubeconfig, "utf8").replaceAll(`:${kube.port}`, `:${port}`));
      return ["--fleet", "kubernetes", "--fleet-namespace", "default", "--kubeconfig", path];
    },
    signal: async (signal) => kube.signalApi(signal),
    async restart() {
      await kube.stopApi("SIGKILL");
      await kube.startApi();
    },
    remove: () => kube.remove(),
  };
}

buildBinary();
const engine = values.engine === "kubernetes" ? await kubernetesEngine() : await etcdEngine();
const cluster = await Cluster.start(Number(values.policies), engine.port, (port) => [
  ...engine.flags(port),
  ...["--lease-ttl", values.ttl],
]);
for (let i = 0; i < 3; i++) await cluster.join();
await cluster.settled();
await eventually(
  "every policy has data",
  () => cluster.got.size,
  (n) => n === Number(values.policies),
);
const since = Date.now();

/** Ends when every shard has an owner again; the ms until then, from the fault on, or from its end where nobody may own anything. */
const faults: Record<string, (victim: Member) => Promise<number>> = {
  async "kill -9"(victim) {
    victim.agent.child.kill("SIGKILL");
    cluster.leave(victim);
    const ms = await cluster.settled();
    await cluster.join();
    return ms;
  },
  async SIGTERM(victim) {
    cluster.leave(victim, "keep");
    const ended = victim.agent.stop("SIGTERM");
    const ms = await cluster.settled();
    await ended;
    victim.proxy.close();
    await cluster.join();
    return ms;
  },
  async "SIGSTOP, SIGCONT"(victim) {
    victim.agent.child.kill("SIGSTOP");
    await pause(2 * ttlMs + chance(ttlMs));
    victim.agent.child.kill("SIGCONT");
    return cluster.settled();
  },
  async "cut off"(victim) {
    victim.proxy.cut();
    const ms = await cluster.settled(2);
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

const took = new Map<string, number[]>();
for (let round = 1; round <= Number(values.rounds); round++) {
  const names = Object.keys(faults);
  const name = names[chance(names.length)]!;
  await cluster.settled();
  const ms = await faults[name]!(cluster.members[chance(cluster.members.length)]!);
  took.set(name, [...(took.get(name) ?? []), ms]);
  console.log(`round ${round}: ${name}: every shard owned after ${(ms / 1000).toFixed(1)} s`);
}
cluster.stopFeeding();
await eventually(
  "all samples have arrived",
  () => cluster.missing(since),
  (n) => n === 0,
  120_000,
).catch(() => {});
const stale = cluster.stale(ttlMs / 2);
console.log(`\n${values.engine}, TTL ${values.ttl}, ${values.policies} policies, seed ${values.seed}:`);
for (const [name, all] of took)
  console.log(`  ${name}: ${all.length} rounds, longest ${(Math.max(...all) / 1000).toFixed(1)} s`);
console.log(
  `  samples of ${cluster.written.length} seconds: ${cluster.missing(since)} missing, ${cluster.repeats} repeated; ${stale.length} sends by an agent that had lost its shard`,
);
for (const line of stale) console.log(`  ${line}`);
const failed = cluster.missing(since) > 0 || stale.length > 0;
await cluster.end();
await engine.remove();
process.exit(failed ? 1 : 0);
