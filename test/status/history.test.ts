// What the charts are drawn from: lag and latency over the last minute and hour.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { addLatency, emptyLatency, latencyOfHour, latencyOfMinute } from "../../src/status/attempts/latency.ts";
import { readyOf } from "../../src/status/conditions.ts";
import { lagOfHour, lagOfMinute } from "../../src/status/lag.ts";
import { lastMinute, rate } from "../../src/status/rings.ts";
import { lagOf, sinkOf } from "../../src/status/sinks.ts";
import { START, Story, serverError, sinkInfo } from "./scenes.ts";

const id = "default/edge/cloud";
const story = () => new Story([sinkInfo(id)]).sourceAnswers();
const sink = (s: Story) => sinkOf(s.snapshot, id)!;

describe("lag over time", () => {
  test("unknown until something was read", () => {
    assert.deepEqual([...new Set(lagOfMinute(sink(story().wait(90_000)), START + 90_000))], [0]);
  });
  test("a sink that never delivered: grows from the first read on, and when it delivers at last", () => {
    const s = story().wait(5_000).read(id, 10).wait(20_000);
    const grown = lagOfMinute(sink(s), s.now);
    assert.deepEqual(
      grown.slice(-22),
      [0, 0, ...Array.from({ length: 20 }, (_, i) => (lagOf(sink(s), s.now) ?? 0) - (19 - i) * 1_000)],
      "as the row says it, each second",
    );
    s.settled(id);
    assert.deepEqual(lagOfMinute(sink(s), s.now), grown);
  });
  test("a saw: grows until the cursor moves, each second the largest of it", () => {
    const s = story().settled(id).wait(10_000).settled(id).wait(3_000);
    // 5 s at first, growing to 15 s when the cursor moves again; then from 5 s again
    assert.deepEqual(
      lagOfMinute(sink(s), s.now).slice(-13),
      [6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15, 7, 8].map((n) => n * 1000),
    );
  });
  test("a sink that is stuck: what the reader fills in is what the ring gets when it moves", () => {
    const s = story().settled(id).wait(300_000);
    const filled = lagOfMinute(sink(s), s.now);
    assert.deepEqual(
      filled,
      Array.from({ length: 60 }, (_, i) => (246 + i) * 1000),
    );
    assert.deepEqual(
      lagOfHour(sink(s), s.now).slice(-6),
      [0, 65, 125, 185, 245, 305].map((n) => n * 1000),
    );
    s.settled(id);
    assert.deepEqual(lagOfMinute(sink(s), s.now), filled);
    assert.deepEqual(
      lagOfHour(sink(s), s.now).slice(-6),
      [0, 65, 125, 185, 245, 305].map((n) => n * 1000),
    );
  });
  test("the worst of the sources counts", () => {
    const sources = ["a", "b"].map((name) => ({ name, query: `{s="${name}"}`, kind: "raw" as const }));
    const s = new Story([sinkInfo(id, { sources })]).settled(id, 50_000, "a").wait(1_000).settled(id, 4_000, "b");
    assert.deepEqual(lagOfMinute(sink(s.wait(2_000)), s.now).slice(-2), [52_000, 53_000]);
  });
  test("a clock that leaps ahead and is set right leaves nothing in the future: no history stands still", () => {
    const s = story().delivers(id, 10).settled(id).wait(5_000);
    s.now += 3_600_000;
    s.delivers(id, 10).settled(id).fails(id, 1, 5_000, serverError).fails(id, 2, 5_000, serverError).wait(2_000);
    s.now -= 3_600_000;
    s.wait(1_000);
    const { failing, conditions, ...rest } = sink(s);
    assert.ok(failing !== undefined && failing.since <= s.now);
    for (const { lastTransitionTime } of conditions) assert.ok(lastTransitionTime <= s.now);
    const rings = Object.entries({ ...rest, allSamples: s.snapshot.samples, allBytes: s.snapshot.bytes }).filter(
      ([, of]) => typeof of === "object" && "second" in of,
    );
    assert.deepEqual(rings.map(([name]) => name).sort(), [
      "allBytes",
      "allSamples",
      "bytes",
      "lag",
      "requests",
      "samples",
    ]);
    for (const [name, of] of rings) assert.ok((of as { second: number }).second * 1000 <= s.now, name);
    for (const { slot } of [rest.latency.minute]) assert.ok(slot * 5_000 <= s.now);
  });
  test("a clock that jumps back or far ahead breaks nothing", () => {
    const s = story().settled(id).wait(5_000);
    s.now -= 3_600_000;
    s.settled(id);
    s.now += 86_400_000 * 400;
    s.settled(id).wait(1_000);
    assert.equal(lagOfMinute(sink(s), s.now).length, 60);
    assert.equal(sink(s).lag.seconds.length, 61);
    assert.equal(sink(s).lag.minutes.length, 61);
  });
});

