// A load is compared with the one before by identity: what is the same is not looked at.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicyPlans, Wanted } from "../../src/exporter/policy-plans.ts";
import { WantedSinks } from "../../src/exporter/wanted-sinks.ts";
import type { Policy } from "../../src/policy/policy.ts";

const policy = (i: number) => ({ namespace: "default", name: `p${String(i).padStart(3, "0")}` }) as Policy;

test("one edit of a hundred policies: that one is looked at, and its sink alone came and went", () => {
  const asked: string[] = [];
  const of = ({ namespace, name }: Policy) => {
    asked.push(name);
    const id = `${namespace}/${name}`;
    const wanted = { plan: { info: { id: `${id}/s` } }, policy: id, sink: "s" } as Wanted;
    return { info: { id }, wanted: [wanted] };
  };
  const sinks = new WantedSinks({ of } as never as PolicyPlans);
  const before = Array.from({ length: 100 }, (_, i) => policy(i));
  assert.equal(sinks.load(before, () => []).came.length, 100);
  asked.length = 0;
  const { came, went } = sinks.load(before.with(42, policy(42)), () => []);
  assert.deepEqual(
    came.map(({ plan }) => plan.info.id),
    ["default/p042/s"],
  );
  assert.deepEqual([...went.keys()], ["default/p042/s"]);
  assert.deepEqual(new Set(asked), new Set(["p042"]));
});
