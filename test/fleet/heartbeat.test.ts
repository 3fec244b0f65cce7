// One agent's heartbeat: what is written, and what follows from it.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Heartbeat } from "../../src/fleet/heartbeat.ts";
import type { Written } from "../../src/fleet/register.ts";
import { FakeClock } from "../fakes/clock.ts";
import { FakeEngine, TTL_MS } from "./world.ts";

function beating() {
  const clock = new FakeClock();
  const engine = new FakeEngine();
  const lapses: string[] = [];
  const said: string[] = [];
  const heartbeat = new Heartbeat({ id: "a-1", name: "a", version: "test", ttlMs: TTL_MS }, clock.now(), {
    clock,
    uptimeMs: () => clock.monotonicMs(),
    register: {
      list: async () => ({ ok: true, value: [...engine.entries.values()] }),
      get: async (key) => ({ ok: true, value: engine.entries.get(key) }),
      create: async (key, value) => engine.write(key, value, undefined),
      update: async (key, value, revision) => engine.write(key, value, revision),
      remove: async (key, revision) => engine.write(key, undefined, revision),
      watch: async () => {},
    },
    call: ((ask: (signal: AbortSignal) => Promise<Written>) => ask(new AbortController().signal)) as never,
    wrote: () => {},
    failed: (message) => assert.fail(message),
    say: (_, message) => said.push(message),
    lapsed: (why) => lapses.push(why),
  });
  return { clock, engine, heartbeat, lapses, said };
}

describe("a heartbeat", () => {
  test("one that comes after the end is a new beginning: what was owned before is lost", async () => {
    const { clock, heartbeat, lapses } = beating();
    await heartbeat.write();
    lapses.length = 0;
    await clock.advance(TTL_MS / 3);
    await heartbeat.write();
    assert.deepEqual(lapses, []);
    await clock.advance(TTL_MS);
    await heartbeat.write();
    assert.deepEqual(lapses, ["no heartbeat could be written in time"]);
    assert.equal(heartbeat.validity.holds, true);
  });

  test("an entry that was deleted by hand is made again", async () => {
    const { engine, heartbeat, said } = beating();
    await heartbeat.write();
    engine.drop("members/a-1");
    assert.equal(await heartbeat.write(), false);
    assert.equal(await heartbeat.write(), true);
    assert.ok(engine.entries.has("members/a-1"));
    assert.deepEqual(said, ["fleet: the entry members/a-1 of this agent was deleted; it is written again."]);
  });

  test("a wall clock that is set back is told, and ends nothing", async () => {
    const { clock, heartbeat, lapses, said } = beating();
    await heartbeat.write();
    lapses.length = 0;
    clock.jump(-86_400_000);
    await heartbeat.write();
    await heartbeat.write();
    assert.deepEqual(lapses, []);
    assert.deepEqual(said, [
      "fleet: the wall clock was set back by 86400 s; exporting continues, since the monotonic clock counts.",
    ]);
  });

  test("one that leaves while a heartbeat is under way says so after that", async () => {
    const { engine, heartbeat } = beating();
    await heartbeat.write();
    await Promise.all([heartbeat.write(), heartbeat.leave()]);
    assert.equal(JSON.parse(engine.entries.get("members/a-1")!.value).leaving, true);
  });

  test("one that leaves says so, and removes its entry", async () => {
    const { engine, heartbeat } = beating();
    await heartbeat.write();
    await heartbeat.leave();
    assert.equal(JSON.parse(engine.entries.get("members/a-1")!.value).leaving, true);
    await heartbeat.remove();
    assert.equal(engine.entries.size, 0);
  });
});
