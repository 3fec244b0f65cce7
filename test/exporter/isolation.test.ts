// One sink's trouble is nobody else's: hanging, refusing, slow, a bug of ours; removal and restart of one.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { steady, World } from "../fakes/world.ts";

const POLL = 15_000;
const MINUTE = 60_000;

/** All that the sink has of a series, in order of arrival. */
const timestamps = (w: World, sink: string, series: string): number[] =>
  (w.sink(sink).taken.get(series) ?? []).filter((s) => !s.stale).map((s) => s.ts);
const want = (w: World, series: string, from: number, to: number): number[] =>
  w.source.samples.filter((s) => s.series === series && s.ts > from && s.ts <= to).map((s) => s.ts);
const ofType = (w: World, type: string) => w.events.filter((e) => e.type === type);

describe("isolation", () => {
  test("200 sinks, 20 hanging and 20 refusing: the healthy ones' lag stays under two polls, and the source is asked for them once a poll", async () => {
    const names = Array.from({ length: 200 }, (_, i) => `s${i}`);
    const w = new World({
      sinks: Object.fromEntries(names.map((n) => [n, { onExhausted: "hold" as const, timeoutMs: 1_000 }])),
    });
    const start = w.source.now();
    w.source.samples = [
      ...steady("m0", start, start + 20 * MINUTE, 5_000),
      ...steady("m1", start, start + 20 * MINUTE, 15_000),
    ];
    names.forEach((n, i) => {
      w.sink(n).fault = i < 20 ? "timeout" : i < 40 ? 403 : "none";
    });
    for (let i = 0; i < 24; i++) {
      await w.clock.advance(15_000);
      for (const name of names.slice(40)) {
        const lag = w.source.now() - (w.stateOf(name).sources[0]!.cursor ?? start);
        assert.ok(lag < 2 * POLL + 5_000 + 6_000, `${name} is ${lag} ms behind at ${i}`);
      }
    }
    w.balances();
    const live = w.source.asked.filter((a) => a.at > start + 2 * MINUTE);
    assert.ok(live.length <= (4 * MINUTE) / POLL + 45, `${live.length} requests in four minutes`);
    names.forEach((n) => {
      w.sink(n).fault = "none";
    });
    await w.clock.advance(6 * MINUTE);
    const until = w.cursor("s100")!;
    for (const name of names)
      assert.deepEqual(
        timestamps(w, name, "m0"),
        want(w, "m0", start - 1, until).slice(0, timestamps(w, name, "m0").length),
      );
    for (const name of names) assert.ok(w.source.now() - w.cursor(name)! < 2 * POLL + 11_000, `${name} has caught up`);
    w.balances();
  });

  test("a sink that fails reads nothing; when it is back it reads what it missed, and then shares requests again", async () => {
    const w = new World({ sinks: { good: { timeoutMs: 1_000 }, bad: { onExhausted: "hold", timeoutMs: 1_000 } } });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 60 * MINUTE, 5_000);
    await w.clock.advance(2 * MINUTE);
    w.sink("bad").fault = "refused";
    await w.clock.advance(MINUTE);
    const asked = w.source.asked.length;
    const memory = w.account("bad").pending;
    await w.clock.advance(10 * MINUTE);
    assert.equal(w.source.asked.length - asked, 40, "one request a poll: those of the good sink");
    assert.equal(w.account("bad").pending, memory, "memory stays flat");
    assert.ok(w.sink("bad").mostInFlight <= 8);
    w.sink("bad").fault = "none";
    await w.clock.advance(6 * MINUTE);
    const shared = w.source.asked.length;
    await w.clock.advance(5 * MINUTE);
    assert.equal(w.source.asked.length - shared, 20, "one request a poll for both");
    assert.deepEqual(timestamps(w, "bad", "m0"), timestamps(w, "good", "m0"));
    assert.equal(w.account("bad").delivered, w.account("good").delivered);
    w.balances();
  });

  test("while a sink fails it has one request in flight", async () => {
    const w = new World({ sinks: { s: { maxSize: 1, timeoutMs: 1_000 } } });
    const start = w.source.now();
    w.source.samples = Array.from({ length: 30 }, (_, i) => steady(`m${i}`, start, start + 10 * MINUTE, 15_000)).flat();
    await w.clock.advance(2 * MINUTE);
    assert.ok(w.sink().mostInFlight > 1, "batches of one window go in parallel");
    w.sink().fault = 503;
    await w.clock.advance(20_000);
    w.sink().mostInFlight = 0;
    await w.clock.advance(2 * MINUTE);
    assert.equal(w.sink().mostInFlight, 1);
  });

  test("a sink that falls more than two windows behind a shared frame releases it, counted as returned, and later reads for itself", async () => {
    const w = new World({
      sinks: {
        fast: { timeoutMs: 1_000 },
        slow: { maxSize: 2, maxConcurrency: 1, timeoutMs: 1_000, onExhausted: "hold" },
      },
    });
    const start = w.source.now();
    w.source.samples = Array.from({ length: 20 }, (_, i) => steady(`m${i}`, start, start + 30 * MINUTE, 15_000)).flat();
    await w.clock.advance(MINUTE);
    w.sink("slow").answerMs = 12_000;
    await w.clock.advance(4 * MINUTE);
    assert.ok(w.account("slow").returned > 0);
    assert.ok(w.account("slow").pending <= 20 * 20 + 60, "at most a catch-up window and what is on its way");
    w.balances();
    w.sink("slow").answerMs = 5;
    await w.clock.advance(5 * MINUTE);
    assert.deepEqual([...new Set(timestamps(w, "slow", "m7"))], timestamps(w, "fast", "m7"));
    w.balances();
  });

  test("sinks that hang release once and then wait: they do not read the same windows again and again", async () => {
    const names = Array.from({ length: 20 }, (_, i) => `s${i}`);
    const w = new World({ pollMs: 5_000, sinks: Object.fromEntries(names.map((n) => [n, { timeoutMs: 1_000 }])) });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 10 * MINUTE, 1_000);
    for (const name of names.slice(0, 10)) w.sink(name).fault = "timeout";
    await w.clock.advance(MINUTE);
    assert.ok(w.source.asked.length < 30, `${w.source.asked.length} requests in 12 polls`);
    assert.ok(w.account("s0").returned > 0);
    w.balances();
  });

  test("a sink that catches up does not starve a live one: windows are read in turn", async () => {
    const w = new World({
      maxQueries: 1,
      maxWindowMs: 15_000,
      sinks: { live: { sources: ["m0"] }, behind: { sources: ["m1"], onExhausted: "hold" } },
    });
    const start = w.source.now();
    w.source.answerMs = 2_000;
    w.source.samples = [
      ...steady("m0", start, start + 60 * MINUTE, 15_000),
      ...steady("m1", start, start + 60 * MINUTE, 15_000),
    ];
    w.sink("behind").fault = "refused";
    await w.clock.advance(20 * MINUTE);
    w.sink("behind").fault = "none";
    await w.clock.advance(5 * MINUTE);
    const lag = w.source.now() - w.cursor("live", "m0")!;
    assert.ok(lag < 2 * POLL + 15_000, `${lag} ms`);
    await w.clock.advance(20 * MINUTE);
    assert.deepEqual(timestamps(w, "behind", "m1"), want(w, "m1", start - 1, w.cursor("behind", "m1")!));
  });

  test("a query that always fails at the source makes the reads of others no longer", async () => {
    const w = new World({ sinks: { good: { sources: ["m0"] }, bad: { sources: ["m1"] } } });
    const start = w.source.now();
    w.source.samples = ["m0", "m1"].flatMap((m) => steady(m, start, start + 60 * MINUTE, 5_000));
    await w.clock.advance(MINUTE);
    w.source.faultOf = (query) => (query.startsWith("m1") ? "unavailable" : undefined);
    await w.clock.advance(30 * MINUTE);
    const { windowMs } = w.source.asked.filter((a) => a.query === "m0").at(-1)!;
    assert.ok(windowMs <= 4 * POLL, `${windowMs} ms are read for a poll of 15 s`);
    assert.deepEqual(timestamps(w, "good", "m0"), want(w, "m0", start - 1, w.cursor("good", "m0")!));
  });

  test("answers that trickle without end hold their places for five minutes, not forever", async () => {
    const w = new World({ sinks: { good: { sources: ["g"] }, one: { sources: ["m1"] }, two: { sources: ["m2"] } } });
    const start = w.source.now();
    w.source.samples = ["g", "m1", "m2"].flatMap((m) => steady(m, start, start + 60 * MINUTE, 5_000));
    await w.clock.advance(MINUTE);
    const before = w.cursor("good", "g")!;
    w.source.faultOf = (query) => (query.startsWith("m") ? "endless" : undefined);
    await w.clock.advance(4 * MINUTE);
    assert.equal(w.source.inFlight, 2, "both places are taken");
    for (let i = 0; i < 12; i++) {
      await w.clock.advance(5 * MINUTE);
      const lag = w.source.now() - w.cursor("good", "g")!;
      assert.ok(lag < 5 * MINUTE + 2 * POLL + 11_000, `${lag} ms behind`);
    }
    assert.deepEqual(timestamps(w, "good", "g"), want(w, "g", start - 1, w.cursor("good", "g")!));
    assert.ok(w.cursor("good", "g")! > before);
    w.source.faultOf = () => undefined;
    await w.clock.advance(6 * MINUTE);
    for (const [sink, series] of [
      ["one", "m1"],
      ["two", "m2"],
    ] as const)
      assert.deepEqual(timestamps(w, sink, series), want(w, series, start - 1, w.cursor(sink, series)!));
    w.balances();
  });

  test("a read may take as long as its interval where that is longer than five minutes: it keeps up", async () => {
    const w = new World({ pollMs: 20 * MINUTE, maxWindowMs: 20 * MINUTE });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 60 * MINUTE, 15_000);
    await w.clock.advance(MINUTE);
    w.source.fault = "trickle";
    w.source.pieces = 30; // 14.5 minutes
    await w.clock.advance(80 * MINUTE);
    assert.deepEqual(timestamps(w, "s", "m0"), want(w, "m0", start - 1, w.cursor()!));
    assert.ok(w.cursor()! > start + 40 * MINUTE);
  });

  for (const fault of ["hold", "pause", "slow"] as const)
    test(`a sink that keeps --max-buffered-samples to itself (${fault}) releases it: the others read on`, async () => {
      const w = new World({
        maxBufferedSamples: 3_000,
        sinks: {
          full: { sources: ["m"], onExhausted: "hold", maxConcurrency: 1, maxSize: 300 },
          good: { sources: ["n"], timeoutMs: 1_000 },
        },
      });
      const start = w.source.now();
      w.source.samples = [
        ...Array.from({ length: 10 }, (_, i) => steady(`m${i}`, start, start + 60 * MINUTE, 100)).flat(),
        ...steady("n0", start, start + 60 * MINUTE, 15_000),
      ];
      await w.clock.advance(5 * MINUTE);
      w.sink("full").answerMs = 20_000;
      await w.clock.advance(2 * POLL);
      if (fault === "hold") w.sink("full").fault = 403;
      if (fault === "pause") w.exporter("full").pause();
      for (let i = 0; i < 40; i++) {
        await w.clock.advance(POLL);
        const lag = w.source.now() - w.cursor("good", "n")!;
        assert.ok(lag < 3 * POLL + 11_000, `the good sink is ${lag} ms behind after ${i} polls`);
        w.balances();
      }
      assert.ok(w.account("full").returned > 0);
      w.sink("full").fault = "none";
      w.sink("full").answerMs = 5;
      w.exporter("full").resume();
      await w.clock.advance(20 * MINUTE);
      const to = w.cursor("full")!;
      assert.ok(w.source.now() - to < 3 * POLL, "it has caught up");
      // The next window may be on its way: some of its series have arrived, others not.
      const arrived = new Set(timestamps(w, "full", "m3").filter((ts) => ts <= to));
      assert.deepEqual([...arrived], want(w, "m3", start - 1, to));
      w.balances();
    });

  test("where memory is short a healthy sink sends its open batch early: nobody starves", async () => {
    const w = new World({
      pollMs: 1_000,
      settleMs: 1_000,
      lateMs: 0,
      maxBufferedSamples: 20,
      sinks: {
        slow: { sources: ["m"], timeoutMs: 60_000 },
        quick: { sources: ["n"], timeoutMs: 100 },
      },
    });
    const start = w.source.now();
    w.source.samples = ["m0", "n0"].flatMap((m) => steady(m, start, start + 10 * MINUTE, 100));
    await w.clock.advance(5 * MINUTE);
    for (const [sink, source] of [
      ["slow", "m"],
      ["quick", "n"],
    ] as const) {
      const cursor = w.cursor(sink, source)!;
      assert.ok(w.source.now() - cursor < 10_000, `${sink} is ${w.source.now() - cursor} ms behind`);
      assert.deepEqual(timestamps(w, sink, `${source}0`), want(w, `${source}0`, start - 1, cursor));
      assert.equal(w.account(sink).returned, 0);
    }
  });

  test("at most --max-source-queries are asked at once", async () => {
    const w = new World({
      maxQueries: 2,
      sinks: Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`s${i}`, { sources: [`m${i}`] }])),
    });
    w.source.answerMs = 4_000;
    await w.clock.advance(3 * MINUTE);
    assert.equal(w.source.mostInFlight, 2);
  });
});

