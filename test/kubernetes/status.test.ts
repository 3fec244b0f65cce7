// What is written into the status of a policy and when: only what differs, guarded by resourceVersion, lastTransitionTime kept.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { Condition as KubeCondition } from "kubernetes-types/meta/v1";
import { type ApiFailure, type KubeApi, POLICIES } from "../../src/kubernetes/client/api.ts";
import { createKubeApi } from "../../src/kubernetes/client/client.ts";
import type { PolicyObject, StoredStatus } from "../../src/kubernetes/policy-objects.ts";
import { reportedBefore, statusUpdate } from "../../src/kubernetes/status.ts";
import { StatusWriter, type Target } from "../../src/kubernetes/status-writer.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { systemFiles } from "../../src/platform/files.ts";
import { type FakeKubeApi, startFakeKubeApi } from "../fakes/kube-api.ts";
import { eventually } from "../servers/binary.ts";
import { policyObject } from "./policies.ts";

const condition = (status: string, parts: Partial<KubeCondition> = {}): KubeCondition => ({
  type: "Ready",
  status,
  reason: "Delivering",
  message: "m",
  lastTransitionTime: "2026-01-02T00:00:00Z",
  observedGeneration: 1,
  ...parts,
});
const status = (...conditions: KubeCondition[]): StoredStatus => ({ conditions, sinks: [] });

describe("an update of the status", () => {
  const stored = status(condition("True", { lastTransitionTime: "2026-01-01T00:00:00Z" }));
  const cases: [what: string, desired: KubeCondition, update: Partial<KubeCondition> | undefined][] = [
    ["nothing has changed", condition("True"), undefined],
    ["a message alone", condition("True", { message: "other" }), undefined],
    [
      "another reason keeps the time",
      condition("True", { reason: "Idle" }),
      { reason: "Idle", lastTransitionTime: "2026-01-01T00:00:00Z" },
    ],
    [
      "another generation keeps the time",
      condition("True", { observedGeneration: 2 }),
      { observedGeneration: 2, lastTransitionTime: "2026-01-01T00:00:00Z" },
    ],
    [
      "another status has its own time",
      condition("False"),
      { status: "False", lastTransitionTime: "2026-01-02T00:00:00Z" },
    ],
  ];
  for (const [what, desired, update] of cases)
    test(what, () => {
      const next = statusUpdate(stored, status(desired));
      if (update === undefined) assert.equal(next, undefined);
      else assert.deepEqual(next?.conditions, [{ ...desired, ...update }]);
    });

  test("what others report stays, and is not a reason to write", () => {
    const others = condition("True", { type: "example.com/Audited" });
    assert.equal(statusUpdate(status(others, condition("True")), status(condition("True"))), undefined);
    const next = statusUpdate(status(others, condition("True")), status(condition("False")));
    assert.deepEqual(
      next?.conditions?.map((c) => c.type),
      ["example.com/Audited", "Ready"],
    );
  });

  test("a sink that is gone is taken out, a new one put in", () => {
    const sinks = (...names: string[]): StoredStatus => ({
      conditions: [condition("True")],
      sinks: names.map((name) => ({ name, conditions: [condition("True")] })),
    });
    assert.deepEqual(
      statusUpdate(sinks("a", "b"), sinks("b", "c"))?.sinks?.map((s) => s.name),
      ["b", "c"],
    );
    assert.equal(statusUpdate(sinks("a"), sinks("a")), undefined);
  });

  test("what was reported before a restart is read back; half of it is nothing", () => {
    const both = [condition("True", { type: "Accepted" }), condition("False")];
    const had: StoredStatus = {
      conditions: both,
      sinks: [
        { name: "cloud", conditions: both },
        { name: "half", conditions: [both[0]!] },
      ],
    };
    assert.deepEqual(
      reportedBefore(had).map((c) => [c.type, c.status, c.lastTransitionTime]),
      [["Ready", "False", Date.parse("2026-01-02T00:00:00Z")]],
    );
    assert.deepEqual(
      reportedBefore(had, "cloud").map((c) => c.type),
      ["Accepted", "Ready"],
    );
    assert.deepEqual(reportedBefore(had, "half"), []);
    assert.deepEqual(reportedBefore(undefined, "cloud"), []);
  });
});

