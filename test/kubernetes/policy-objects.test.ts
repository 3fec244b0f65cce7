// Objects of the API server in, what runs out: the rules of files, and nothing looked at again that has not changed.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { queryRules } from "../../src/cli/querycheck.ts";
import { PolicyObjects } from "../../src/kubernetes/policy-objects.ts";
import type { LoadResult, Policy } from "../../src/policy/policy.ts";
import { inSteps } from "../../src/policy/steps.ts";
import { policyObject, secretObject } from "./policies.ts";

const { check } = queryRules({ enforceFilter: [], forbidLabel: [] });
let checked = 0;
let objects: PolicyObjects;
/** What the last load gave. */
let running: readonly Policy[] = [];

beforeEach(() => {
  checked = 0;
  running = [];
  objects = new PolicyObjects({
    interpretOptions: () => ({
      checkQuery: (query, policy) => {
        checked++;
        return check(query, policy);
      },
    }),
    missingHint: () => "create it",
    maxPolicySize: 100_000,
  });
});

const loads = (): LoadResult[] => {
  objects.readSome(() => false);
  const all = [...inSteps(running, objects.load())];
  running = all.at(-1)!.policies;
  return all;
};
const load = (): LoadResult => loads().at(-1)!;
const names = ({ policies }: LoadResult): string => policies.map((p) => `${p.namespace}/${p.name}`).join();
const one = (name: string): Policy => load().policies.find((p) => p.name === name)!;
const put = (name: string, parts: Parameters<typeof policyObject>[1] = {}): boolean =>
  objects.setPolicy(`default/${name}`, policyObject(name, { uid: name, generation: 1, ...parts }));

