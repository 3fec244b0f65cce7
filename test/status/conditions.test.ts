// Conditions: which phase reports what, when Ready turns, and that it does not flap.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { acceptedOf, readyOf } from "../../src/status/conditions.ts";
import { changedReports } from "../../src/status/reported.ts";
import { lagOf, sinkOf } from "../../src/status/sinks.ts";
import type { Condition, SinkState } from "../../src/status/snapshot.ts";
import { explain } from "../../src/status/text/explain.ts";
import { summaryLine } from "../../src/status/text/loglines.ts";
import { phases } from "../tui/frames.tsx";
import { rateLimited, rejected, START, Story, sinkInfo, unauthorized } from "./scenes.ts";

const ID = "default/p/s";
const EDGE = "default/edge/cloud";
const sinkIn = (story: Story, id = ID): SinkState => {
  const sink = sinkOf(story.snapshot, id);
  assert.ok(sink);
  return sink;
};
const ready = (story: Story, id = ID): Condition => readyOf(sinkIn(story, id));
const says = (c: Condition): string => `${c.status} ${c.reason}`;
const start = () => new Story([sinkInfo(ID)]).sourceAnswers().wait(1_000);
const flowing = () => start().delivers(ID, 10);

const table: Record<string, [accepted: string, ready: string]> = {
  starting: ["True SinkConfigured", "Unknown Pending"],
  flowing: ["True SinkConfigured", "True Delivering"],
  idle: ["True SinkConfigured", "True Idle"],
  "backing-off": ["True SinkConfigured", "False EndpointUnreachable"],
  holding: ["True SinkConfigured", "False AuthenticationRejected"],
  "catching-up": ["True SinkConfigured", "True CatchingUp"],
  paused: ["True SinkConfigured", "False Paused"],
  refused: ["False SecretNotFound", "False SecretNotFound"],
  draining: ["True SinkConfigured", "True Delivering"],
  stopped: ["True SinkConfigured", "True Delivering"],
  "rate-limited": ["True SinkConfigured", "False RateLimited"],
  "source-down": ["True SinkConfigured", "False SourceUnavailable"],
  "query-failed": ["True SinkConfigured", "False QueryFailed"],
  "samples-rejected": ["True SinkConfigured", "False SamplesRejected"],
};

