// Policies that change while sinks drain, wait after a bug, or have something under way: nothing is lost, nobody stays behind.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Supervisor, type SupervisorPorts } from "../../src/exporter/supervisor.ts";
import type { Policy } from "../../src/policy/policy.ts";
import type { Event } from "../../src/status/events.ts";
import { FakeClock } from "../fakes/clock.ts";
import { steady, World } from "../fakes/world.ts";

const POLL = 15_000;
const MINUTE = 60_000;

const timestamps = (w: World, sink: string, series: string): number[] =>
  (w.sink(sink).taken.get(series) ?? []).filter((s) => !s.stale).map((s) => s.ts);
const want = (w: World, series: string, from: number, to: number): number[] =>
  w.source.samples.filter((s) => s.series === series && s.ts > from && s.ts <= to).map((s) => s.ts);
const crashes = (w: World): number => w.events.filter((e) => e.type === "sink-crashed").length;

describe("a policy that changes", () => {
  test("a sink that is removed while it waits after a bug is gone for good", async () => {
    const w = new World({ sinks: { a: {}, b: {} } });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 20 * MINUTE, 5_000);
    w.bug = (sink) => {
      if (sink === "b") throw new Error("a bug, injected");
    };
    for (let i = 0; i < 600 && crashes(w) < 4; i++) await w.clock.advance(1_000);
    await w.setSinks(["a"]);
    await w.clock.advance(10 * MINUTE);
    assert.deepEqual(
      w.status.snapshot.sinks.map((s) => s.info.sink),
      ["a"],
    );
  });

  test("a load that changes nothing of a sink that waits after a bug does not start it early", async () => {
    const w = new World({ sinks: { a: {} } });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 20 * MINUTE, 5_000);
    w.bug = () => {
      throw new Error("a bug, injected");
    };
    for (let i = 0; i < 600 && crashes(w) < 4; i++) await w.clock.advance(1_000);
    await w.setSinks(["a"]);
    assert.equal(w.supervisor.exporter("default/p/a"), undefined);
    w.bug = () => {};
    await w.clock.advance(5 * MINUTE);
    assert.deepEqual([...new Set(timestamps(w, "a", "m0"))], want(w, "m0", start - 1, w.cursor("a")!));
  });

  test("a sink that was paused by hand stays so after a bug, until it is resumed", async () => {
    const w = new World({ sinks: { a: { maxSize: 1 } } });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 20 * MINUTE, 5_000);
    await w.clock.advance(MINUTE);
    w.supervisor.act("default/p/a", "pause");
    const exporter = w.exporter("a");
    exporter.update = () => {
      throw new Error("a bug, injected");
    };
    w.options.pollMs = 20_000;
    await w.reload();
    assert.equal(crashes(w), 1);
    const before = timestamps(w, "a", "m0").length;
    await w.clock.advance(5 * MINUTE);
    assert.equal(w.exporter("a") === exporter, false);
    assert.equal(timestamps(w, "a", "m0").length, before);
    assert.equal(w.stateOf("a").phase.name, "paused");
    w.supervisor.act("default/p/a", "resume");
    await w.clock.advance(5 * MINUTE);
    assert.deepEqual([...new Set(timestamps(w, "a", "m0"))], want(w, "m0", start - 1, w.cursor("a")!));
  });

  test("a cursor that cannot be read stops that sink only, and only until it can", async () => {
    const w = new World({ sinks: { a: {} } });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 20 * MINUTE, 5_000);
    await w.clock.advance(MINUTE);
    await w.stop();
    const read = w.state.cursor.bind(w.state);
    w.state.cursor = (key) => {
      if (key.sink === "a") throw new Error("disk I/O error");
      return read(key);
    };
    w.options.sinks = { a: {}, b: {} };
    w.start();
    await w.setSinks(["a", "b"]);
    await w.clock.advance(MINUTE);
    assert.ok(crashes(w) > 0);
    assert.ok(timestamps(w, "b", "m0").length > 0);
    w.state.cursor = read;
    await w.clock.advance(5 * MINUTE);
    assert.deepEqual([...new Set(timestamps(w, "a", "m0"))], want(w, "m0", start - 1, w.cursor("a")!));
  });

  test("what a removed sink gave back may have been sent: put back, it takes a refusal of that for what it is", async () => {
    const w = new World({ sinks: { a: { maxAttempts: 100 }, b: {} } });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 20 * MINUTE, 5_000);
    await w.clock.advance(2 * MINUTE);
    w.sink("a").fault = "stored";
    await w.clock.advance(POLL + 6_000);
    await w.setSinks(["b"]);
    await w.clock.advance(10_000);
    assert.ok(w.events.some((e) => e.type === "returned"));
    w.sink("a").fault = "none";
    // As Prometheus: a sample that is not the newest of its series is refused.
    w.sink("a").decide = (series) =>
      series.some(({ samples }) => samples[0]!.ts < (timestamps(w, "a", "m0").at(-1) ?? 0)) ? 400 : undefined;
    await w.setSinks(["a", "b"]);
    await w.clock.advance(2 * MINUTE);
    assert.ok((w.account("a").dropped.refused_replay ?? 0) > 0);
    assert.equal(w.account("a").dropped.rejected ?? 0, 0);
  });

  test("another poll interval loses nothing that was late when it came", async () => {
    const w = new World({ sinks: { a: { timeoutMs: 1_000 } } });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 20 * MINUTE, 5_000, 20_000);
    await w.clock.advance(5 * MINUTE);
    w.options.pollMs = 20_000;
    await w.setSources("a", ["m"]);
    await w.clock.advance(5 * MINUTE);
    const seen = timestamps(w, "a", "m0");
    assert.deepEqual(seen, want(w, "m0", start - 1, seen.at(-1)!));
    assert.ok(seen.length > 100);
  });

  test("nor does it right after a restart", async () => {
    const w = new World({ sinks: { a: { timeoutMs: 1_000 } } });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 20 * MINUTE, 5_000, 20_000);
    await w.clock.advance(5 * MINUTE);
    await w.stop();
    w.start();
    w.options.pollMs = 20_000;
    await w.setSources("a", ["m"]);
    await w.clock.advance(5 * MINUTE);
    const seen = [...new Set(timestamps(w, "a", "m0"))];
    assert.deepEqual(seen, want(w, "m0", start - 1, seen.at(-1)!));
    assert.ok(seen.length > 100);
  });

  test("a sink that is removed and put back takes what became visible in between, late as it was", async () => {
    const w = new World({ sinks: { a: { maxSize: 1 } } });
    const start = w.source.now();
    w.source.samples = [
      ...steady("m0", start, start + 40_000, 5_000),
      { series: "m0", ts: start + 48_000, value: 1, visibleAt: start + 74_000 },
      ...steady("m1", start, start + 10 * MINUTE, 5_000),
    ];
    await w.clock.advance(73_000);
    await w.setSinks([]);
    await w.clock.advance(500);
    await w.setSinks(["a"]);
    await w.clock.advance(MINUTE);
    assert.deepEqual(timestamps(w, "a", "m0"), want(w, "m0", start - 1, start + MINUTE));
  });
});

