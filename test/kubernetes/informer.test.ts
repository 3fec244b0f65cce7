// The informer against a small API with faults: what it knows equals what the server has, whatever ends the watch.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { Access } from "../../src/kubernetes/client/access.ts";
import { type ApiFailure, type KubeObject, POLICIES } from "../../src/kubernetes/client/api.ts";
import { createKubeApi } from "../../src/kubernetes/client/client.ts";
import { Informer } from "../../src/kubernetes/client/informer.ts";
import { Patience } from "../../src/kubernetes/client/patience.ts";
import { type JoinWatches, Watches } from "../../src/kubernetes/client/watches.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { systemFiles } from "../../src/platform/files.ts";
import { FakeClock } from "../fakes/clock.ts";
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

const forSeconds = (seconds: number): JoinWatches => ({
  join: () => ({ begin: () => seconds, ended: () => {}, opened: () => {}, leave: () => {} }),
});

const informerOf = (namespace: string | undefined, watches: JoinWatches): Informer<KubeObject> =>
  new Informer({
    api: createKubeApi({ access: access(), proxy: () => undefined, userAgent: "test", tell: () => {} }),
    resource: POLICIES,
    at: namespace === undefined ? {} : { namespace },
    watches,
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

function run(watchSeconds = 30): void {
  informer = informerOf(undefined, forSeconds(watchSeconds));
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

describe("many watches of one server that stall together", () => {
  test("are found by the one that ends soon, though the others run for minutes", async () => {
    const watches = new Watches(systemClock, () => 0.5);
    for (let i = 0; i < 200; i++) watches.join(server.url, () => {});
    const all = ["one", "two", "three"].map((namespace) => informerOf(namespace, watches).run(ended.signal));
    running = Promise.all(all).then(() => {});
    await eventually(
      "all watch",
      () => server.asked.filter((a) => a.startsWith("watch")).length,
      (n) => n >= 3,
    );
    server.deafen();
    for (const namespace of ["one", "two", "three"]) {
      const { metadata, ...rest } = object("a");
      server.put("exportpolicies", { ...rest, metadata: { ...metadata, namespace } });
    }
    await eventually(
      "known",
      () => [...known.keys()].sort().join(),
      (keys) => keys === "one/a,three/a,two/a",
    );
    assert.deepEqual(failures, []);
  });
});

describe("how long watches run", () => {
  const SERVERS = ["https://one/a", "https://two:6443"];
  type Running = {
    turn: ReturnType<Watches["join"]>;
    server: string;
    beganMs: number;
    endsMs: number;
    renewed: number;
  };
  let clock: FakeClock;
  let watches: Watches;
  let all: Running[];

  const join = (server: string): void => {
    const one: Running = { turn: undefined as never, server, beganMs: 0, endsMs: 0, renewed: 0 };
    one.turn = watches.join(server, () => {
      one.renewed++;
      one.endsMs = clock.monotonicMs();
    });
    all.push(one);
  };
  let begun = 0;
  const begin = (one: Running, opens = true): void => {
    begun++;
    one.beganMs = clock.monotonicMs();
    one.endsMs = one.beganMs + one.turn.begin() * 1000;
    if (opens) one.turn.opened(undefined);
  };
  /** Each that has ended begins again; those of `failing` do not. Until the time. */
  async function live(untilMs: number, failing: (one: Running) => boolean = () => false): Promise<void> {
    for (; clock.monotonicMs() < untilMs; await clock.advance(100))
      for (let again = true; again; ) {
        again = false;
        for (const one of all) {
          const now = clock.monotonicMs();
          if (one.endsMs > now && !(failing(one) && one.endsMs !== Number.POSITIVE_INFINITY)) continue;
          again = true;
          one.turn.ended(failing(one));
          if (failing(one)) one.endsMs = Number.POSITIVE_INFINITY;
          else begin(one);
        }
      }
  }
  const soonest = (server: string) =>
    Math.min(...all.filter((one) => one.server === server).map((one) => one.endsMs)) - clock.monotonicMs();

  beforeEach(() => {
    clock = new FakeClock();
    let n = 0;
    watches = new Watches(clock, () => (n = (n * 7 + 3) % 11) / 11);
    all = [];
    begun = 0;
  });

  test("two of one server: three seconds each, 40 renewals a minute", async () => {
    for (let i = 0; i < 2; i++) join(SERVERS[0]!);
    await live(clock.monotonicMs() + 60_000);
    assert.equal(begun, 40);
  });

  for (const count of [3, 10, 160, 400])
    test(`${count}: one of each server ends within seconds at any time, though all together are renewed seldom`, async () => {
      for (let i = 0; i < count; i++) join(SERVERS[i % 2]!);
      const minutes = 10;
      await live(clock.monotonicMs() + 1);
      begun = 0;
      for (let i = 0; i < minutes * 60; i++) {
        await live(clock.monotonicMs() + 1_000);
        for (const server of SERVERS) assert.ok(soonest(server) <= 3_000, `${soonest(server)} ms`);
      }
      const most = 40 * Math.max(1, count / 160) + 2 * 20;
      assert.ok(begun / minutes <= most * 1.1, `${begun / minutes} a minute`);
      assert.ok(all.every(({ endsMs, beganMs }) => endsMs - beganMs <= 240_000));
    });

  test("where the one that ends soon cannot be opened any more, another one takes its place", async () => {
    for (let i = 0; i < 40; i++) join(SERVERS[0]!);
    await live(clock.monotonicMs() + 60_000);
    const failed = new Set<Running>();
    for (let i = 0; i < 20; i++) {
      failed.add(all.filter((one) => !failed.has(one)).sort((a, b) => a.endsMs - b.endsMs)[0]!);
      await live(clock.monotonicMs() + 200, (one) => failed.has(one));
      assert.ok(soonest(SERVERS[0]!) <= 3_000, `${soonest(SERVERS[0]!)} ms`);
    }
  });

  test("one whose response is still to come is not given up for it: the response may ask to wait", async () => {
    for (let i = 0; i < 3; i++) join(SERVERS[0]!);
    for (const one of all) begin(one, false);
    all[0]!.turn.ended(true);
    assert.deepEqual(
      all.map(({ renewed }) => renewed),
      [0, 0, 0],
    );
    all[2]!.turn.opened(undefined);
    all[1]!.turn.ended(true);
    assert.deepEqual(
      all.map(({ renewed }) => renewed),
      [0, 0, 1],
    );
  });

  test("one that was deaf renews those of its server that began before, and no others; not all of a slow server again and again", async () => {
    for (let i = 0; i < 20; i++) join(SERVERS[i % 2]!);
    await live(clock.monotonicMs() + 60_000);
    const renewals = () => all.map((one) => one.renewed);
    const before = renewals();
    const brokenMs = clock.monotonicMs();
    await clock.advance(100);
    begin(all[2]!);
    all[0]!.turn.opened(brokenMs);
    assert.deepEqual(
      renewals().map((n, i) => n - before[i]!),
      all.map(({ server }, i) => (server === SERVERS[0] && i !== 0 && i !== 2 ? 1 : 0)),
    );
    await live(clock.monotonicMs() + 5_000);
    const again = renewals();
    all[0]!.turn.opened(clock.monotonicMs());
    assert.deepEqual(renewals(), again);
    await live(clock.monotonicMs() + 10_000);
    all[0]!.turn.opened(clock.monotonicMs() + 1);
    assert.notDeepEqual(renewals(), again);
  });
});

describe("the wait for the begin of a response", () => {
  test("is short at first and grows for a verb that is slow, so that a slow server is not given up forever", () => {
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
