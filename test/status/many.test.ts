// A load of policies touches the status of what it changes: the same as if everything were made again.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { policyConditions, readyOf } from "../../src/status/conditions.ts";
import type { Event, PolicyInfo } from "../../src/status/events.ts";
import { initialSnapshot, reduce } from "../../src/status/reduce.ts";
import { sinkOf } from "../../src/status/sinks.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { sinkInfo } from "./scenes.ts";

const NAMES = ["a", "b", "c", "d", "e"];
const info = (name: string, version: number, sinks: number): PolicyInfo => ({
  id: `default/${name}`,
  generation: version + 1,
  file: "f",
  sinks: Array.from({ length: sinks }, (_, i) => `default/${name}/s${i}`),
});

/** Sinks in the order of their policies, then those that no policy names, as they came. */
function inOrder({ policies, sinks, order }: Snapshot): void {
  const named = policies.flatMap((policy) => policy.sinks);
  assert.deepEqual(
    order,
    sinks.map((sink) => sink.id),
  );
  const there = order.filter((id) => named.includes(id));
  assert.deepEqual(
    there,
    named.filter((id) => order.includes(id)),
  );
  assert.deepEqual(order.slice(0, there.length), there);
}

const known = NAMES.flatMap((name) => [0, 1, 2].map((i) => `default/${name}/s${i}`));

function findsEach(snapshot: Snapshot): void {
  for (const id of known)
    assert.equal(
      sinkOf(snapshot, id),
      snapshot.sinks.find((sink) => sink.id === id),
    );
}

const isNamed = ({ policies }: Snapshot, id: string) => policies.some((policy) => policy.sinks.includes(id));

test("after any loads and starts: sinks in order, each found in each snapshot, conditions as from the sinks", () => {
  const policy = fc.option(fc.record({ version: fc.nat(2), sinks: fc.integer({ min: 1, max: 3 }) }), {
    nil: undefined,
  });
  const step = fc.oneof(
    fc.record({ load: fc.array(policy, { minLength: NAMES.length, maxLength: NAMES.length }) }),
    fc.record({ start: fc.constantFrom(...known) }),
    fc.record({ refuse: fc.constantFrom(...known) }),
    fc.record({ forget: fc.constantFrom(...known) }),
    // From an older snapshot once more: nothing that was derived of it may be wrong now.
    fc.record({ back: fc.nat(5) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (all) => {
      const snapshots: Snapshot[] = [initialSnapshot];
      let s = initialSnapshot;
      for (const [i, what] of all.entries()) {
        const at = 1_000 * (i + 1);
        if ("load" in what) {
          const policies = what.load.flatMap((p, j) => (p === undefined ? [] : [info(NAMES[j]!, p.version, p.sinks)]));
          s = reduce(s, { type: "policies-loaded", at, policies, problems: [], files: 1, ok: true });
        } else if ("start" in what && !isNamed(s, what.start)) continue;
        else if ("refuse" in what && !isNamed(s, what.refuse)) continue;
        else if ("start" in what) s = reduce(s, { type: "sink-started", at, sink: sinkInfo(what.start) });
        else if ("refuse" in what)
          s = reduce(s, {
            type: "sink-refused",
            at,
            sink: sinkInfo(what.refuse),
            reason: "InvalidEndpoint",
            message: "It is not valid.",
          });
        else if ("forget" in what) s = reduce(s, { type: "sink-forgotten", at, id: what.forget });
        else s = snapshots.at(-1 - (what.back % snapshots.length))!;
        snapshots.push(s);
        inOrder(s);
        for (const { sinks, conditions, generation } of s.policies) {
          const of = sinks.map((id) => {
            const sink = s.sinks.find((one) => one.id === id);
            return { id, name: sink?.info.sink ?? id, ready: sink && readyOf(sink) };
          });
          const again = policyConditions(of, conditions, at, generation);
          assert.deepEqual(again, conditions);
        }
      }
      for (const snapshot of snapshots) findsEach(snapshot);
    }),
    { numRuns: 300 },
  );
});

test("one edit of a thousand: the other policies and sinks are the same objects, and so is the order", () => {
  const ids = Array.from({ length: 1_000 }, (_, i) => `p${i}`.padEnd(5, "x")).sort();
  const load = (policies: PolicyInfo[]) =>
    ({ type: "policies-loaded", at: 1, policies, problems: [], files: 1, ok: true }) satisfies Event;
  let s = reduce(initialSnapshot, load(ids.map((name) => info(name, 0, 1))));
  for (const name of ids) s = reduce(s, { type: "sink-started", at: 2, sink: sinkInfo(`default/${name}/s0`) });
  // As from another process: not even the names are the same strings.
  const after = reduce(s, load(ids.map((name, i) => info(name.slice(0, 3) + name.slice(3), i === 7 ? 1 : 0, 1))));
  assert.deepEqual(
    after.policies.flatMap((policy, i) => (policy === s.policies[i] ? [] : [i])),
    [7],
  );
  assert.equal(after.sinks, s.sinks);
  assert.equal(after.order, s.order);
  assert.equal(after.policies[7]?.generation, 2);
  assert.deepEqual(after.policies[7]?.conditions[0]?.observedGeneration, 2);
});