describe("policies of the API server", () => {
  test("in the order of their names; one that is deleted, or is being deleted, is gone", () => {
    for (const name of ["c", "a", "b"]) assert.ok(put(name));
    assert.equal(names(load()), "default/a,default/b,default/c");
    assert.ok(objects.setPolicy("default/a", undefined));
    const b = policyObject("b", { uid: "b", generation: 2 });
    assert.ok(
      objects.setPolicy("default/b", {
        ...b,
        metadata: { ...b.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" as never },
      }),
    );
    assert.equal(names(load()), "default/c");
    assert.ok(!objects.setPolicy("default/a", undefined));
  });

  test("one edit looks at one policy: the others are the very same objects", () => {
    for (let i = 0; i < 100; i++) put(`p${i}`);
    const before = load();
    checked = 0;
    put("p50", { generation: 2, query: "up" });
    const after = load();
    assert.equal(checked, 2, "its query, once to check it and once to type it");
    const same = after.policies.filter((p, i) => p === before.policies[i]);
    assert.equal(same.length, 99);
    assert.equal(one("p50").sources[0]!.query, "up");
  });

  test("a change of status alone is not one", () => {
    put("a");
    load();
    const object = policyObject("a", { uid: "a", generation: 1 });
    assert.ok(!objects.setPolicy("default/a", { ...object, status: { conditions: [] } }));
    assert.ok(put("a", { annotations: { "outflow/poll-interval": "30s" } }), "an annotation counts no generation");
    assert.equal(one("a").settings.pollIntervalMs, 30_000);
  });

  test("an edit that cannot be used leaves the last good version, and is not accepted with its field path", () => {
    put("a", { query: "up" });
    assert.deepEqual(objects.acceptance("default/a"), undefined);
    load();
    assert.deepEqual(objects.acceptance("default/a"), { ok: true, generation: 1 });
    put("a", { query: "sum(", generation: 2 });
    const loaded = load();
    assert.equal(loaded.policies[0]?.sources[0]?.query, "up");
    assert.equal(loaded.policies[0]?.generation, 1);
    const acceptance = objects.acceptance("default/a");
    assert.ok(acceptance?.ok === false);
    assert.equal(acceptance.reason, "InvalidQuery");
    assert.equal(acceptance.generation, 2);
    assert.match(acceptance.message, /^spec\.sources\[0\]\.metrics\.metricsql: /);
    put("a", { query: "up", generation: 3 });
    assert.equal(one("a").generation, 3);
  });

  const refused: [what: string, parts: Parameters<typeof policyObject>[1], reason: string, path: RegExp][] = [
    ["a query", { query: "sum(" }, "InvalidQuery", /^spec\.sources\[0\]\.metrics\.metricsql: /],
    [
      "an endpoint",
      { endpoint: "http://u:p@h/" },
      "InvalidEndpoint",
      /^spec\.sinks\[0\]\.target\.prometheusRemoteWrite\.endpoint: /,
    ],
    [
      "an annotation",
      { annotations: { "outflow/settle": "x" } },
      "InvalidPolicy",
      /^metadata\.annotations\["outflow\/settle"\]: /,
    ],
    [
      "a policy that is too large",
      { annotations: { a: "x".repeat(200_000) } },
      "InvalidPolicy",
      /^spec: is larger than --max-policy-size/,
    ],
  ];
  for (const [what, parts, reason, path] of refused)
    test(`${what} that the API let through is refused with ${reason} and nothing runs`, () => {
      put("a", parts);
      put("b");
      assert.equal(names(load()), "default/b");
      const acceptance = objects.acceptance("default/a");
      assert.ok(acceptance?.ok === false);
      assert.equal(acceptance.reason, reason);
      assert.match(acceptance.message, path);
    });

  test("one that was deleted and made again between two loads is taken away first", () => {
    put("a");
    put("b");
    load();
    put("a", { uid: "another" });
    assert.deepEqual(loads().map(names), ["default/b", "default/a,default/b"]);
    assert.deepEqual(loads().map(names), ["default/a,default/b"]);
  });

  test("a broken policy that is deleted and made again has no last good version", () => {
    put("a");
    load();
    put("a", { uid: "another", query: "sum(" });
    assert.equal(names(load()), "");
  });
});

describe("a load of many policies is cut into steps, each with a few sinks that start, change or end", () => {
  const STEP_SINKS = 4;
  let ran: ReadonlyMap<string, Policy>;

  /** Loads; of each step, the sinks of the policies that are not what they were. */
  function steps(): number[] {
    const sizes: number[] = [];
    const all = loads();
    for (const [i, { policies, partial }] of all.entries()) {
      assert.equal(partial === true, i < all.length - 1);
      const now = new Map(policies.map((policy) => [policy.name, policy]));
      const changed = [...new Set([...ran.keys(), ...now.keys()])].filter((n) => ran.get(n) !== now.get(n));
      sizes.push(changed.reduce((n, name) => n + (now.get(name) ?? ran.get(name))!.sinks.length, 0));
      ran = now;
    }
    return sizes;
  }
  const most = (sizes: number[]) => Math.max(...sizes);
  const total = (sizes: number[]) => sizes.reduce((a, b) => a + b, 0);
  const many = Array.from({ length: 150 }, (_, i) => `p${i}`);

  beforeEach(() => {
    ran = new Map();
  });

  test("at the start, at an edit of each, at another Secret of all, and when all are deleted", () => {
    for (const name of many) put(name, { secret: "s" });
    objects.setSecret("default/s", secretObject("s", { username: "u", password: "one" }));
    const seen = (sizes: number[]) => assert.deepEqual([most(sizes), total(sizes)], [STEP_SINKS, many.length]);
    seen(steps());
    for (const name of many) put(name, { secret: "s", generation: 2, query: "up" });
    seen(steps());
    objects.setSecret("default/s", secretObject("s", { username: "u", password: "two" }));
    seen(steps());
    for (const name of many) objects.setPolicy(`default/${name}`, undefined);
    seen(steps());
    assert.deepEqual([...ran], []);
    assert.deepEqual(steps(), [0]);
  });

  test("where all are deleted and made again, each ends before it starts", () => {
    for (const name of many) put(name);
    steps();
    for (const name of many) put(name, { uid: `${name} again` });
    const ended = new Set<string>();
    let before = ran;
    for (const { policies } of loads()) {
      const now = new Map(policies.map((policy) => [policy.name, policy]));
      for (const name of many) {
        if (!now.has(name)) ended.add(name);
        else if (now.get(name) !== before.get(name)) assert.ok(ended.has(name), name);
      }
      before = now;
    }
    assert.deepEqual([...before.values()].map((policy) => policy.uid).sort(), many.map((n) => `${n} again`).sort());
  });

  test("what was edited while a load is under way is in it or in the next one, and nothing is lost", () => {
    for (const name of many) put(name);
    objects.readSome(() => false);
    const load = inSteps(running, objects.load());
    for (let i = 0; i < 10; i++) running = load.next().value!.policies;
    objects.setPolicy("default/p0", undefined); // runs already
    put("p149", { generation: 2, query: "up" });
    put("p1", { uid: "again" });
    for (const step of load) running = step.policies;
    assert.ok(!one("p0"));
    assert.equal(one("p149").sources[0]!.query, "up");
    assert.equal(one("p1").uid, "again");
    assert.equal(loads().at(-1)!.policies.length, many.length - 1);
  });
});

describe("their Secrets", () => {
  const refusal = (name: string) => one(name).sinks[0]!.refusal;

  test("one that comes, changes and goes reaches the policies that name it, and no others", () => {
    put("a", { secret: "s" });
    put("b");
    assert.deepEqual(refusal("a"), { reason: "SecretNotFound", message: "Secret default/s was not found: create it." });
    const b = one("b");
    assert.ok(objects.setSecret("default/s", secretObject("s", { username: "u", password: "one" })));
    assert.deepEqual(one("a").sinks[0]!.credentials, { username: "u", password: "one" });
    objects.setSecret("default/s", secretObject("s", { username: "u", password: "two" }));
    assert.deepEqual(one("a").sinks[0]!.credentials, { username: "u", password: "two" });
    objects.setSecret("default/s", undefined);
    assert.equal(refusal("a")?.reason, "SecretNotFound");
    assert.equal(one("b"), b);
    assert.ok(!objects.setSecret("default/other", secretObject("other", {})), "nobody names it");
  });

  test("each is decoded separately, in a slice of its own where time is short; an edit of one of a hundred decodes that one", () => {
    const decoded: string[] = [];
    const secret = (name: string, password: string) => {
      const object = secretObject(name, { username: "u", password });
      const encoded = object.data!.password!;
      Object.defineProperty(object.data!, "password", {
        enumerable: true,
        get: () => {
          decoded.push(name);
          return encoded;
        },
      });
      return object;
    };
    for (let i = 0; i < 100; i++) {
      put(`p${i}`, { secret: `s${i}` });
      objects.setSecret(`default/s${i}`, secret(`s${i}`, "one"));
    }
    decoded.length = 0;
    let slices = 0;
    for (; objects.pending; slices++) {
      decoded.length = 0;
      checked = 0;
      objects.readSome(() => true);
      assert.ok(checked > 0 !== decoded.length > 0, "a policy is read, or one is given its Secret");
      assert.ok(new Set(decoded).size <= 1);
    }
    assert.equal(slices, 200);
    load();
    decoded.length = 0;
    checked = 0;
    objects.setSecret("default/s7", secret("s7", "two"));
    assert.equal(one("p7").sinks[0]!.credentials?.password, "two");
    assert.deepEqual([...new Set(decoded)], ["s7"]);
    assert.equal(checked, 0);
    decoded.length = 0;
    put("p8", { secret: "s8", generation: 2, query: "up" });
    load();
    assert.deepEqual([...new Set(decoded)], ["s8"]);
  });

  test("of another type, or another namespace, is refused", () => {
    put("a", { secret: "s" });
    objects.setSecret("default/s", secretObject("s", { username: "u", password: "p" }, "Opaque"));
    assert.equal(refusal("a")?.reason, "InvalidAuthentication");
    objects.setSecret("default/s", undefined);
    objects.setSecret("team/s", secretObject("s", { username: "u", password: "p" }, undefined, "team"));
    assert.equal(refusal("a")?.reason, "SecretNotFound");
  });

  test("which are needed, and which of them no watch of basic-auth Secrets shows", () => {
    put("a", { secret: "s" });
    put("b", { annotations: { "outflow/bearer-secret": "t" } });
    load();
    assert.deepEqual(
      [...objects.neededSecrets()],
      [
        { id: "default/s", basicAuth: true },
        { id: "default/t", basicAuth: false },
      ],
    );
    assert.deepEqual(objects.newSecrets(), [...objects.neededSecrets()]);
    assert.deepEqual(objects.newSecrets(), []);
    put("c", { secret: "s" });
    load();
    assert.deepEqual(objects.newSecrets(), [{ id: "default/s", basicAuth: true }], "named again");
    objects.setSecret("default/s", secretObject("s", { username: "u", password: "p" }));
    assert.deepEqual(objects.newSecrets(), []);
    objects.setSecret("default/s", undefined);
    objects.setSecret("default/unused", undefined);
    assert.deepEqual(objects.newSecrets(), [{ id: "default/s", basicAuth: true }], "gone from the watch");
    put("a", { generation: 2 });
    objects.setPolicy("default/b", undefined);
    objects.setPolicy("default/c", undefined);
    load();
    assert.deepEqual([...objects.neededSecrets()], []);
    assert.deepEqual(objects.newSecrets(), []);
  });
});

describe("two projects", () => {
  test("with the same namespace and names are two policies, each with its own Secret", () => {
    for (const project of ["p1", "p2"]) {
      objects.setPolicy(`${project}:default/a`, policyObject("a", { uid: project, generation: 1, secret: "s" }));
      objects.setSecret(`${project}:default/s`, secretObject("s", { username: project, password: "p" }));
    }
    const { policies } = load();
    assert.deepEqual(
      policies.map((p) => [p.namespace, p.sinks[0]!.credentials?.username]),
      [
        ["p1:default", "p1"],
        ["p2:default", "p2"],
      ],
    );
  });
});
