// The informer against a small API with faults: what it knows equals what the server has, whatever ends the watch.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { Access } from "../../src/kubernetes/client/access.ts";
import { type ApiFailure, type KubeObject, POLICIES } from "../../src/kubernetes/client/api.ts";
import { createKubeApi } from "../../src/kubernetes/client/client.ts";
import { Informer, watchSecondsOf } from "../../src/kubernetes/client/informer.ts";
import { Patience } from "../../src/kubernetes/client/patience.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { systemFiles } from "../../src/platform/files.ts";
import { type FakeKubeApi, startFakeKubeApi } from "../fakes/kube-api.ts";
import { eventually } from "../servers/binary.ts";

let server: FakeKubeApi;
let ended: AbortController;
let running: Promise<void> | undefined;
let known: Map<string, KubeObject>;
let changes: string[];
let failures: (ApiFailure | undefined)[];
let informer: Informer<KubeObject>;
let token = "first";

const object = (name: string, spec: object = {}): KubeObject =>
  ({
    apiVersion: "telemetry.miloapis.com/v1alpha1",
    kind: "ExportPolicy",
    metadata: { namespace: "default", name },
    spec,
  }) as KubeObject;

const access = (): Access => ({
  server: server.url,
  origin: "a test",
  tls: {},
  files: systemFiles,
  authorization: async () => `Bearer ${token}`,
  rejected: () => {},
});

function run(watchSeconds = 30): void {
  informer = new Informer({
    api: createKubeApi({ access: access(), proxy: () => undefined, userAgent: "test", tell: () => {} }),
    resource: POLICIES,
    at: {},
    watchSeconds: () => watchSeconds,
    clock: systemClock,
    random: () => 0.5,
    onChange(key, object) {
      changes.push(`${object === undefined ? "-" : "+"}${key}`);
      if (object === undefined) known.delete(key);
      else known.set(key, object);
    },
    onSynced: () => changes.push("synced"),
    onFailure: (failure) => failures.push(failure),
  });
  running = informer.run(ended.signal);
}

const synced = () => eventually("synced", () => changes.includes("synced"), Boolean);
const knows = (...names: string[]) =>
  eventually(
    "known",
    () => [...known.keys()].sort().join(),
    (keys) =>
      keys ===
      names
        .map((n) => `default/${n}`)
        .sort()
        .join(),
  );

beforeEach(async () => {
  server = await startFakeKubeApi();
  ended = new AbortController();
  known = new Map();
  changes = [];
  failures = [];
  token = "first";
});
afterEach(async () => {
  ended.abort();
  await running;
  await server.close();
});

