// A load in steps: each changes a few sinks, and the last one is the load.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LoadResult, Policy } from "../../src/policy/policy.ts";
import { inSteps } from "../../src/policy/steps.ts";

const STEP_SINKS = 4;

/** What is known of one policy in one load: its sinks, which version it is, and how often it was created. */
const one = fc.record({ sinks: fc.integer({ min: 1, max: 6 }), version: fc.nat(2), created: fc.nat(1) });
const loads = fc.array(fc.dictionary(fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h"), one), { maxLength: 4 });

test("whatever changes, each step ends, starts or changes at most four sinks or one policy, and none ends and starts in one", () => {
  const versions = new Map<string, Policy>();
  const policyOf = (name: string, v: { sinks: number; version: number; created: number }): Policy => {
    const key = JSON.stringify([name, v]);
    const known = versions.get(key);
    const policy =
      known ??
      ({ namespace: "n", name, uid: `${name} ${v.created}`, sinks: Array(v.sinks).fill({}) } as never as Policy);
    versions.set(key, policy);
    return policy;
  };
  fc.assert(
    fc.property(loads, (all) => {
      let running: readonly Policy[] = [];
      for (const wanted of all) {
        const policies = Object.keys(wanted)
          .sort()
          .map((name) => policyOf(name, wanted[name]!));
        const loaded: LoadResult = { policies, problems: [], files: [], origin: "cluster" };
        const steps = [...inSteps(running, loaded)];
        assert.equal(steps.at(-1), loaded);
        assert.ok(steps.slice(0, -1).every(({ partial }) => partial === true));
        for (const step of steps) {
          const names = step.policies.map(({ name }) => name);
          assert.deepEqual(names, [...new Set(names)].sort());
          changesFit(running, step.policies);
          running = step.policies;
        }
      }
    }),
  );
});

function changesFit(before: readonly Policy[], after: readonly Policy[]): void {
  const [was, is] = [before, after].map((all) => new Map(all.map((policy) => [policy.name, policy])));
  const changed = [...new Set([...was!.keys(), ...is!.keys()])].filter((name) => was!.get(name) !== is!.get(name));
  const sinks = changed.map((name) => (is!.get(name) ?? was!.get(name))!.sinks.length);
  // The last one that is taken may be larger than what is left.
  assert.ok(sinks.reduce((a, b) => a + b, 0) - Math.max(0, ...sinks) < STEP_SINKS, `${changed}`);
  for (const [name, policy] of is!) assert.equal(was!.get(name)?.uid ?? policy.uid, policy.uid, "it ended before");
}

test("what has not changed is not looked at", () => {
  const looked = new Set<string>();
  const policy = (name: string) =>
    new Proxy({ namespace: "n", name, sinks: [{}] } as never as Policy, {
      get: (target, key) => {
        looked.add(name);
        return Reflect.get(target, key);
      },
    });
  const running = Array.from({ length: 1_000 }, (_, i) => policy(`p${i}`));
  const loaded = { policies: running.with(7, policy("p7")), problems: [], files: [] };
  assert.deepEqual([...inSteps(running, loaded)], [loaded]);
  assert.deepEqual([...looked], ["p7"]);
});