describe("the writer", () => {
  let server: FakeKubeApi;
  let api: KubeApi;
  let ended: AbortController;
  let running: Promise<void>;
  let live: Map<string, Target>;
  let wanted: Map<string, StoredStatus>;
  let failures: (ApiFailure | undefined)[];
  let writer: StatusWriter;

  beforeEach(async () => {
    server = await startFakeKubeApi();
    ended = new AbortController();
    live = new Map();
    wanted = new Map();
    failures = [];
    api = createKubeApi({
      access: {
        server: server.url,
        origin: "a test",
        tls: {},
        files: systemFiles,
        authorization: async () => undefined,
        rejected: () => {},
      },
      proxy: () => undefined,
      userAgent: "test",
      tell: () => {},
    });
    writer = new StatusWriter({
      clock: systemClock,
      target: (id) => live.get(id),
      seen: (id, object) => live.set(id, { api, object }),
      desired: (id) => wanted.get(id),
      onFailure: (failure) => failures.push(failure),
    });
    running = writer.run(ended.signal);
  });
  afterEach(async () => {
    ended.abort();
    await running;
    await server.close();
  });

  const make = (name: string): void => {
    const object = server.put(POLICIES.plural, policyObject(name)) as PolicyObject;
    live.set(`default/${name}`, { api, object });
  };
  const want = (name: string, ...conditions: KubeCondition[]): void => {
    wanted.set(`default/${name}`, status(...conditions));
    writer.changed(`default/${name}`);
  };
  const writes = () => server.asked.filter((a) => a === "patch exportpolicies/status").length;
  const has = (name: string, status: string) =>
    eventually(
      `${name} is ${status}`,
      () =>
        (server.object(POLICIES.plural, `default/${name}`)?.status as StoredStatus | undefined)?.conditions?.[0]
          ?.status,
      (s) => s === status,
    );

  test("writes what differs, once", async () => {
    make("a");
    want("a", condition("True"));
    await has("a", "True");
    for (let i = 0; i < 5; i++) want("a", condition("True", { message: `another ${i}` }));
    await eventually("idle", () => writer.idle, Boolean);
    assert.equal(writes(), 1);
  });

  test("at most once a second a policy, and others do not wait for it", async () => {
    make("a");
    make("b");
    want("a", condition("True"));
    await has("a", "True");
    const startedMs = performance.now();
    want("a", condition("False"));
    want("b", condition("True"));
    await has("b", "True");
    assert.equal(writes(), 2);
    await has("a", "False");
    assert.ok(performance.now() - startedMs > 800, "it waited");
    assert.equal(writes(), 3);
  });

  test("reads again after a conflict, and keeps what others wrote", async () => {
    make("a");
    const others = condition("True", { type: "example.com/Audited" });
    const object = server.object(POLICIES.plural, "default/a")!;
    server.put(POLICIES.plural, { ...object, status: status(others) } as PolicyObject);
    want("a", condition("True"));
    await eventually("idle", () => writer.idle, Boolean);
    const stored = server.object(POLICIES.plural, "default/a")?.status as StoredStatus;
    assert.deepEqual(
      stored.conditions?.map((c) => c.type),
      ["example.com/Audited", "Ready"],
    );
    assert.equal(writes(), 2);
  });

  test("a policy that was deleted and made again never gets the status of the old one", async () => {
    make("a");
    server.remove(POLICIES.plural, "default/a");
    server.put(POLICIES.plural, policyObject("a"));
    want("a", condition("True"));
    await eventually("idle", () => writer.idle, Boolean);
    assert.equal(server.object(POLICIES.plural, "default/a")?.status, undefined);
  });

  test("a write whose response is lost is not sent twice", async () => {
    make("a");
    let lost = 0;
    server.fault = ({ verb }) => {
      if (verb !== "patch" || lost++ > 0) return undefined;
      // It is stored, and the connection breaks before the response.
      const object = server.object(POLICIES.plural, "default/a")!;
      server.put(POLICIES.plural, { ...object, status: wanted.get("default/a") } as PolicyObject);
      setImmediate(() => server.cut());
      return "hang";
    };
    want("a", condition("True"));
    await eventually("idle", () => writer.idle, Boolean);
    assert.equal(writes(), 1);
    assert.equal(failures[0]?.kind, "network");
  });

  test("waits as Retry-After says, and says which role is missing", async () => {
    make("a");
    let refused = 0;
    server.fault = ({ verb }) =>
      verb === "patch" && refused++ === 0 ? { status: 429, headers: { "retry-after": "1" } } : undefined;
    const startedMs = performance.now();
    want("a", condition("True"));
    await has("a", "True");
    assert.ok(performance.now() - startedMs > 900);
    await eventually(
      "well",
      () => failures.map((f) => f?.kind).join(),
      (kinds) => kinds === "throttled,",
    );

    server.fault = ({ verb }) => (verb === "patch" ? { status: 403 } : undefined);
    want("a", condition("False"));
    await eventually(
      "forbidden",
      () => failures.at(-1)?.message ?? "",
      (m) =>
        m.includes(
          'a role must allow verb "patch" on resource "exportpolicies/status" in API group "telemetry.miloapis.com", in namespace "default"',
        ),
    );
  });

  test("hundreds at once are written once each", async () => {
    for (let i = 0; i < 300; i++) {
      make(`p${i}`);
      want(`p${i}`, condition("True"));
    }
    await eventually("idle", () => writer.idle, Boolean);
    assert.equal(writes(), 300);
    assert.deepEqual(failures, []);
  });
});