describe("a clock that leaps ahead and comes back", () => {
  test("with a batch in between: rates, lag and latency continue at once", () => {
    const s = story();
    const works = (seconds: number) => {
      for (let i = 0; i < seconds; i++) s.delivers(id, 100).wait(1_000);
    };
    works(70);
    s.now += 3_600_000;
    s.delivers(id, 5); // a batch during the leap
    s.now -= 3_600_000;
    works(30);
    const now = s.now;
    assert.deepEqual(lastMinute(sink(s).samples, now).slice(-29), new Array(29).fill(100));
    assert.deepEqual(lastMinute(s.snapshot.samples, now).slice(-29), new Array(29).fill(100));
    assert.equal(Math.round(rate(sink(s).samples, now, 0)), 50, "29 or 30 of the last 60 s");
    assert.ok(
      lagOfMinute(sink(s), now)
        .slice(-29)
        .every((ms) => ms >= 5_000 && ms <= 6_000),
    );
    assert.ok(
      latencyOfMinute(sink(s).latency, now)
        .p50.slice(-5)
        .every((ms) => ms > 0),
    );
    assert.equal(lagOf(sink(s), now + 10_000), 16_000, "lag grows with time again");
  });
  test("an idle sink: its last minute empties; a retry stays as far away as it was", () => {
    const s = story().delivers(id, 100);
    s.now += 3_600_000;
    s.read(id, 1_000).fails(id, 1, 8_000);
    s.now -= 3_600_000;
    s.wait(3_000);
    const { phase } = sink(s);
    assert.ok(phase.name === "backing-off");
    assert.ok(phase.retryAt - s.now >= 5_000 && phase.retryAt - s.now <= 6_000, "a tick is a second");
    assert.deepEqual([...new Set(lastMinute(sink(s).samples, s.now + 61_000))], [0]);
  });
  test("a host that slept: nobody is late before there was time to work", () => {
    const s = story();
    for (let i = 0; i < 20; i++) s.delivers(id, 100).wait(15_000);
    s.now += 3_600_000;
    s.event({ type: "tick" }).wait(5_000);
    assert.equal(readyOf(sink(s)).status, "True");
    s.behind(id, 3_600_000).wait(3_000);
    assert.equal(readyOf(sink(s)).reason, "CatchingUp");
    assert.equal(s.snapshot.events.filter((e) => e.text.includes("Lagging")).length, 0);
  });
});

describe("latency over time", () => {
  const near = (actual: number | undefined, expected: number) =>
    assert.ok(actual !== undefined && Math.abs(actual / expected - 1) < 0.1, `${actual} is not near ${expected}`);
  test("percentiles of each slot, within a tenth", () => {
    let latency = emptyLatency;
    for (let ms = 1; ms <= 1000; ms++) latency = addLatency(latency, START + ms, ms);
    const { p50, p95, p99 } = latencyOfMinute(latency, START + 5_000);
    assert.equal(p50.length, 12);
    near(p50.at(-1), 500);
    near(p95.at(-1), 950);
    near(p99.at(-1), 990);
    assert.deepEqual(p50.slice(0, -1), new Array(11).fill(0));
    near(latencyOfHour(latency, START + 60_000).p99.at(-1), 990);
  });
  test("the running slot is not shown; silence is 0; an hour later nothing is left", () => {
    const latency = addLatency(addLatency(emptyLatency, START, 40), START + 20_000, 80);
    assert.equal(Math.max(...latencyOfHour(latency, START + 59_000).p50), 0);
    const { p50 } = latencyOfMinute(latency, START + 25_000);
    near(p50.at(-5), 40);
    assert.deepEqual(p50.slice(-4, -1), [0, 0, 0]);
    near(p50.at(-1), 80);
    assert.equal(Math.max(...latencyOfMinute(latency, START + 3_700_000).p50), 0);
    assert.equal(Math.max(...latencyOfHour(latency, START + 3_700_000).p50), 0);
  });
  test("each attempt counts, failed ones too", () => {
    const s = story().delivers(id, 10).wait(5_000).fails(id, 1, 5_000, serverError).wait(60_000);
    const { p50 } = latencyOfMinute(sink(s).latency, s.now);
    assert.equal(p50.filter((ms) => ms > 0).length, 1, "the last minute has the failed one");
    assert.ok(latencyOfHour(sink(s).latency, s.now).p50.some((ms) => ms > 0));
  });
});