test("one edit of many policies looks at that one: no event is about the sinks of the others; what was lost comes back as new", () => {
  const planned: string[] = [];
  const looked = new Set<string>();
  const events: Event[] = [];
  const reason = "InvalidQuery" as const;
  const supervisor = new Supervisor(
    {
      clock: new FakeClock(),
      random: () => 0,
      dispatch: (event: Event) => void events.push(event),
      store: { conditions: () => [], forgetUnused: () => {}, generation: () => 1 },
      specHash: () => "",
      plan: ({ name }: Policy) => {
        planned.push(name);
        return { info: { id: `default/${name}/a`, generation: 1 }, refusal: { reason, message: "no" }, sources: [] };
      },
    } as never as SupervisorPorts,
    0,
  );
  const watched = (policy: Policy): Policy =>
    new Proxy(policy, {
      get: (target, key) => {
        looked.add(target.name);
        return Reflect.get(target, key);
      },
    });
  const policy = (name: string) =>
    watched({
      namespace: "default",
      name,
      annotations: {},
      labels: {},
      settings: {},
      sources: [],
      sinks: [
        {
          name: "a",
          sources: [],
          endpoint: "http://h/",
          batch: { maxSize: 1, timeoutMs: 1 },
          retry: { maxAttempts: 1, backoffMs: 1 },
        },
      ],
      place: { file: "f" },
    } as never as Policy);
  const load = (policies: Policy[]) => supervisor.apply({ policies, problems: [], files: [] });
  const all = Array.from({ length: 200 }, (_, i) => policy(`p${i}`));
  load(all);
  assert.equal(planned.length, 200);
  const told = (policies: Policy[]) => {
    planned.length = 0;
    events.length = 0;
    looked.clear();
    load(policies);
    return events.map((e) => ("sink" in e ? `${e.type} ${e.sink.id}` : "id" in e ? `${e.type} ${e.id}` : e.type));
  };
  const edited = all.with(7, policy("p7"));
  assert.deepEqual(told(edited), ["policies-loaded", "sink-refused default/p7/a"]);
  assert.deepEqual(planned, ["p7"]);
  assert.deepEqual([...looked], ["p7"]);
  assert.deepEqual(told([...edited]), ["policies-loaded"]);
  assert.deepEqual([...looked], []);
  assert.deepEqual(told(edited.toSpliced(9, 1)), ["policies-loaded", "sink-forgotten default/p9/a"]);
  assert.deepEqual([...looked], []);
  assert.deepEqual(told(edited), ["policies-loaded", "sink-refused default/p9/a"]);
  // In a fleet another agent owned it for a moment: the same objects are loaded, and this one starts again.
  supervisor.lose((id) => id === "default/p5");
  assert.deepEqual(told(edited), ["policies-loaded", "sink-refused default/p5/a"]);
  assert.deepEqual(
    events.flatMap((e) => (e.type === "policies-loaded" ? e.policies.map(({ id }) => id) : [])),
    edited.map(({ namespace, name }) => `${namespace}/${name}`),
  );
});
