// Objects of the API server in, what runs out: the rules of files, and nothing looked at again that has not changed.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { queryRules } from "../../src/cli/querycheck.ts";
import { PolicyObjects } from "../../src/kubernetes/policy-objects.ts";
import type { LoadResult, Policy } from "../../src/policy/policy.ts";
import { policyObject, secretObject } from "./policies.ts";

const { check } = queryRules({ enforceFilter: [], forbidLabel: [] });
let checked = 0;
let objects: PolicyObjects;

beforeEach(() => {
  checked = 0;
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

const loads = (): LoadResult[] => [...objects.load()];
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

  test("a change of status alone is none", () => {
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
    put("a", { generation: 2 });
    objects.setPolicy("default/b", undefined);
    load();
    assert.deepEqual([...objects.neededSecrets()], []);
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