describe("a bug in one exporter", () => {
  test("is contained: its sink reports it and starts again from its cursor, later each time; the others do not notice; nothing is lost", async () => {
    const w = new World({ sinks: { good: { timeoutMs: 1_000 }, bad: { timeoutMs: 1_000 } } });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 30 * MINUTE, 5_000);
    await w.clock.advance(MINUTE);
    let bugs = 3;
    w.bug = (sink) => {
      if (sink === "bad" && bugs-- > 0) throw new Error("a bug, injected");
    };
    await w.clock.advance(25_000);
    const [crash] = ofType(w, "sink-crashed");
    assert.ok(crash?.type === "sink-crashed");
    assert.match(crash.message, /a bug, injected/);
    assert.equal(crash.restartAt - crash.at, 1_000);
    w.balances();
    await w.clock.advance(2 * MINUTE);
    assert.deepEqual(
      ofType(w, "sink-crashed").map((e) => (e.type === "sink-crashed" ? e.restartAt - e.at : 0)),
      [1_000, 2_000, 4_000],
    );
    await w.clock.advance(MINUTE);
    w.balances();
    assert.deepEqual([...new Set(timestamps(w, "bad", "m0"))], timestamps(w, "good", "m0"));
    assert.equal(w.stateOf("bad").phase.name, "flowing");
    assert.ok(w.account("bad").returned > 0);
  });

  test("also one that is thrown while a window is taken: the reader it shares continues", async () => {
    const w = new World({ sinks: { good: { timeoutMs: 1_000 }, bad: { timeoutMs: 1_000, maxSize: 1 } } });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 30 * MINUTE, 5_000);
    await w.clock.advance(MINUTE);
    let bugs = 1;
    w.bug = (sink) => {
      if (sink === "bad" && bugs-- > 0) throw new Error("a bug, injected");
    };
    await w.clock.advance(3 * MINUTE);
    assert.equal(ofType(w, "sink-crashed").length, 1);
    assert.deepEqual([...new Set(timestamps(w, "bad", "m0"))], timestamps(w, "good", "m0"));
    w.balances();
  });
});

