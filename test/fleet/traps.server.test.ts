// What happens to a fleet by hand or by accident, with compiled agents and a real etcd: each says a line that explains it, nobody takes over
// what is alive, and no sample is missing.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually } from "../servers/binary.ts";
import { needs } from "../servers/found.ts";
import { Cluster, type Member, SHARDS } from "./cluster.ts";
import { etcdEngine } from "./engines.ts";
import { LIBFAKETIME } from "./faketime.ts";

const TTL_MS = 12_000;
/** So many that each of three agents owns some, whatever their ids. */
const POLICIES = 24;
const PREFIX = "/outflow/default/";
const programs = needs("etcd", "etcdctl", "victoria-metrics", "prometheus");
const withClock = { skip: programs.skip || (LIBFAKETIME === undefined && "needs libfaketime") };

describe("the traps of a fleet", programs, () => {
  let engine: Awaited<ReturnType<typeof etcdEngine>>;
  let cluster: Cluster;
  let since = 0;

  const says = (member: Member, what: RegExp) =>
    eventually(
      `${member.name} says ${what}`,
      () => member.agent.log,
      (log) => what.test(log),
      90_000,
    );
  const takenOver = () => cluster.members.filter(({ agent }) => /took over/.test(agent.log)).map((m) => m.name);

  before(async () => {
    if (programs.skip) return;
    engine = await etcdEngine();
    cluster = await Cluster.start({ policies: POLICIES, ttlMs: TTL_MS }, engine);
    for (let i = 0; i < 2; i++) await cluster.join();
    await cluster.settled();
    await eventually(
      "every policy has data",
      () => cluster.begun(),
      (n) => n === POLICIES,
    );
    since = Date.now();
  });
  after(async () => {
    await cluster?.end();
    await engine?.remove();
  });

  test("a watch that is deaf: it is opened again, lists stand in for it, nobody takes over", programs, async () => {
    const member = cluster.members[0]!;
    member.proxy.deafen(true);
    await says(
      member,
      /the watch of the register does not report what was written: it is opened again\. Until it reports/,
    );
    member.proxy.deafen(false);
    await says(member, /the watch of the register reports again/);
    assert.deepEqual(takenOver(), []);
  });

  test("a member's entry that is deleted by hand", programs, async () => {
    const member = cluster.members[0]!;
    const key = engine.etcd.ctl("get", "--prefix", `${PREFIX}members/${member.name}-`, "--keys-only").trim();
    engine.etcd.ctl("del", key);
    await says(member, /the entry members\/agent-1-[0-9a-f]{8} of this agent was deleted; it is written again/);
    assert.deepEqual(takenOver(), []);
  });

  test("all shards that are deleted by hand", programs, async () => {
    engine.etcd.ctl("del", "--prefix", `${PREFIX}shards/`);
    for (const member of cluster.members)
      await says(member, /the entry of shard \d+ was deleted or damaged; it is written again|shard \d+ had no entry/);
    await eventually(
      "all are there again",
      () => engine.etcd.ctl("get", "--prefix", `${PREFIX}shards/`, "--keys-only").trim().split(/\n+/).length,
      (n) => n === SHARDS,
    );
    assert.deepEqual(takenOver(), []);
    await cluster.settled();
  });

  test("two agents of one name are two members", programs, async () => {
    const second = await cluster.join("agent-1", {}, "agent-1-again");
    await cluster.settled();
    await says(
      second,
      /agent-1-[0-9a-f]{8} has this agent's name too\. They are two members, agent-1-[0-9a-f]{8} is this one/,
    );
    assert.equal(await second.agent.stop("SIGTERM"), 0);
    cluster.leave(second);
    await cluster.settled();
  });

  test(
    "an agent that ends while its sinks hang hands over all the same, long before --drain-timeout",
    programs,
    async () => {
      const member = await cluster.join(undefined, { OUTFLOW_DRAIN_TIMEOUT: "5m" });
      await cluster.settled();
      member.tap.hang();
      await eventually(
        "requests hang",
        () => member.agent.metrics(),
        (m) => [...m].some(([name, n]) => name.startsWith("outflow_sink_samples_pending{") && n > 0),
      );
      const ms = await cluster.replaced(member, () => member.agent.child.kill("SIGTERM"));
      assert.ok(ms < 100_000, `after ${ms} ms`);
      await member.agent.stop("SIGKILL");
      cluster.leave(member);
      await cluster.settled();
    },
  );

  for (const [what, seconds, line] of [
    [
      "ahead",
      86_400,
      /stopped exporting \d+ shards: the wall clock moved 864\d\d s since the last heartbeat: the host was suspended, or its clock was set/,
    ],
    [
      "back",
      -86_400,
      /the wall clock was set back by 86(400|399) s; exporting continues, since the monotonic clock counts/,
    ],
  ] as const)
    test(`an agent whose wall clock is set a day ${what}`, withClock, async () => {
      const file = join(cluster.dir.path, `clock-${what}`);
      writeFileSync(file, "+0");
      const member = await cluster.join(undefined, {
        LD_PRELOAD: LIBFAKETIME!,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      });
      await cluster.settled();
      writeFileSync(file, seconds > 0 ? `+${seconds}` : String(seconds));
      await says(member, line);
      await cluster.settled();
      assert.equal(await member.agent.stop("SIGTERM"), 0);
      cluster.leave(member);
      await cluster.settled();
    });

  test("in the end no sample is missing, and nobody sent what it had lost", programs, async () => {
    cluster.stopFeeding();
    await eventually(
      "all samples have arrived",
      () => cluster.compare(since),
      ({ missing }) => missing === 0,
      120_000,
    );
    assert.equal((await cluster.compare(since)).wrong, 0);
  });
});