describe("what each situation reports", () => {
  for (const [name, story] of Object.entries(phases())) {
    test(name, () => {
      const sink = sinkIn(story, EDGE);
      assert.deepEqual([says(acceptedOf(sink)), says(readyOf(sink))], table[name]);
    });
    test(`${name}: full sentences, by the conventions`, () => {
      for (const c of sinkIn(story, EDGE).conditions) {
        assert.match(c.message, /^[A-Z"].*[.!?]$/, c.message);
        assert.match(c.reason, /^[A-Z][A-Za-z]+$/);
        assert.equal(c.observedGeneration, 1);
        assert.ok(c.lastTransitionTime >= START && c.lastTransitionTime <= story.now);
      }
    });
  }
  test("Accepted False: the same reason and message in Ready", () => {
    const [accepted, ready] = sinkIn(phases().refused ?? start(), EDGE).conditions;
    assert.equal(ready.message, accepted.message);
  });
});

describe("when Ready turns", () => {
  test("one failed attempt is chance, the second in a row is not", () => {
    const story = flowing().read(ID, 2_000).fails(ID, 1, 5_000);
    assert.equal(says(ready(story)), "True Delivering");
    story.wait(5_000).fails(ID, 2, 10_000);
    assert.equal(says(ready(story)), "False ServerError");
    assert.match(
      ready(story).message,
      /2 attempts in a row failed since 2026-11-23T14:00:01Z, no data is lost; the next is at 14:00:16Z\.$/,
    );
  });
  test("at once on a hold, True at the next delivery", () => {
    const story = flowing().read(ID, 1_000).holds(ID, 60_000);
    assert.equal(says(ready(story)), "False AuthenticationRejected");
    story.wait(60_000).ended(ID, 1, 1_000, { kind: "delivered", status: 204 });
    assert.equal(says(ready(story)), "True Delivering");
  });
  test("a sink that fails every other request does not flap", () => {
    const story = flowing();
    const since = ready(story).lastTransitionTime;
    for (let i = 0; i < 50; i++) story.wait(5_000).read(ID, 1_000).fails(ID, 1, 5_000).wait(5_000).delivers(ID, 10);
    assert.equal(says(ready(story)), "True Delivering");
    assert.equal(ready(story).lastTransitionTime, since);
  });
  test("a source that fails once is chance; twice, or a bad query at once, is not", () => {
    const fails = (story: Story, reason: "SourceUnavailable" | "QueryFailed") =>
      story.event({ type: "read-failed", id: ID, source: "metrics", reason, message: "It failed." });
    const story = fails(flowing(), "SourceUnavailable");
    assert.equal(says(ready(story)), "True Delivering");
    assert.equal(says(ready(fails(story.wait(15_000), "SourceUnavailable"))), "False SourceUnavailable");
    assert.equal(says(ready(story.wait(15_000).delivers(ID, 10))), "True Delivering");
    assert.equal(says(ready(fails(flowing(), "QueryFailed"))), "False QueryFailed");
  });
  test("data older than the ready lag, though nothing fails: exactly then", () => {
    const story = new Story([sinkInfo(ID, { readyLagMs: 60_000 })]).flows([{ id: ID, samples: 10 }], 120_000);
    story.delivers(ID, 10); // 5 s behind
    story.wait(55_000);
    assert.equal(says(ready(story)), "True Delivering");
    story.wait(1_000);
    assert.equal(says(ready(story)), "False Lagging");
    assert.equal(says(ready(story.delivers(ID, 10))), "True Delivering");
  });
  test("data that is late since a read failed: the source, from its first failure on", () => {
    const story = new Story([sinkInfo(ID, { readyLagMs: 60_000 })]).flows([{ id: ID, samples: 10 }], 120_000);
    story.delivers(ID, 10).wait(56_000);
    const failure = { reason: "SourceUnavailable", message: "No response within 30 s." } as const;
    story.event({ type: "read-failed", id: ID, source: "metrics", ...failure });
    assert.equal(says(ready(story)), "False SourceUnavailable");
    assert.match(
      ready(story).message,
      /Source "metrics" cannot be read: No response within 30 s\. 1 read in a row failed/,
    );
    assert.equal(says(ready(story.delivers(ID, 10))), "True Delivering");
  });
  test("catching up is ready however old the data, while batches are accepted and lag shrinks", () => {
    const story = flowing().behind(ID, 3_600_000);
    const step = (lagMs: number) =>
      story.read(ID, 10).ended(ID, 1, 10, { kind: "delivered", status: 204 }).settled(ID, lagMs).wait(30_000);
    for (let i = 1; i <= 10; i++) assert.equal(says(ready(step(3_600_000 - i * 120_000))), "True CatchingUp");
    assert.equal(says(ready(step(2_500_000))), "False Lagging", "it gets worse");
    assert.equal(says(ready(step(2_499_000))), "False Lagging", "hardly any better");
    assert.equal(says(ready(step(2_300_000))), "True CatchingUp");
    assert.equal(says(ready(story.wait(120_000))), "False Lagging", "no batch is taken");
  });
  test("the first batch after an outage makes it ready, and it stays so until it has caught up: no word of Lagging", () => {
    const story = flowing().catchesUp(ID, 150_000);
    assert.equal(says(ready(story)), "True CatchingUp");
    const since = ready(story).lastTransitionTime;
    let lag = 120_000;
    for (; lag > 5_000; lag -= 4_000) {
      story.read(ID, 10).ended(ID, 1, 10, { kind: "delivered", status: 204 }).settled(ID, lag).wait(1_000);
      assert.equal(ready(story).status, "True", `${lag} ms behind`);
    }
    assert.equal(says(ready(story)), "True Delivering");
    assert.equal(ready(story).lastTransitionTime, since);
    assert.equal(story.snapshot.events.filter((e) => e.text.includes("Lagging")).length, 0);
  });
  test("a source that was away for long: ready with its first window, catching up, no word of Lagging", () => {
    const story = flowing();
    for (let i = 0; i < 40; i++)
      story
        .event({ type: "read-failed", id: ID, source: "metrics", reason: "SourceUnavailable", message: "Away." })
        .wait(15_000);
    assert.equal(says(ready(story)), "False SourceUnavailable");
    story.read(ID, 10, { from: story.now - 605_000, to: story.now - 305_000 });
    assert.equal(says(ready(story)), "True CatchingUp");
    story.wait(2_000).ended(ID, 1, 10, { kind: "delivered", status: 204 }).settled(ID, 305_000).wait(2_000);
    assert.equal(says(ready(story)), "True CatchingUp");
    assert.match(
      explain(sinkIn(story), story.snapshot.source, story.now).parts.find((p) => p.label === "Next")!.text,
      /^5m05s behind;/,
    );
  });
  test("how far behind, how fast, when it should be done", () => {
    const story = flowing().catchesUp(ID, 1_200_000, 12);
    const { phase } = sinkIn(story);
    assert.ok(phase.name === "catching-up" && phase.doneAt !== undefined);
    // 30 s of data a second: 29 s of lag less each second
    assert.deepEqual([phase.behindMs, phase.speed], [story.now - (story.now - 1_205_000 - 12_000 + 13 * 30_000), 30]);
    assert.equal(phase.doneAt, Math.round(story.now + phase.behindMs / 29));
    assert.match(ready(story).message, /; it should be done at about 14:21Z\.$/);
    const next = explain(sinkIn(story), story.snapshot.source, story.now).parts.find((p) => p.label === "Next")!.text;
    assert.match(next, /^13m47s behind; .*, 30 times as fast as new data comes; should be done at 14:2\d:\d\dZ\.$/);
  });
  test("a new sink that begins 25 minutes back: lag from its first read, pending, then catching up", () => {
    const story = start().read(ID, 5_000, { from: START - 1_500_000, to: START - 1_200_000 });
    assert.equal(lagOf(sinkIn(story), story.now), 1_501_000);
    assert.equal(sinkIn(story).sources[0]?.cursor, START - 1_500_000);
    assert.equal(says(ready(story.wait(30_000))), "Unknown Pending");
    assert.equal(lagOf(sinkIn(story), story.now), 1_531_000);
    assert.match(summaryLine(story.snapshot, 0).line.text, /largest lag 25m31s/);
    assert.equal(
      says(ready(story.wait(90_000))),
      "False Lagging",
      "nothing is delivered for longer than the ready lag",
    );
    story.ended(ID, 1, 5_000, { kind: "delivered", status: 204 }).settled(ID, 1_300_000);
    assert.equal(says(ready(story)), "True CatchingUp");
  });
  test("a cursor that moves because everything is dropped hides nothing: lag grows, and Ready says that nothing arrives", () => {
    const story = start();
    for (let i = 0; i < 12; i++)
      story
        .read(ID, 10, { dropped: { invalid_name: 10 } })
        .settled(ID)
        .wait(15_000);
    assert.ok((lagOf(sinkIn(story), story.now) ?? 0) >= 180_000);
    assert.equal(says(ready(story)), "False Lagging");
    assert.match(ready(story).message, /^Nothing has arrived for more than 1m40s: .* was dropped \(invalid_name\)\.$/);
    story.delivers(ID, 10);
    assert.equal(lagOf(sinkIn(story), story.now), 5_000);
    assert.equal(says(ready(story)), "True Delivering");
  });
  test("a part that is dropped, a window without samples, or a repeat that is refused leave lag as it is", () => {
    const story = flowing();
    const lag = () => lagOf(sinkIn(story), story.now);
    story
      .wait(15_000)
      .read(ID, 10)
      .ended(ID, 1, 6, { kind: "delivered", status: 204 })
      .drops(ID, "rejected", 4, "No.")
      .settled(ID);
    assert.equal(lag(), 5_000);
    story.wait(15_000).read(ID, 0).settled(ID);
    assert.equal(lag(), 5_000);
    story.wait(15_000).read(ID, 9).drops(ID, "refused_replay", 9, "Known.").settled(ID);
    assert.equal(lag(), 5_000);
    story.wait(15_000).read(ID, 9).drops(ID, "exhausted", 9, "Gone.").settled(ID);
    assert.equal(lag(), 20_000);
  });
  test("idle when nothing was read for a while; flowing with the first sample", () => {
    const story = flowing();
    for (let i = 0; i < 5; i++) story.wait(15_000).read(ID, 0).settled(ID);
    assert.equal(says(ready(story)), "True Delivering");
    for (let i = 0; i < 2; i++) story.wait(15_000).read(ID, 0).settled(ID);
    assert.equal(says(ready(story)), "True Idle");
    assert.equal(says(ready(story.read(ID, 5))), "True Delivering");
  });
});

describe("flapping", () => {
  const turn = (story: Story) =>
    story.read(ID, 1_000).fails(ID, 1, 1_000).fails(ID, 2, 1_000).wait(9_000).delivers(ID, 10).wait(9_000);
  test("six turns in five minutes: one state, until nothing turns for two minutes, so that an alert for five minutes fires", () => {
    const story = flowing().wait(60_000);
    for (let i = 0; i < 3; i++) turn(story);
    const since = ready(story).lastTransitionTime;
    assert.equal(says(ready(story)), "False Flapping");
    for (let i = 0; i < 20; i++) assert.equal(says(ready(turn(story))), "False Flapping");
    assert.equal(ready(story).lastTransitionTime, since);
    assert.match(
      ready(story).message,
      /^Flapping, 3\d changes in 4m\d\ds: batches are accepted and fail alternately\. The last failure: The endpoint is unavailable/,
    );
    assert.equal(
      story.snapshot.events.filter((e) => e.text.includes("not ready")).length,
      3 + 1,
      "and the log is calm too",
    );
    for (let i = 0; i < 7; i++) story.wait(15_000).delivers(ID, 10);
    assert.equal(says(ready(story)), "False Flapping");
    story.wait(15_000).delivers(ID, 10);
    assert.equal(says(ready(story)), "True Delivering");
  });
  test("one that stays down is down for its own reason; pauses are not turns", () => {
    const story = flowing();
    for (let i = 0; i < 4; i++) turn(story);
    story.read(ID, 9_000);
    for (let i = 0; i < 14; i++) story.fails(ID, i + 1, 10_000).wait(10_000);
    assert.equal(says(ready(story)), "False ServerError");
    const paused = flowing();
    for (let i = 0; i < 9; i++)
      paused.event({ type: "sink-paused", id: ID }).event({ type: "sink-resumed", id: ID }).delivers(ID, 10);
    assert.equal(says(ready(paused)), "True Delivering");
  });
  test("failing every other request while behind: not a single turn", () => {
    const story = flowing().behind(ID, 1_800_000);
    const since = ready(story).lastTransitionTime;
    for (let i = 0; i < 60; i++) {
      story.read(ID, 1_000).fails(ID, 1, 2_000).wait(2_000);
      assert.equal(ready(story).status, "True");
      story.ended(ID, 2, 1_000, { kind: "delivered", status: 204 }).settled(ID, 1_800_000 - i * 15_000);
      assert.equal(says(ready(story)), "True CatchingUp");
    }
    assert.equal(ready(story).lastTransitionTime, since);
  });
});

describe("refused samples", () => {
  const refuses = (story: Story, samples: number) => story.ended(ID, 1, samples, { kind: "failed", ...rejected });
  const drops = (story: Story, samples: number, reason: "rejected" | "refused_replay" = "rejected") =>
    story.drops(ID, reason, samples, rejected.message);

  test("some series of each batch: ready, since data arrives", () => {
    const story = flowing();
    for (let i = 0; i < 20; i++) {
      refuses(story.read(ID, 100), 100);
      story.ended(ID, 1, 50, { kind: "delivered", status: 204 });
      drops(refuses(story, 50), 25).ended(ID, 1, 25, { kind: "delivered", status: 204 });
    }
    assert.equal(says(ready(story)), "True Delivering");
  });
  test("two whole batches in a row: not ready, though bisecting took many requests", () => {
    const story = flowing().read(ID, 400);
    drops(drops(refuses(refuses(refuses(story, 100), 50), 50), 50), 50);
    assert.equal(says(ready(story)), "True Delivering");
    drops(refuses(story, 100), 100);
    assert.equal(says(ready(story)), "False SamplesRejected");
    assert.match(ready(story).message, /200 samples dropped/);
  });
  test("what is lost is counted once, also where a batch goes part by part while nothing is taken", () => {
    const story = flowing().read(ID, 400);
    for (let batch = 0; batch < 3; batch++) drops(drops(drops(refuses(story, 100), 20), 30), 50);
    assert.equal(sinkOf(story.snapshot, ID)?.failing?.dropped, 300);
    assert.match(ready(story).message, /300 samples dropped/);
  });
  test("series that were refused while nothing was taken are not blamed once batches are accepted again", () => {
    const story = flowing().read(ID, 400);
    const blamed = () => sinkOf(story.snapshot, ID)?.rejected.length;
    const blames = () => story.event({ type: "series-rejected", id: ID, series: "up", samples: 100, message: "No." });
    const taken = () => story.ended(ID, 1, 100, { kind: "delivered", status: 204 });
    for (const _ of [1, 2]) drops(refuses(blames(), 100), 100);
    assert.equal(blamed(), 1);
    taken();
    assert.equal(blamed(), 0);
    drops(refuses(blames(), 100), 100); // the last piece of a batch of which the rest was taken
    taken();
    assert.equal(blamed(), 1);
  });
  test("what may have been sent before may be refused: nothing is wrong", () => {
    const story = flowing().read(ID, 400);
    for (let i = 0; i < 4; i++) drops(refuses(story, 100), 100, "refused_replay");
    assert.equal(says(ready(story)), "True Delivering");
  });
});

describe("lastTransitionTime and observedGeneration", () => {
  test("moves with status only, not with reason or message", () => {
    const story = flowing().read(ID, 9_000).fails(ID, 1, 5_000).wait(5_000).fails(ID, 2, 5_000);
    const turned = ready(story);
    assert.equal(turned.lastTransitionTime, story.now);
    story.wait(5_000).fails(ID, 3, 5_000, rateLimited).wait(5_000).holds(ID, 60_000, unauthorized);
    assert.equal(says(ready(story)), "False AuthenticationRejected");
    assert.equal(ready(story).lastTransitionTime, turned.lastTransitionTime);
  });
  test("a new generation is observed without a transition", () => {
    const story = flowing().wait(9_000);
    const before = ready(story);
    story.event({ type: "sink-started", sink: sinkInfo(ID, { generation: 2 }) });
    assert.deepEqual(ready(story), { ...before, observedGeneration: 2 });
  });
});

describe("policies", () => {
  const ids = ["default/p/a", "default/p/b", "default/p/c", "default/p/d", "default/p/e"];
  const policy = (story: Story) => story.snapshot.policies[0]?.conditions[0];
  test("Pending, AllSinksReady, SinksNotReady: how many and which", () => {
    const story = new Story(ids.map((id) => sinkInfo(id))).wait(1_000);
    assert.equal(policy(story)?.reason, "Pending");
    for (const id of ids) story.delivers(id, 10);
    assert.equal(policy(story)?.message, "All 5 sinks are ready.");
    for (const id of ids.slice(0, 4)) story.read(id, 1_000).holds(id, 60_000);
    assert.equal(policy(story)?.reason, "SinksNotReady");
    assert.equal(policy(story)?.message, "4 of 5 sinks are not ready (AuthenticationRejected): a, b, c and 1 more.");
    const since = policy(story)?.lastTransitionTime;
    story.wait(5_000).ended("default/p/a", 1, 1_000, { kind: "delivered", status: 204 });
    assert.match(policy(story)?.message ?? "", /^3 of 5 sinks are not ready \(AuthenticationRejected\): b, /);
    assert.equal(policy(story)?.lastTransitionTime, since);
  });
});

describe("a restart of the agent", () => {
  const before = flowing();
  const { conditions } = sinkIn(before);
  const again = (more: Partial<Parameters<typeof sinkInfo>[1]> = {}, reported = conditions) => {
    const story = new Story([sinkInfo(ID, more)]);
    story.snapshot = { ...story.snapshot, sinks: [], order: [] };
    story.now += 3_600_000;
    return story.event({ type: "sink-started", sink: sinkInfo(ID, more), conditions: reported });
  };
  test("what was reported holds, with its time, and says that it is old, until there is news", () => {
    const story = again();
    assert.equal(says(ready(story)), "True Delivering");
    assert.match(ready(story).message, /^Reported before outflow was restarted: Data is arriving/);
    assert.equal(ready(story).lastTransitionTime, readyOf({ conditions } as SinkState).lastTransitionTime);
    assert.equal(acceptedOf(sinkIn(story)).lastTransitionTime, conditions[0].lastTransitionTime);
    story.delivers(ID, 10);
    assert.equal(ready(story).message, "Data is arriving: the endpoint accepts the batches.");
    assert.equal(ready(story).lastTransitionTime, conditions[1].lastTransitionTime);
    story.event({ type: "sink-paused", id: ID }).event({ type: "sink-resumed", id: ID });
    assert.equal(says(ready(story)), "Unknown Pending");
  });
  test("no news for longer than the ready lag: Unknown", () => {
    const story = again({ readyLagMs: 60_000 });
    assert.equal(says(ready(story.wait(60_000))), "True Delivering");
    assert.equal(says(ready(story.wait(1_000))), "Unknown Pending");
  });
  test("not ready before: not ready, since then, until a batch is taken", () => {
    const failed = flowing().read(ID, 1_000).holds(ID, 60_000);
    const story = again({}, sinkIn(failed).conditions);
    assert.equal(says(ready(story)), "False AuthenticationRejected");
    assert.equal(ready(story).lastTransitionTime, ready(failed).lastTransitionTime);
    assert.equal(says(ready(story.delivers(ID, 10))), "True Delivering");
    assert.equal(ready(story).lastTransitionTime, story.now);
  });
  test("another generation, a pause and a crash are not told any more", () => {
    assert.equal(says(ready(again({ generation: 2 }))), "Unknown Pending");
    const paused = flowing().event({ type: "sink-paused", id: ID });
    assert.equal(says(ready(again({}, sinkIn(paused).conditions))), "Unknown Pending");
  });
  test("still refused: since the same time", () => {
    const refusal = { reason: "SecretNotFound", message: "No." } as const;
    const refused = start().event({ type: "sink-refused", sink: sinkInfo(ID), ...refusal });
    const story = new Story([]).wait(60_000);
    story.event({ type: "sink-refused", sink: sinkInfo(ID), ...refusal, conditions: sinkIn(refused).conditions });
    assert.deepEqual(sinkIn(story).conditions, sinkIn(refused).conditions);
  });
  test("what is worth keeping: changes of status, reason and generation, and what is gone", () => {
    const story = flowing();
    const reports = (happen: () => void) => {
      const was = story.snapshot;
      happen();
      return changedReports(was, story.snapshot).map((r) => `${r.id} ${r.conditions.at(-1)?.reason ?? "gone"}`);
    };
    assert.deepEqual(
      reports(() => story.wait(1_000)),
      [],
    );
    assert.deepEqual(
      reports(() => story.read(ID, 9_000).fails(ID, 1, 5_000)),
      [],
    );
    assert.deepEqual(
      reports(() => story.fails(ID, 2, 5_000)),
      [`${ID} ServerError`, "default/p SinksNotReady"],
    );
    assert.deepEqual(
      reports(() => story.fails(ID, 3, 5_000)),
      [],
    );
    assert.deepEqual(
      reports(() => story.load([]).event({ type: "sink-forgotten", id: ID })),
      [`${ID} gone`, "default/p gone"],
    );
  });
});
