// The fleet on a fake clock: who owns what after each fault, and that no request of an old owner starts after one of a new owner.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Permit } from "../../src/fleet/owned-shards.ts";
import { choice, shardOf } from "../../src/fleet/rendezvous.ts";
import { type Agent, TTL_MS, World } from "./world.ts";

const SHARDS = 12;

async function fleetOf(names: string[], seed = 1): Promise<{ world: World; agents: Agent[] }> {
  const world = new World(SHARDS, seed);
  const agents = names.map((name) => world.spawn(name));
  await world.clock.advance(2 * TTL_MS);
  return { world, agents };
}

const runs = Number(process.env.OUTFLOW_PROPERTY_RUNS ?? 12);

describe("rendezvous hashing", () => {
  test("the same for every order, and a member that goes moves only its own shards", () => {
    const ids = ["a-1", "b-2", "c-3", "d-4"];
    for (let shard = 0; shard < 64; shard++) {
      const chosen = choice(ids, shard)!;
      assert.equal(choice([...ids].reverse(), shard), chosen);
      for (const gone of ids)
        if (gone !== chosen)
          assert.equal(
            choice(
              ids.filter((id) => id !== gone),
              shard,
            ),
            chosen,
          );
    }
    assert.equal(choice([], 3), undefined);
  });

  test("spreads shards and policies", () => {
    const counts = new Map<string, number>();
    for (let shard = 0; shard < 640; shard++) {
      const id = choice(["a-1", "b-2", "c-3", "d-4"], shard)!;
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    for (const n of counts.values()) assert.ok(n > 100 && n < 230, `${n} of 640`);
    const shards = Array.from({ length: 6_400 }, (_, i) => shardOf(`default/policy-${i}`, 64));
    for (let shard = 0; shard < 64; shard++) {
      const n = shards.filter((s) => s === shard).length;
      assert.ok(n > 50 && n < 160, `${n} of 6400`);
    }
  });
});

describe("a fleet", () => {
  test("each shard has one owner, and all members some", async () => {
    const { world, agents } = await fleetOf(["a", "b", "c"]);
    assert.deepEqual(world.unowned(), []);
    for (const agent of agents) assert.ok(agent.shards.size > 0, agent.name);
    assert.deepEqual(world.broken, []);
  });

  test("a killed owner is replaced within one TTL and two seconds", async () => {
    const { world, agents } = await fleetOf(["a", "b", "c"]);
    agents[0]!.kill();
    await world.clock.advance(TTL_MS + 2_000);
    assert.deepEqual(world.unowned(), []);
    assert.ok(
      world.living.some((a) =>
        a.said.some((s) => /took over (shard|\d+ shards:) [\d, ]+ from a-1, which has been silent for \d+ s/.test(s)),
      ),
    );
    assert.deepEqual(world.broken, []);
  });

  test("one that leaves hands over within a second, with its cursors", async () => {
    const { world, agents } = await fleetOf(["a", "b"]);
    void agents[0]!.fleet.leave();
    await world.clock.advance(1_000);
    assert.deepEqual(world.unowned(), []);
    assert.equal(agents[0]!.shards.size, 0);
    assert.equal(world.engine.entries.has("members/a-1"), false);
    assert.deepEqual(world.broken, []);
  });

  const heldBy = (world: World, ...names: string[]) =>
    [...world.engine.entries].filter(([key, { value }]) => {
      const { holder, from = "" } = JSON.parse(value);
      return key.startsWith("shards/") && names.some((name) => (holder || from).startsWith(`${name}-`));
    });

  for (const [what, withinMs] of [
    ["leaves", 1_000],
    ["is killed", TTL_MS + 600],
  ] as const)
    test(`one that ${what}, in whatever moment: also while it joins, takes or hands over shards, or writes`, async () => {
      for (let moment = 0; moment < 12; moment++) {
        const { world, agents } = await fleetOf(["a", "b"], moment + 1);
        agents.push(world.spawn("c"));
        // Shards move a third of a TTL after it has joined.
        await world.clock.advance(Math.round((moment / 12) * 0.8 * TTL_MS));
        const victim = agents[moment % 3]!;
        if (what === "leaves") void victim.fleet.leave().then(() => victim.kill());
        else victim.kill();
        await world.clock.advance(withinMs);
        assert.deepEqual(heldBy(world, victim.name), [], `moment ${moment}: ${victim.name}`);
        assert.deepEqual(world.broken, []);
        await world.clock.advance(TTL_MS);
        assert.deepEqual(world.unowned(), [], `moment ${moment}`);
      }
    });

  test("one that leaves while a shard is still being handed over to another one: it is free before the agent ends", async () => {
    const { world, agents } = await fleetOf(["a", "b"]);
    for (const agent of agents) agent.releaseMs = 4_000;
    world.spawn("c");
    await world.clock.advance(TTL_MS / 3 + 1_500);
    assert.ok(
      agents.some((agent) => agent.fleet.view().owned.size > agent.shards.size),
      "drains",
    );
    for (const agent of agents) agent.releaseMs = 200;
    let held: unknown[] | undefined;
    void agents[0]!.fleet.leave().then(() => {
      held = [...world.engine.entries].filter(([, { value }]) => JSON.parse(value).holder === "a-1");
    });
    await world.clock.advance(8_000);
    assert.deepEqual(held, []);
  });

  test("one that leaves while it takes shards hands over those as well", async () => {
    const { world, agents } = await fleetOf(["a", "b", "c"]);
    agents[1]!.kill();
    world.engine.slowMs = 1_500; // a look, and then the response of the write
    const taking = () => world.living.find(({ name, fleet }) => heldBy(world, name).length > fleet.view().owned.size);
    while (taking() === undefined) await world.clock.advance(10);
    const victim = taking()!;
    void victim.fleet.leave().then(() => victim.kill());
    await world.clock.advance(4_000);
    world.engine.slowMs = 0;
    await world.clock.advance(1_000);
    assert.deepEqual(heldBy(world, victim.name), []);
  });

  test("a shard that got another owner while its silent one was looked at is not taken from that one", async () => {
    const { world, agents } = await fleetOf(["a", "b"]);
    agents[1]!.kill();
    world.engine.slowMs = 2_000; // so long takes the look
    while (agents[0]!.fleet.view().members.length > 1) await world.clock.advance(10);
    await world.clock.advance(500);
    const held = heldBy(world, "b");
    assert.ok(held.length > 0);
    for (const [key, { value, revision }] of held) {
      const { epoch, ...rest } = JSON.parse(value);
      world.engine.write(key, JSON.stringify({ ...rest, holder: "d-9", epoch: epoch + 1 }), revision);
    }
    await world.clock.advance(4_000);
    assert.deepEqual(
      heldBy(world, "d")
        .map(([key]) => key)
        .sort(),
      held.map(([key]) => key).sort(),
    );
  });

  test("a new owner writes soon how far it is: if it dies as well, that is not sent again", async () => {
    const { world, agents } = await fleetOf(["a", "b", "c"]);
    agents[0]!.kill();
    const taken = heldBy(world, "a").map(([key]) => key);
    const cursors = () =>
      taken.map((key) => Object.values(JSON.parse(world.engine.entries.get(key)!.value).cursors)[0]);
    const brought = cursors() as number[];
    while (heldBy(world, "a").length > 0) await world.clock.advance(20);
    // Before a checkpoint is due, which is a TTL after the shard was taken.
    await world.clock.advance(0.8 * TTL_MS);
    for (const [i, cursor] of (cursors() as number[]).entries()) assert.ok(cursor > brought[i]!, `${taken[i]}`);
  });

  test("one that comes gets its share after a third of a TTL, no shard is without an owner for long", async () => {
    const { world } = await fleetOf(["a", "b"]);
    const c = world.spawn("c");
    await world.clock.advance(TTL_MS);
    assert.ok(c.shards.size > 0);
    assert.deepEqual(world.unowned(), []);
    assert.deepEqual(world.broken, []);
  });

  test("a frozen engine: everybody stops before the TTL ends, says why, and resumes when it is back", async () => {
    const { world, agents } = await fleetOf(["a", "b"]);
    world.engine.frozen = true;
    await world.clock.advance(TTL_MS * 0.85 + 100);
    const before = world.sends.length;
    await world.clock.advance(20_000);
    assert.equal(world.sends.length, before, "nobody sends");
    assert.ok(
      agents[0]!.said.some((s) => /stopped exporting \d+ shards: no heartbeat could be written in time/.test(s)),
    );
    world.engine.frozen = false;
    await world.clock.advance(5_000);
    assert.deepEqual(world.unowned(), []);
    assert.deepEqual(world.broken, []);
  });

  for (const [was, backMs, said] of [
    ["stopped", 0, /no heartbeat could be written in time/],
    ["stopped", 3 * TTL_MS, /no heartbeat could be written in time/],
    ["suspended", 0, /the host was suspended, or its clock was set/],
    ["suspended", 3 * TTL_MS, /the host was suspended for \d+ s/],
    ["suspended", 86_400_000, /the host was suspended for \d+ s/],
    ["paused", 0, /the host was suspended, or its clock was set/],
  ] as const)
    test(`an owner that is ${was} for three TTLs sends nothing stale${backMs > 0 ? `, also where its wall clock is set back by ${backMs / 1000} s meanwhile` : ""}`, async () => {
      const { world, agents } = await fleetOf(["a", "b", "c"]);
      agents[1]!.clock.stop();
      await world.clock.advance(3 * TTL_MS);
      agents[1]!.clock.jump(-backMs);
      agents[1]!.clock.continue(was);
      await world.clock.advance(2 * TTL_MS);
      assert.deepEqual(world.broken, []);
      assert.ok(
        agents[1]!.said.some((line) => said.test(line)),
        agents[1]!.said.join("\n"),
      );
      assert.deepEqual(world.unowned(), []);
    });

  test("an agent that is cut off stops in time; the others take over", async () => {
    const { world, agents } = await fleetOf(["a", "b", "c"]);
    agents[2]!.cut = true;
    await world.clock.advance(TTL_MS + 2_000);
    assert.equal([...agents[2]!.shards.values()].filter((p) => p.holds()).length, 0);
    assert.deepEqual(world.unowned(), []);
    agents[2]!.cut = false;
    await world.clock.advance(2 * TTL_MS);
    assert.deepEqual(world.unowned(), []);
    assert.deepEqual(world.broken, []);
  });

  test("a deaf watch takes no shard from a live owner", async () => {
    const { world } = await fleetOf(["a", "b", "c"]);
    world.engine.deaf = true;
    await world.clock.advance(5 * TTL_MS);
    assert.deepEqual(world.unowned(), []);
    assert.ok(world.agents.every((a) => a.said.every((s) => !/took over/.test(s))));
    assert.deepEqual(world.broken, []);
    for (const { said } of world.agents)
      assert.deepEqual(
        said.filter((s) => s.includes("watch")),
        [
          "warn fleet: the watch of the register does not report what was written: it is opened again. Until it reports, the register is listed every 5 s.",
        ],
      );
    world.engine.deaf = false;
    await world.clock.advance(TTL_MS);
    for (const { said } of world.agents)
      assert.equal(said.at(-1), "info fleet: the watch of the register reports again.");
  });

  test("a watch that reports is not called deaf, also while the engine is frozen", async () => {
    const { world } = await fleetOf(["a", "b", "c"]);
    world.engine.frozen = true;
    await world.clock.advance(2 * TTL_MS);
    world.engine.frozen = false;
    await world.clock.advance(5 * TTL_MS);
    assert.ok(world.agents.every(({ said }) => said.every((s) => !s.includes("watch"))));
  });

  test("a member's entry that was deleted by hand is not a dead member", async () => {
    const { world, agents } = await fleetOf(["a", "b", "c"]);
    const owned = new Set(agents[0]!.shards.keys());
    world.engine.drop("members/a-1");
    await world.clock.advance(TTL_MS);
    assert.ok(world.engine.entries.has("members/a-1"), "it is made again");
    assert.deepEqual(new Set(agents[0]!.shards.keys()), owned);
    assert.deepEqual(
      agents[0]!.said.filter((s) => s.includes("deleted")),
      ["warn fleet: the entry members/a-1 of this agent was deleted; it is written again."],
    );
    assert.deepEqual(world.broken, []);
  });

  test("a shard's entry that was deleted by hand is made again by its owner", async () => {
    const { world, agents } = await fleetOf(["a", "b", "c"]);
    for (let shard = 0; shard < SHARDS; shard++) world.engine.drop(`shards/${shard}`);
    await world.clock.advance(2 * TTL_MS);
    for (let shard = 0; shard < SHARDS; shard++)
      assert.ok(world.engine.entries.has(`shards/${shard}`), `shard ${shard}`);
    assert.ok(
      agents.some((a) => a.said.some((s) => /entry of shard \d+ was deleted or damaged; it is written/.test(s))),
    );
    assert.ok(agents.every((a) => a.said.every((s) => !/took over/.test(s))));
    assert.deepEqual(world.unowned(), []);
    assert.deepEqual(world.broken, []);
  });

  test("two agents of one name are two members", async () => {
    const { world, agents } = await fleetOf(["same", "same"]);
    assert.ok(agents.every((a) => a.shards.size > 0));
    assert.deepEqual(world.unowned(), []);
    await world.clock.advance(TTL_MS);
    assert.deepEqual(
      agents[0]!.said.filter((s) => s.includes("name too")),
      [
        "warn fleet: same-2 has this agent's name too. They are two members, same-1 is this one; give each a name of its own with --agent-name.",
      ],
    );
  });

  for (const [what, ms] of [
    ["a day ahead", 86_400_000],
    ["a day back", -86_400_000],
  ] as const)
    test(`a wall clock that jumps ${what}: safe, said where it stops exporting, and soon owned again`, async () => {
      const { world, agents } = await fleetOf(["a", "b"]);
      agents[0]!.clock.jump(ms);
      await world.clock.advance(2 * TTL_MS);
      if (ms > 0) assert.ok(agents[0]!.said.some((s) => /the host was suspended, or its clock was set/.test(s)));
      assert.deepEqual(world.unowned(), []);
      assert.deepEqual(world.broken, []);
    });

  test("what is in flight ends with the validity", async () => {
    const { world, agents } = await fleetOf(["a", "b"]);
    const permits = agents.flatMap((a) => [...a.shards.values()]);
    assert.equal(permits.length, SHARDS);
    world.engine.frozen = true;
    await world.clock.advance(TTL_MS);
    assert.ok(permits.every((permit) => permit.signal.aborted && !permit.holds()));
  });

  test("one that lapses while its heartbeat is under way has lost everything, though the heartbeat is written", async () => {
    const { world, agents } = await fleetOf(["a", "b"]);
    const permits = [...agents[0]!.shards.values()];
    agents[0]!.clock.stop();
    await world.clock.advance(2 * TTL_MS);
    agents[0]!.clock.continue("stopped");
    await world.clock.advance(TTL_MS);
    assert.ok(permits.length > 0 && permits.every((permit) => permit.signal.aborted && !permit.holds()));
    assert.deepEqual(world.broken, []);
    assert.deepEqual(world.unowned(), []);
  });

  test("the validity counts from when a heartbeat was asked for, not from its response", async () => {
    const { world, agents } = await fleetOf(["a", "b", "c"]);
    world.engine.slowMs = 3_500;
    const revision = () => world.engine.entries.get("members/a-1")?.revision;
    for (const before = revision(); revision() === before; ) await world.clock.advance(100);
    agents[0]!.cut = true; // the response of this one is under way
    world.engine.slowMs = 0;
    await world.clock.advance(0.99 * TTL_MS);
    assert.equal([...agents[0]!.shards.values()].filter((permit) => permit.holds()).length, 0);
    await world.clock.advance(TTL_MS);
    assert.deepEqual(world.broken, []);
    assert.deepEqual(world.unowned(), []);
  });

  test("a watch that hangs and lists that are old: a member's entry is read before its shards are taken", async () => {
    const { world } = await fleetOf(["a", "b", "c"]);
    world.engine.deaf = true;
    world.engine.oldList = [...world.engine.entries.values()];
    await world.clock.advance(3 * TTL_MS);
    assert.ok(world.agents.every((a) => a.said.every((s) => !/took over/.test(s))));
    assert.deepEqual(world.broken, []);
    assert.deepEqual(world.unowned(), []);
  });

  test("a wall clock that was set back a day extends no validity", async () => {
    const { world, agents } = await fleetOf(["a", "b", "c"]);
    agents[0]!.clock.jump(-86_400_000);
    agents[0]!.cut = true;
    await world.clock.advance(2 * TTL_MS);
    assert.equal(agents[0]!.shards.size, 0);
    assert.deepEqual(world.unowned(), []);
    assert.deepEqual(world.broken, []);
  });

  test("entries that are deleted while another agent becomes their choice: it waits until their owner has made them again", async () => {
    const { world } = await fleetOf(["a", "b"]);
    const c = world.spawn("c");
    await world.clock.advance(1_000);
    for (let shard = 0; shard < SHARDS; shard++) world.engine.drop(`shards/${shard}`);
    await world.clock.advance(3 * TTL_MS);
    assert.ok(c.shards.size > 0);
    assert.deepEqual(world.unowned(), []);
    assert.deepEqual(world.broken, []);
  });

  test("an epoch grows also where the entry was lost and the taker's clock is a day back", async () => {
    const { world, agents } = await fleetOf(["a", "b"]);
    agents[1]!.clock.jump(-86_400_000);
    agents[0]!.kill();
    for (let shard = 0; shard < SHARDS; shard++) world.engine.drop(`shards/${shard}`);
    await world.clock.advance(3 * TTL_MS);
    assert.deepEqual(world.unowned(), []);
    assert.deepEqual(world.broken, []);
  });

  test("an entry that was touched by hand is written again with the revision that it has now", async () => {
    const { world } = await fleetOf(["a", "b"]);
    for (const [key, { value }] of [...world.engine.entries])
      if (key.startsWith("shards/")) world.engine.write(key, value, world.engine.entries.get(key)?.revision);
    const cursorOf = (shard: number) =>
      JSON.parse(world.engine.entries.get(`shards/${shard}`)!.value).cursors[`default/p${shard}/s/q`] ?? 0;
    const before = Array.from({ length: SHARDS }, (_, shard) => cursorOf(shard));
    await world.clock.advance(3 * TTL_MS);
    for (let shard = 0; shard < SHARDS; shard++) assert.ok(cursorOf(shard) > before[shard]!, `shard ${shard}`);
    assert.deepEqual(world.broken, []);
  });

  test("an entry that was given to another agent by hand is lost at once", async () => {
    const { world, agents } = await fleetOf(["a", "b"]);
    const [[shard, permit]] = [...agents[0]!.shards] as [[number, Permit]];
    const { value, revision } = world.engine.entries.get(`shards/${shard}`)!;
    const taken = { ...JSON.parse(value), holder: "b-2", epoch: JSON.parse(value).epoch + 1 };
    world.engine.write(`shards/${shard}`, JSON.stringify(taken), revision);
    await world.clock.advance(1_000);
    assert.ok(permit.signal.aborted && !permit.holds());
    assert.ok(agents[0]!.said.some((s) => s.includes(`shard ${shard}: stopped exporting: it is owned by`)));
    await world.clock.advance(2 * TTL_MS);
    assert.deepEqual(world.unowned(), []);
  });

  test("another number of shards is refused with the right one", async () => {
    const { world } = await fleetOf(["a"]);
    const other = new World(SHARDS, 1);
    for (const [key, entry] of world.engine.entries) other.engine.entries.set(key, entry);
    Object.assign(other, { shards: 5 });
    const agent = other.spawn("late");
    await assert.rejects(
      async () => {
        await other.clock.advance(1_000);
        await agent.started;
      },
      { message: `this fleet has ${SHARDS} shards and --shards is 5; start with --shards ${SHARDS}` },
    );
  });

  test("few writes: a heartbeat each third of a TTL, a checkpoint a shard each TTL", async () => {
    const { world } = await fleetOf(["a", "b", "c"]);
    const before = world.engine.writes;
    await world.clock.advance(10 * TTL_MS);
    const perTtl = (world.engine.writes - before) / 10;
    assert.ok(perTtl <= 3 * 3 + SHARDS + 2, `${perTtl} writes a TTL`);
  });
});

type Fault = {
  what: "kill" | "leave" | "stop" | "suspend" | "cut" | "lose" | "freeze" | "deaf" | "jump" | "spawn" | "drop";
  agent: number;
  forMs: number;
  after: number;
};

const faults: fc.Arbitrary<Fault[]> = fc.array(
  fc.record({
    what: fc.constantFrom("kill", "leave", "stop", "suspend", "cut", "lose", "freeze", "deaf", "jump", "spawn", "drop"),
    agent: fc.nat(5),
    forMs: fc.integer({ min: 100, max: 4 * TTL_MS }),
    after: fc.integer({ min: 0, max: TTL_MS }),
  }),
  { minLength: 1, maxLength: 8 },
) as fc.Arbitrary<Fault[]>;

describe("property: any interleaving of faults", () => {
  test("no request of an old epoch starts after one of a new one; a cursor never says more than was delivered; all is owned in the end", async () => {
    await fc.assert(
      fc.asyncProperty(faults, fc.integer({ min: 1, max: 2 ** 31 }), async (list, seed) => {
        const { world } = await fleetOf(["a", "b", "c"], seed);
        for (const fault of list) {
          inject(world, fault);
          await world.clock.advance(fault.after);
        }
        world.engine.frozen = false;
        world.engine.deaf = false;
        for (const agent of world.living) {
          agent.cut = false;
          agent.loseResponses = false;
          agent.clock.continue("stopped");
        }
        if (world.living.every((a) => a.leaving)) world.spawn("last");
        await world.clock.advance(4 * TTL_MS);
        assert.deepEqual(world.broken, []);
        assert.deepEqual(world.unowned(), []);
        for (const [key, entry] of world.engine.entries) {
          if (!key.startsWith("shards/")) continue;
          const shard = Number(key.slice(7));
          const cursor = JSON.parse(entry.value).cursors[`default/p${shard}/s/q`] ?? 0;
          assert.ok(cursor <= (world.delivered.get(shard) ?? 0), `shard ${shard}: ${cursor}`);
        }
      }),
      { numRuns: runs },
    );
  });
});

function inject(world: World, { what, agent: n, forMs }: Fault): void {
  const agent = world.living[n % Math.max(1, world.living.length)];
  const { clock, engine } = world;
  const during = (begin: () => void, end: () => void) => {
    begin();
    void clock.sleep(forMs).then(end);
  };
  if (what === "freeze")
    return during(
      () => (engine.frozen = true),
      () => (engine.frozen = false),
    );
  if (what === "deaf")
    return during(
      () => (engine.deaf = true),
      () => (engine.deaf = false),
    );
  if (what === "spawn") return void (world.living.length < 5 && world.spawn("more"));
  if (agent === undefined) return;
  if (what === "kill") return agent.kill();
  if (what === "drop")
    return engine.drop(
      forMs % 2 === 0
        ? `shards/${forMs % SHARDS}`
        : `members/${[...engine.entries.keys()].find((k) => k.startsWith(`members/${agent.name}`))?.slice(8)}`,
    );
  if (what === "leave") {
    agent.leaving = true;
    return void agent.fleet.leave().then(() => agent.kill());
  }
  if (what === "stop" || what === "suspend")
    return during(
      () => agent.clock.stop(),
      () => agent.dead || agent.clock.continue(what === "suspend" ? "suspended" : "stopped"),
    );
  if (what === "cut")
    return during(
      () => (agent.cut = true),
      () => (agent.cut = false),
    );
  if (what === "lose")
    return during(
      () => (agent.loseResponses = true),
      () => (agent.loseResponses = false),
    );
  return agent.clock.jump(forMs % 2 === 0 ? 86_400_000 : -86_400_000);
}