describe("an informer", () => {
  test("lists in pages and follows what is created, edited and deleted", async () => {
    for (let i = 0; i < 250; i++) server.put("exportpolicies", object(`p${i}`));
    run();
    await synced();
    assert.equal(known.size, 250);
    assert.deepEqual(server.asked.slice(0, 4), [
      "list exportpolicies",
      "list exportpolicies",
      "list exportpolicies",
      "watch exportpolicies",
    ]);
    server.put("exportpolicies", object("new"));
    await eventually("new", () => known.has("default/new"), Boolean);
    server.put("exportpolicies", object("p0", { edited: true }));
    await eventually(
      "edited",
      () => known.get("default/p0")?.metadata.generation,
      (g) => g === 2,
    );
    server.remove("exportpolicies", "default/p1");
    await eventually(
      "deleted",
      () => known.has("default/p1"),
      (has) => !has,
    );
    assert.deepEqual(failures, []);
  });

  test("continues after a watch that ended, with nothing told twice and nothing missed", async () => {
    server.put("exportpolicies", object("a"));
    run(1);
    await synced();
    await eventually(
      "watches",
      () => server.asked.filter((a) => a.startsWith("watch")).length,
      (n) => n >= 3,
    );
    server.put("exportpolicies", object("b"));
    await knows("a", "b");
    assert.deepEqual(changes, ["+default/a", "synced", "+default/b"]);
    assert.deepEqual(failures, []);
  });

  test("lists again after 410, and tells only the difference", async () => {
    server.put("exportpolicies", object("a"));
    server.put("exportpolicies", object("b"));
    run();
    await synced();
    await eventually("a watch", () => server.asked.includes("watch exportpolicies"), Boolean);
    server.deafen();
    server.remove("exportpolicies", "default/a");
    server.put("exportpolicies", object("c"));
    server.compact();
    await knows("b", "c");
    assert.deepEqual(changes, ["+default/a", "+default/b", "synced", "+default/c", "-default/a", "synced"]);
    assert.deepEqual(failures, []);
  });

  test("finds a deaf watch by its deadline", async () => {
    run(1);
    await synced();
    await eventually("a watch", () => server.asked.includes("watch exportpolicies"), Boolean);
    server.deafen();
    server.put("exportpolicies", object("a"));
    await knows("a");
    assert.deepEqual(failures, []);
  });

  test("keeps what it knows while the server is away, says so, and comes back", async () => {
    server.put("exportpolicies", object("a"));
    run();
    await synced();
    await server.stop();
    await eventually(
      "refused",
      () => failures.at(-1)?.message ?? "",
      (m) => /^watch exportpolicies\.telemetry\.miloapis\.com: http:\S+: connection refused\.$/.test(m),
    );
    assert.ok(known.has("default/a"));
    server.put("exportpolicies", object("b"));
    await server.start();
    await knows("a", "b");
    await eventually(
      "well",
      () => failures.at(-1),
      (f) => f === undefined,
    );
    assert.ok(failures.length <= 3, JSON.stringify(failures)); // closed, refused, well
  });

  test("waits as long as Retry-After says", async () => {
    let refused = 0;
    server.fault = ({ verb }) =>
      verb === "list" && ++refused < 3 ? { status: 429, headers: { "retry-after": "1" } } : undefined;
    const startedMs = performance.now();
    run();
    await synced();
    assert.ok(performance.now() - startedMs >= 1_990, "two waits of a second");
    assert.equal(refused, 3);
    assert.equal(failures[0]?.kind, "throttled");
  });

  test("says which verb on which resource a role must allow", async () => {
    server.fault = ({ verb }) =>
      verb === "list" ? { status: 403, message: 'User "u" cannot list resource "exportpolicies"' } : undefined;
    run();
    await eventually(
      "a failure",
      () => failures.length,
      (n) => n > 0,
    );
    assert.equal(
      failures[0]?.message,
      'list exportpolicies.telemetry.miloapis.com: forbidden: a role must allow verb "list" on resource "exportpolicies" in API group "telemetry.miloapis.com", in all namespaces. The API server says: User "u" cannot list resource "exportpolicies".',
    );
    server.fault = undefined;
    await synced();
  });

  test("sends a token that was replaced, after one 401", async () => {
    server.put("exportpolicies", object("a"));
    server.fault = ({ headers }) => {
      if (headers.authorization === "Bearer second") return undefined;
      token = "second";
      return { status: 401 };
    };
    run();
    await synced();
    assert.deepEqual(failures, []);
  });

  test("a page that is too large is asked for in smaller ones", async () => {
    const large = "x".repeat(300_000);
    for (let i = 0; i < 40; i++) server.put("exportpolicies", object(`p${i}`, { large }));
    run();
    await synced();
    assert.equal(known.size, 40);
    assert.deepEqual(failures, []);
  });

  test("a server that speaks nonsense is a failure in plain words, and no end", async () => {
    let n = 0;
    server.fault = ({ verb }) => (verb === "list" && n++ === 0 ? { status: 200, message: "no list" } : undefined);
    run();
    await synced();
    assert.match(failures[0]!.message, /the response is not a list\.$/);
  });
});

describe("how long a watch runs", () => {
  test("a deaf one of two is found within four seconds; all together are renewed at most 40 times a minute", () => {
    assert.equal(watchSecondsOf(2), 3);
    for (let watches = 1; watches <= 160; watches++) {
      assert.ok((watches * 60) / watchSecondsOf(watches) <= 40, `${watches} watches`);
      assert.ok(watchSecondsOf(watches) <= 3 || (watches * 60) / watchSecondsOf(watches) > 30, `${watches} watches`);
    }
    assert.equal(watchSecondsOf(10_000), 240);
  });
});

describe("the wait for the begin of a response", () => {
  test("is short at first and grows for a verb that is slow, so that a slow server is not given up for ever", () => {
    const patience = new Patience();
    assert.equal(patience.of("list"), 4_000);
    patience.timedOut("list");
    assert.deepEqual([patience.of("list"), patience.of("patch")], [8_000, 4_000]);
    patience.timedOut("list");
    assert.equal(patience.of("list"), 10_000);
    patience.answered("list", 4_500);
    assert.equal(patience.of("list"), 9_000, "slow servers stay slow");
    patience.answered("list", 20);
    assert.equal(patience.of("list"), 4_000);
  });
});
