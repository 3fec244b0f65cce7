// Three compiled agents that share 20 policies through a real etcd: killed, stopped, cut off, with the engine frozen and restarted. No
// sample is missing, and no agent sends what it has lost. Random rounds and with the Kubernetes API: bench/fleet.ts.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually } from "../servers/binary.ts";
import { needs } from "../servers/found.ts";
import { Cluster } from "./cluster.ts";
import { etcdEngine } from "./engines.ts";

/** Long enough for a busy machine: a call to the engine may take four fifteenths of it. */
const TTL_MS = 12_000;
const programs = needs("etcd", "victoria-metrics", "prometheus");

describe("a fleet of three agents", programs, () => {
  let engine: Awaited<ReturnType<typeof etcdEngine>>;
  let cluster: Cluster;
  let since = 0;

  before(async () => {
    if (programs.skip) return;
    engine = await etcdEngine();
    cluster = await Cluster.start({ policies: 20, ttlMs: TTL_MS }, engine);
    for (let i = 0; i < 3; i++) await cluster.join();
    await cluster.settled();
    await eventually(
      "every policy has data",
      () => cluster.begun(),
      (n) => n === 20,
    );
    since = Date.now();
  });
  after(async () => {
    await cluster?.end();
    await engine?.remove();
  });

  test("a killed agent is replaced, and comes back", programs, async () => {
    const victim = cluster.members[0]!;
    victim.agent.child.kill("SIGKILL");
    cluster.leave(victim);
    await cluster.settled();
    await cluster.join(victim.name);
    await cluster.settled();
  });

  test("an agent that ends hands over", programs, async () => {
    const victim = cluster.members[0]!;
    assert.equal(await victim.agent.stop("SIGTERM"), 0);
    cluster.leave(victim);
    await cluster.settled();
    await cluster.join();
    await cluster.settled();
  });

  test("a stopped agent has lost everything when it resumes", programs, async () => {
    const { agent } = cluster.members[1]!;
    agent.child.kill("SIGSTOP");
    const others = cluster.members.filter((m) => m.agent !== agent);
    const owned = async () => {
      const all = await Promise.all(others.map((m) => m.agent.metrics()));
      return all.reduce((n, m) => n + (m.get("outflow_fleet_shards_owned") ?? 0), 0);
    };
    await eventually("the others own everything", owned, (n) => n === 64);
    agent.child.kill("SIGCONT");
    await eventually(
      "it says so",
      () => agent.log,
      (log) => /stopped exporting \d+ shards/.test(log),
    );
    await cluster.settled();
  });

  test("an agent that is cut off from etcd stops and says why; the others take over", programs, async () => {
    const { agent, proxy } = cluster.members[2]!;
    proxy.cut();
    await eventually(
      "it has stopped",
      () => agent.metrics(),
      (m) => m.get("outflow_fleet_valid") === 0,
    );
    assert.match(
      agent.log,
      /stopped exporting \d+ shards: no heartbeat could be written in time \(.*etcd.*\)|no response within/,
    );
    await cluster.settled(2);
    proxy.mend();
    await eventually(
      "it owns some again",
      () => agent.metrics(),
      (m) => (m.get("outflow_fleet_shards_owned") ?? 0) > 0,
    );
    await cluster.settled();
  });

  test("etcd frozen, then killed and restarted: all agents stop, and resume", programs, async () => {
    await engine.etcd.signal("SIGSTOP");
    const valid = async () =>
      (await Promise.all(cluster.members.map((m) => m.agent.metrics()))).map((m) => m.get("outflow_fleet_valid"));
    await eventually("nobody is valid", valid, (all) => all.every((v) => v === 0));
    await engine.etcd.signal("SIGCONT");
    await cluster.settled();
    await engine.etcd.signal("SIGKILL");
    await engine.etcd.start();
    await cluster.settled();
  });

  test("in the end no sample is missing, and no agent sent what it had lost", programs, async () => {
    cluster.stopFeeding();
    await eventually(
      "all samples have arrived",
      () => cluster.compare(since),
      ({ missing }) => missing === 0,
      120_000,
    );
    assert.equal((await cluster.compare(since)).wrong, 0);
    const { stale, deepestMs } = cluster.judged();
    assert.deepEqual(stale, []);
    // A plain Prometheus refuses each repeat separately: on a busy machine its cursor stands while that lasts (bench/fleet.ts has it).
    assert.ok(deepestMs[0]! <= cluster.deepestAllowedMs, `repeats reach ${deepestMs[0]} ms back`);
  });
});