describe("what is taken out of a policy", () => {
  const staleOf = (w: World, sink: string) =>
    [...w.sink(sink).taken].flatMap(([name, list]) => list.filter((s) => s.stale).map((s) => `${name} ${s.ts}`));

  test("a removed sink drains, and each series that is alive ends there with a stale marker after its last sample", async () => {
    const w = new World({ sinks: { a: { timeoutMs: 1_000 }, b: { timeoutMs: 1_000 } } });
    const start = w.source.now();
    w.source.samples = [
      ...steady("m0", start, start + 20 * MINUTE, 5_000),
      ...steady("m1", start, start + MINUTE, 5_000),
    ];
    await w.clock.advance(10 * MINUTE);
    await w.setSinks(["a"]);
    await w.clock.advance(10_000);
    const last = timestamps(w, "b", "m0").at(-1)!;
    assert.equal(staleOf(w, "b").length, 1, "m1 has ended long ago");
    const [, at] = staleOf(w, "b")[0]!.split(" ");
    assert.ok(Number(at) >= last && Number(at) <= last + 5_000);
    assert.deepEqual(staleOf(w, "a"), []);
    assert.equal(ofType(w, "sink-forgotten").length, 1);
  });

  test("a removed source ends its series and leaves those of the others alone", async () => {
    const w = new World({ sinks: { a: { sources: ["m", "n"], timeoutMs: 1_000 } } });
    const start = w.source.now();
    w.source.samples = [
      ...steady("m0", start, start + 20 * MINUTE, 5_000),
      ...steady("n0", start, start + 20 * MINUTE, 5_000),
    ];
    await w.clock.advance(5 * MINUTE);
    await w.setSources("a", ["n"]);
    await w.clock.advance(2 * MINUTE);
    assert.deepEqual(
      staleOf(w, "a").map((s) => s.split(" ")[0]),
      ["m0"],
    );
    const until = w.cursor("a", "n")!;
    assert.deepEqual(timestamps(w, "a", "n0"), want(w, "n0", start - 1, until));
    w.balances();
  });

  test("a shutdown ends no series: they continue after it", async () => {
    const w = new World({ sinks: { a: { timeoutMs: 1_000 } } });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 20 * MINUTE, 5_000);
    await w.clock.advance(5 * MINUTE);
    await w.stop();
    assert.deepEqual(staleOf(w, "a"), []);
  });

  test("a stale marker of the source itself goes through, and is not written twice by a removal", async () => {
    const w = new World({ sinks: { a: { timeoutMs: 1_000 }, b: {} } });
    const start = w.source.now();
    const end = start + 2 * MINUTE;
    w.source.samples = [
      ...steady("m0", start, end, 5_000),
      { series: "m0", ts: end + 2_000, value: Number.NaN, visibleAt: end },
    ];
    await w.clock.advance(3 * MINUTE);
    await w.setSinks(["b"]);
    await w.clock.advance(10_000);
    assert.deepEqual(staleOf(w, "a"), [`m0 ${end + 2_000}`]);
  });
});
