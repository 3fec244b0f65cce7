// Laws of the state that hold after every event, whatever the order: checked over random stories. Numbered, so that a failure names one.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { droppedTotal } from "../../src/status/account.ts";
import { ATTEMPTS_KEPT, REJECTED_KEPT } from "../../src/status/attempts/attempts.ts";
import { acceptedOf, FAILURES_TO_NOT_READY, readyOf } from "../../src/status/conditions.ts";
import { phaseNames } from "../../src/status/phases.ts";
import { sinkOf } from "../../src/status/sinks.ts";
import type { SinkState, Snapshot } from "../../src/status/snapshot.ts";
import { EVENTS_KEPT } from "../../src/status/text/eventlog.ts";
import { explain } from "../../src/status/text/explain.ts";
import { rateLimited, rejected, Story, serverError, sinkInfo, unauthorized } from "./scenes.ts";

const IDS = ["default/p/a", "default/p/b", "other/q/c"];

type Step = { sink: number; what: number; amount: number };

/** What may happen to one sink; samples are only delivered, dropped or given back when there are some. */
const steps: ((s: Story, id: string, n: number, pending: number) => unknown)[] = [
  (s, id, n) => s.read(id, n, { dropped: n > 60 ? { invalid_name: 5 } : {} }),
  (s, id) => s.read(id, 0),
  (s, id, n, pending) => s.attempt(id, 1, n).ended(id, 1, Math.min(n, pending), { kind: "delivered", status: 204 }),
  (s, id, n) => s.settled(id, n * 1_000),
  (s, id, n) => s.fails(id, 1 + (n % 3), 5_000, n % 2 === 0 ? serverError : rateLimited),
  (s, id) => s.holds(id, 60_000, unauthorized),
  (s, id, n) => s.ended(id, 1, n, { kind: "failed", ...rejected }),
  (s, id, n, pending) => s.drops(id, n % 2 === 0 ? "rejected" : "exhausted", Math.min(n, pending), "Gone."),
  (s, id, n, pending) => s.event({ type: "returned", id, samples: Math.min(n, pending) }),
  (s, id, n) => s.settled(id, (n % 2) * 600_000),
  (s, id) =>
    s.event({ type: "read-failed", id, source: "metrics", reason: "SourceUnavailable", message: "It is away." }),
  (s, id) => s.event({ type: "sink-paused", id }),
  (s, id) => s.event({ type: "sink-resumed", id }),
  (s, id) =>
    s.event({ type: "sink-refused", sink: sinkInfo(id), reason: "InvalidEndpoint", message: "It is not valid." }),
  (s, id, n) => s.event({ type: "sink-started", sink: sinkInfo(id, { generation: 1 + (n % 3) }) }),
  (s, id) => s.event({ type: "sink-draining", id, why: "removed" }),
  (s, id) => s.event({ type: "sink-stopped", id }),
  (s, id) => s.event({ type: "sink-crashed", id, message: "no such thing", restartAt: s.now + 1_000 }),
  (s, id, n) => s.event({ type: "skipped", id, source: "metrics", from: 0, to: n, why: "old" }),
  (s, id, n) => s.event({ type: "series-rejected", id, series: `{n="${n}"}`, samples: 1, message: "No." }),
  (s, id, n) => s.event({ type: "late", id, source: "metrics", from: 0, to: n, samples: n, remedy: "outflow replay" }),
  (s, id) => s.event({ type: "evidence", id, reason: "TLSFailure", text: "A certificate." }),
  (s, _, n) => s.wait(n * 1_000),
  (s, _, n) => {
    s.now -= n * 1_000; // clocks jump
    return s.sourceAnswers(n);
  },
];

function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) frozen(inner);
  return value;
}

function check(before: Snapshot, after: Snapshot): void {
  for (const sink of after.sinks) {
    const { account: a, conditions } = sink;
    assert.equal(a.read, a.delivered + droppedTotal(a) + a.returned + a.pending, "1: the account balances");
    assert.ok(a.pending >= 0, "2: nothing is settled that was not read");
    assert.deepEqual(
      conditions.map((c) => c.type),
      ["Accepted", "Ready"],
      "3: both conditions, always",
    );
    for (const c of conditions)
      assert.ok(c.message !== "" && c.reason !== "" && c.observedGeneration >= 1, "4: with words");
    assert.ok(phaseNames.includes(sink.phase.name), "5: exactly one phase");
    assert.ok(
      sink.attempts.length <= ATTEMPTS_KEPT && sink.rejected.length <= REJECTED_KEPT,
      "6: histories are bounded",
    );
    assert.ok(sink.samples.seconds.length === 61 && sink.lag.minutes.length === 61, "6: rings have their size");
    const works = !["draining", "stopped"].includes(sink.phase.name);
    const troubled =
      ["holding", "paused", "refused"].includes(sink.phase.name) ||
      (sink.failing !== undefined && sink.failuresInRow >= FAILURES_TO_NOT_READY);
    assert.ok(!(works && troubled && readyOf(sink).status === "True"), "7: ready only while batches are accepted");
    assert.equal(
      acceptedOf(sink).status === "False",
      sink.phase.name === "refused",
      "8: Accepted is False exactly when refused",
    );
    assert.ok(explain(sink, after.source, after.at).parts.length > 0, "9: everything can be explained");
    const was = sinkOf(before, sink.id);
    if (was !== undefined) unmoved(was, sink, after.at);
  }
  assert.ok(after.events.length <= EVENTS_KEPT, "6: lines are bounded");
  const seqs = after.events.map((e) => e.seq);
  assert.deepEqual(
    seqs,
    [...new Set(seqs)].sort((x, y) => x - y),
    "10: lines are numbered, upwards",
  );
}

function unmoved(was: SinkState, sink: SinkState, at: number): void {
  for (const i of [0, 1] as const) {
    const [a, b] = [was.conditions[i], sink.conditions[i]];
    const setBack = a.lastTransitionTime > at && b.lastTransitionTime === at;
    assert.ok(
      a.lastTransitionTime === b.lastTransitionTime || a.status !== b.status || setBack,
      "11: the time moves with status only, or comes back with a clock that was set back",
    );
  }
  for (const key of ["read", "delivered", "returned"] as const)
    assert.ok(sink.account[key] >= was.account[key], "12: counters grow");
}

describe("after every event", () => {
  test("the laws hold, and no state is changed in place", () => {
    const step: fc.Arbitrary<Step> = fc.record({
      sink: fc.nat(IDS.length - 1),
      what: fc.nat(steps.length - 1),
      amount: fc.integer({ min: 1, max: 100 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (all) => {
        const story = new Story(IDS.map((id) => sinkInfo(id))).sourceAnswers();
        frozen(story.snapshot);
        for (const { sink, what, amount } of all) {
          const id = IDS[sink]!;
          const before = story.snapshot;
          steps[what]!(story, id, amount, sinkOf(before, id)!.account.pending);
          frozen(story.snapshot);
          check(before, story.snapshot);
        }
        assert.deepEqual(JSON.parse(JSON.stringify(story.snapshot)), story.snapshot, "13: it survives JSON");
      }),
      { numRuns: 300 },
    );
  });
});
