// Windows and readers as docs/design.md has them, on a fake clock: when a window is read, what it spans, whose clock bounds it.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { offsetInInterval } from "../../src/source/window.ts";
import { steady, World } from "../fakes/world.ts";

const POLL = 15_000;
const SETTLE = 5_000;
const MINUTE = 60_000;
/** When a window is asked for: its end, settle, and the query's own part of the interval. */
const DUE = SETTLE + offsetInInterval("m", POLL, 1);

/** Requests after which a test ends: reads that are repeated without a pause would take it minutes. */
const MANY = 500;

const reads = (w: World) =>
  w.events.flatMap((e) => (e.type === "window-read" ? [{ at: e.at, from: e.from, to: e.to, read: e.read }] : []));
const notices = (w: World) => w.events.flatMap((e) => (e.type === "notice" ? [e.message] : []));
const arrived = (w: World, series = "m0") => (w.sink().taken.get(series) ?? []).map((s) => s.ts);
const all = (w: World, from: number, to: number, series = "m0") =>
  w.source.samples.filter((s) => s.series === series && s.ts > from && s.ts <= to).map((s) => s.ts);

describe("windows", () => {
  test("tile time exactly, each ends on the grid k·interval", async () => {
    const w = new World();
    await w.clock.advance(10 * MINUTE);
    const windows = reads(w);
    assert.ok(windows.length >= 39);
    for (const [i, window] of windows.slice(1).entries()) assert.equal(window.from, windows[i]!.to);
    for (const { to } of windows) assert.equal(to % POLL, 0);
  });

  test("a window is asked for when its end is settle old by the source's clock, and not 1 ms before", async () => {
    const w = new World();
    await w.clock.advance(MINUTE);
    const before = w.source.asked.length;
    const { end } = w.source.asked.at(-1)!;
    // What the agent knows of the source's clock is a lower bound: the Date of its answers, cut to the second, the best of ten.
    const due = end + POLL + DUE;
    await w.clock.advance(due - w.source.now() - 1);
    assert.equal(w.source.asked.length, before);
    await w.clock.advance(1_000);
    assert.equal(w.source.asked.length, before + 1);
    assert.ok(w.source.asked.at(-1)!.at >= due);
  });

  test("one query alone is asked for within a tenth of the interval, many are spread over the whole of it", () => {
    const names = Array.from({ length: 1_000 }, (_, i) => `m${i}`);
    for (const interval of [1_000, 5_000, 15_000, 60_000])
      for (const [queries, range] of [
        [1, interval / 10],
        [3, (3 * interval) / 10],
        [10, interval],
        [1_000, interval],
      ] as const) {
        const offsets = names.map((name) => offsetInInterval(name, interval, queries));
        const most = Math.min(range, 5_000);
        assert.ok(offsets.every((ms) => ms >= 0 && ms < most));
        for (let part = 0; part < 10; part++)
          assert.ok(offsets.some((ms) => ms >= (part * most) / 10 && ms < ((part + 1) * most) / 10));
      }
  });

  for (const [latest, settle, most] of [
    [0, "the least", 1_000],
    [3_500, "as long as that needs", 3_500 * 1.25 ** 2],
  ] as const)
    test(`--settle auto where samples are visible within ${latest} ms waits ${settle}, and exports all of them`, async () => {
      const w = new World({ learnsSettle: true, pollMs: 5_000 });
      const start = w.source.now();
      const end = start + 90 * MINUTE;
      for (let i = 0; i < 20; i++)
        w.source.samples.push(...steady(`m${i}`, start + i * 200, end, 5_000, (latest * i) / 19));
      const settleMs = () => w.stateOf().sources[0]!.settleMs!;
      await w.clock.advance(MINUTE);
      assert.equal(settleMs(), 5_000);
      await w.clock.advance(80 * MINUTE);
      // The query's own part of the interval waits too, and the source's clock is known as a lower bound.
      assert.ok(settleMs() >= Math.max(1_000, latest - 1_500) && settleMs() <= most, `${settleMs()} ms`);
      for (let i = 0; i < 20; i++)
        assert.deepEqual([...new Set(arrived(w, `m${i}`))], all(w, start - 1, w.cursor()!, `m${i}`));
      w.balances();
    });

  for (const hours of [-1, 1])
    test(`an agent whose clock is an hour ${hours < 0 ? "behind" : "ahead of"} the source's exports the same`, async () => {
      const w = new World();
      w.clock.jump(hours * 60 * MINUTE);
      const start = w.source.now();
      w.source.samples = steady("m0", start, start + 10 * MINUTE, 5_000);
      await w.clock.advance(5 * MINUTE);
      w.clock.jump(-2 * hours * 60 * MINUTE);
      await w.clock.advance(5 * MINUTE);
      const cursor = w.cursor()!;
      assert.ok(w.source.now() - cursor < 2 * POLL + DUE + 6_000);
      assert.deepEqual(arrived(w), all(w, start - 1, cursor));
      assert.equal(w.account().delivered, arrived(w).length);
    });

  test("an agent two hours ahead of its source looks for the culprits of a refused batch: nothing of it is old", async () => {
    const w = new World();
    w.clock.jump(120 * MINUTE);
    const start = w.source.now();
    w.source.samples = ["m0", "m1", "m2"].flatMap((m) => steady(m, start, start + 5 * MINUTE, 15_000));
    w.sink().decide = (series) =>
      series.some(({ labels }) => labels.some(([, value]) => value === "m1")) ? 400 : undefined;
    await w.clock.advance(5 * MINUTE);
    assert.deepEqual([...new Set(w.drops.map((d) => `${d.series} ${d.reason}`))], ["m1 rejected"]);
    assert.deepEqual(arrived(w), all(w, start - 1, w.cursor()!));
  });

  test("time zones, daylight saving and leap seconds do not matter: windows are milliseconds since the epoch", async () => {
    const before = process.env.TZ;
    process.env.TZ = "Europe/Berlin";
    try {
      const w = new World();
      const night = Date.parse("2026-10-25T00:58:00Z"); // at 01:00Z the wall clock there goes back by an hour
      w.clock.jump(night - w.clock.now());
      w.source.offset = night;
      w.source.samples = steady("m0", night, night + 5 * MINUTE, 5_000);
      await w.clock.advance(5 * MINUTE);
      assert.deepEqual(arrived(w), all(w, night - 1, w.cursor()!));
      assert.ok(arrived(w).length > 45);
    } finally {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    }
  });

  test("a cursor ahead of the source's now is set back, with an event, and the export continues", async () => {
    const w = new World();
    await w.clock.advance(5 * MINUTE);
    w.source.offset -= 60 * MINUTE;
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 10 * MINUTE, 5_000);
    await w.clock.advance(5 * MINUTE);
    assert.ok(
      notices(w).some((m) => /the source's clock was set back/.test(m)),
      notices(w).join("\n"),
    );
    assert.ok(w.source.now() - w.cursor()! < 2 * POLL + DUE + 6_000);
    assert.ok(arrived(w).length > 40);
    w.balances();
  });

  test("a source whose clock was an hour ahead for a while: what came meanwhile is read after it was set back", async () => {
    const w = new World({ sinks: { s: { timeoutMs: 1_000 } } });
    const start = w.source.now();
    const live = async (minutes: number) => {
      for (let i = 0; i < minutes * 12; i++) {
        const ts = start + Math.floor(w.clock.monotonicMs()); // the producer's clock is right
        w.source.samples.push({ series: "m0", ts, value: i, visibleAt: 0 });
        await w.clock.advance(5_000);
      }
    };
    await live(5);
    w.source.offset += 60 * MINUTE;
    await live(10);
    w.source.offset -= 60 * MINUTE;
    await live(10);
    assert.deepEqual([...new Set(arrived(w))].sort(), all(w, start - 1, w.cursor()!));
    assert.ok(w.source.now() - w.cursor()! < MINUTE);
  });

  test("a source whose clock goes wrong, back by an hour: nothing of hours ago is sent again", async () => {
    const w = new World({ sinks: { s: { timeoutMs: 1_000 } } });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 200 * MINUTE, 15_000);
    await w.clock.advance(150 * MINUTE);
    const sent = arrived(w).length;
    w.source.offset -= 60 * MINUTE;
    await w.clock.advance(5 * MINUTE);
    assert.ok(arrived(w).length <= sent + 30, `${arrived(w).length - sent} samples in five minutes`);
  });

  test("a new sink begins now, or as long ago as --start says", async () => {
    for (const startMs of [0, 10 * MINUTE]) {
      const w = new World({ startMs });
      const start = w.source.now();
      w.source.samples = steady("m0", start - 20 * MINUTE, start + 5 * MINUTE, 5_000);
      await w.clock.advance(2 * MINUTE);
      const first = arrived(w)[0]!;
      const want = start - SETTLE - startMs;
      assert.ok(first > want - 1_000 && first <= want + 5_000, `${first - start}`);
    }
  });

  test("catching up waits for no tick: oldest first, at most --max-window at a time", async () => {
    const w = new World({ startMs: 60 * MINUTE, maxWindowMs: 5 * MINUTE });
    const start = w.source.now();
    w.source.samples = steady("m0", start - 60 * MINUTE, start, 5_000);
    await w.clock.advance(20_000);
    const windows = reads(w);
    assert.ok(windows.length >= 12, `${windows.length} windows within one poll`);
    for (const { from, to } of windows) assert.ok(to - from <= 5 * MINUTE);
    assert.ok(windows.slice(1).every((x, i) => x.from === windows[i]!.to));
    assert.ok(w.source.now() - windows.at(-1)!.to < POLL + DUE + 1_000);
  });

  test("unread time older than --max-backfill is skipped and counted, with an event; what was read is never given up", async () => {
    const w = new World({ startMs: 120 * MINUTE, maxBackfillMs: 60 * MINUTE });
    const start = w.source.now();
    w.source.samples = steady("m0", start - 120 * MINUTE, start + MINUTE, 5_000);
    await w.clock.advance(MINUTE);
    const skipped = w.events.filter((e) => e.type === "skipped");
    assert.equal(skipped.length, 1);
    const [event] = skipped;
    assert.ok(event?.type === "skipped");
    assert.equal(w.stateOf().skippedMs, event.to - event.from);
    assert.equal(event.to % POLL, 0);
    assert.ok(Math.abs(event.to - (start - 60 * MINUTE)) <= POLL);
    assert.deepEqual(arrived(w), all(w, event.to, w.cursor()!));
  });

  test("a --max-backfill below what a poll takes skips nothing that is live", async () => {
    const w = new World({ maxBackfillMs: 1_000 });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 10 * MINUTE, 5_000);
    await w.clock.advance(5 * MINUTE);
    assert.deepEqual(arrived(w), all(w, start - 1, w.cursor()!));
    assert.equal(w.events.filter((e) => e.type === "skipped").length, 0);
  });

  test("a failed read waits for the next tick, and halves the window only where a shorter one may help", async () => {
    for (const [fault, shorter] of [
      ["bad-query", false],
      ["unavailable", false],
      ["truncated", true],
      ["hang", true],
    ] as const) {
      const w = new World({ startMs: 60 * MINUTE, maxWindowMs: 5 * MINUTE });
      await w.clock.advance(0);
      w.source.fault = fault;
      await w.clock.advance(2 * MINUTE, () => w.source.requests.length > MANY);
      const failures = w.events.filter((e) => e.type === "read-failed").map((e) => e.at);
      assert.ok(failures.length >= 2, `${fault}: ${failures.length} failures`);
      for (const [i, at] of failures.slice(1).entries())
        assert.ok(at - failures[i]! > POLL / 2, `${fault}: again after ${at - failures[i]!} ms`);
      w.source.fault = "none";
      w.events = [];
      await w.clock.advance(MINUTE);
      const lengths = reads(w).map((r) => r.to - r.from);
      assert.equal(lengths[0]! < 3 * MINUTE, shorter, `${fault}: ${lengths[0]} ms`);
      assert.ok(Math.max(...lengths) > 4 * MINUTE, `${fault}: it grows again`);
    }
  });

  test("a failed read is not repeated within its tick: whoever shares the query, and however the source's clock moves", async () => {
    for (const move of [0, -900, 900, -4_000, 7_000]) {
      const names = ["a", "b", "c", "d", "e"];
      const w = new World({
        maxQueries: 5,
        sinks: Object.fromEntries(names.map((n) => [n, { sources: ["m"], maxSize: 10, maxConcurrency: 1 }])),
      });
      const start = w.source.now();
      w.source.samples = Array.from({ length: 30 }, (_, i) =>
        steady(`m${i}`, start, start + 20 * MINUTE, 5_000),
      ).flat();
      // Sinks of different speed: they are ready for the next window at different moments.
      for (const [i, name] of names.entries()) w.sink(name).answerMs = 100 + 700 * i;
      await w.clock.advance(3 * MINUTE);
      w.source.fault = "unavailable";
      const from = w.source.requests.length;
      for (let i = 0; i < 120; i++) {
        await w.clock.advance(1_000, () => w.source.requests.length > from + MANY);
        if (i % 10 === 3) w.source.offset += i % 20 === 3 ? move : -move;
      }
      // Readers at different positions begin at the same moment: before the first of them has failed.
      const asked = [...new Set(w.source.requests.slice(from).map(({ at }) => at))];
      assert.ok(asked.length >= 4, `${asked.length} requests`);
      for (const [i, at] of asked.slice(1).entries())
        assert.ok(at - asked[i]! > POLL / 2, `clock by ${move}: again after ${at - asked[i]!} ms`);
    }
  });

  test("two replicas whose clocks differ by 8 s, polls of 2 s: everything arrives, nearly nothing twice, and it is said", async () => {
    const w = new World({ pollMs: 2_000, settleMs: 2_000, sinks: { s: { timeoutMs: 1_000 } } });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 60 * MINUTE, 5_000);
    const right = w.source.offset;
    for (let i = 0; i < 300; i++) {
      w.source.offset = right + (i % 2) * 8_000;
      await w.clock.advance(2_000);
    }
    w.source.offset = right;
    const unique = new Set(arrived(w));
    assert.deepEqual([...unique].sort(), all(w, start - 1, Math.max(...unique)));
    assert.ok(arrived(w).length <= unique.size + 20, `${arrived(w).length - unique.size} samples twice`);
    assert.ok(w.source.now() - w.cursor()! < 15_000, `${w.source.now() - w.cursor()!} ms behind`);
    const said = notices(w).filter((m) => /clocks .* differ by 8s/.test(m));
    assert.equal(said.length, 1, notices(w).join("\n"));
  });

  for (const back of [6_000, 10_000, 14_000, 40_000])
    test(`a source whose clock goes back by ${back / 1000} s: nothing is held up for 15 s`, async () => {
      const w = new World({ sinks: { s: { timeoutMs: 500 } } });
      const start = w.source.now();
      const produce = async (seconds: number) => {
        for (let i = 0; i < seconds; i++) {
          w.source.samples.push({
            series: "m0",
            ts: start + Math.floor(w.clock.monotonicMs()),
            value: i,
            visibleAt: 0,
          });
          await w.clock.advance(1_000);
        }
      };
      await produce(120);
      w.events = [];
      w.source.offset -= back;
      await produce(120);
      const times = w.events.flatMap((e) =>
        e.type === "attempt-ended" && e.result.kind === "delivered" ? [e.at] : [],
      );
      for (const [i, at] of times.slice(1).entries())
        assert.ok(at - times[i]! < POLL + 7_000, `nothing was delivered for ${at - times[i]!} ms`);
      assert.ok(times.length >= 6);
      await produce(60);
      const unique = [...new Set(arrived(w))].sort();
      assert.deepEqual(unique, all(w, start - 1, unique.at(-1)!));
    });

  test("a window that has more samples than allowed is broken off, halved and read in parts; nothing is lost", async () => {
    const w = new World({ startMs: 20 * MINUTE, maxWindowSamples: 100 });
    const start = w.source.now();
    w.source.samples = steady("m0", start - 20 * MINUTE, start, 1_000);
    await w.clock.advance(10 * MINUTE);
    assert.deepEqual(arrived(w), all(w, start - 20 * MINUTE - SETTLE, start));
  });

  test("after an outage of the source reads reach back to before it: what producers had buffered comes through, also where newer samples overtake it", async () => {
    const w = new World();
    const start = w.source.now();
    const down = start + 5 * MINUTE;
    const up = down + 10 * MINUTE;
    // The producer delivers from `up` on, half a minute for all it has, oldest first.
    w.source.samples = steady("m0", start, start + 30 * MINUTE, 5_000).map((s) =>
      s.ts < down - 10_000 || s.ts > up ? s : { ...s, visibleAt: up + (30_000 * (s.ts - down)) / (up - down) + 10_000 },
    );
    await w.clock.advance(5 * MINUTE);
    w.source.fault = "refused";
    const before = w.source.requests.length;
    await w.clock.advance(10 * MINUTE, () => w.source.requests.length > before + MANY);
    w.source.fault = "none";
    await w.clock.advance(5 * MINUTE);
    const unique = [...new Set(arrived(w))].sort((a, b) => a - b);
    assert.deepEqual(unique, all(w, start - 1, w.cursor()!));
    await w.clock.advance(10 * MINUTE);
    const last = w.source.asked.at(-1)!;
    assert.ok(last.windowMs <= 3 * POLL, "and no longer than needed");
  });

  test("a restart continues at the cursor: no gap, and after a clean stop nothing twice", async () => {
    const w = new World({ sinks: { s: { timeoutMs: 1_000 } } });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 20 * MINUTE, 5_000);
    for (let i = 0; i < 5; i++) {
      await w.clock.advance(73_000);
      await w.stop();
      await w.clock.advance(41_000);
      w.start();
    }
    await w.clock.advance(MINUTE);
    assert.deepEqual(arrived(w), all(w, start - 1, w.cursor()!));
  });

  test("a read starts only if what it is expected to bring still fits --max-buffered-samples", async () => {
    const names = ["a", "b", "c", "d"];
    const w = new World({
      maxBufferedSamples: 250,
      sinks: Object.fromEntries(
        names.map((n) => [n, { sources: [n], onExhausted: "hold" as const, maxSize: 1_000, timeoutMs: 60_000 }]),
      ),
    });
    const start = w.source.now();
    w.source.samples = names.flatMap((n) => steady(`${n}0`, start, start + 20 * MINUTE, 150));
    await w.clock.advance(45_000);
    for (let i = 0; i < 120; i++) {
      await w.clock.advance(5_000);
      const pending = names.map((name) => w.account(name).pending).filter((n) => n > 0);
      const total = pending.reduce((a, b) => a + b, 0);
      assert.ok(
        total <= 250 || pending.length === 1,
        `${pending.join(" + ")} samples in memory: an empty memory takes any window`,
      );
    }
    assert.ok(names.every((n) => w.account(n).delivered > 0));
    w.balances();
  });

  test("a paused sink reads nothing and continues where it was", async () => {
    const w = new World({ sinks: { s: { timeoutMs: 1_000 } } });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 20 * MINUTE, 5_000);
    await w.clock.advance(MINUTE);
    w.exporter().pause();
    await w.clock.advance(POLL);
    const asked = w.source.asked.length;
    await w.clock.advance(5 * MINUTE);
    assert.equal(w.source.asked.length, asked);
    w.exporter().resume();
    await w.clock.advance(2 * MINUTE);
    assert.deepEqual(arrived(w), all(w, start - 1, w.cursor()!));
    w.balances();
  });

  test("nobody sleeps on after the end", async () => {
    const w = new World({ sinks: { s: { timeoutMs: 1_000 }, t: { onExhausted: "hold" } } });
    const start = w.source.now();
    w.source.samples = steady("m0", start, start + 20 * MINUTE, 5_000);
    w.sink("t").fault = "refused";
    await w.clock.advance(3 * MINUTE);
    await w.stop();
    await w.clock.advance(10_000);
    assert.equal(w.clock.sleepers, 0);
  });
});
