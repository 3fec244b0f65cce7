// outflow top's side of the wire: the event stream, the remote store over real HTTP, the printed state.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import { remoteActions } from "../../src/cli/attach/actions.ts";
import type { Agent } from "../../src/cli/attach/address.ts";
import { RemoteStore } from "../../src/cli/attach/remote.ts";
import { SseParser } from "../../src/cli/attach/sse.ts";
import { createHttpClient } from "../../src/http/client.ts";
import type { HttpClient } from "../../src/http/http.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { readyOf } from "../../src/status/conditions.ts";
import { stillFrame } from "../../tui/still.ts";
import { serverError, sinkInfo } from "../status/scenes.ts";
import { AgentServer } from "./agent-server.ts";
import { crowd, oneFails } from "./frames.tsx";

const id = "default/edge/cloud";

describe("server-sent events", () => {
  const whole =
    'id: 7\nevent: event\ndata: {"a":1}\n\n: heartbeat\n\nretry: 5\nevent: two\r\ndata: x\r\ndata:y\r\n\r\nid: 9\n\n';
  const expected = [
    { event: "event", data: '{"a":1}', id: "7" },
    { event: "two", data: "x\ny", id: "7" },
  ];
  test("messages, comments, ids, line ends", () => assert.deepEqual(new SseParser().push(whole), expected));
  test("however the text is cut into pieces", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 8 }), (cuts) => {
        const parser = new SseParser();
        const at = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
        const got = at.slice(1).flatMap((end, i) => parser.push(whole.slice(at[i], end)));
        assert.deepEqual(got, expected);
      }),
    );
  });
});

/** Waits for content, never for time. */
async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!holds()) {
    assert.ok(performance.now() < end, `never: ${what}`);
    await pause(10);
  }
}

describe("an agent elsewhere", () => {
  let server: AgentServer;
  let http: HttpClient;
  let agent: Agent;
  let store: RemoteStore;
  let ended: AbortController;
  let running: Promise<void> | undefined;

  const follow = () => {
    agent = { url: server.url, token: server.token, http };
    store = new RemoteStore(agent, systemClock);
    running = store.run(ended.signal);
  };
  const ready = () => {
    const sink = store.snapshot.sinks[0];
    return sink === undefined ? "" : readyOf(sink).reason;
  };

  beforeEach(async () => {
    server = await new AgentServer().start();
    server.event({ type: "agent-started", version: "9.9.9", sourceUrl: "http://vm:8428", stateDir: "/s", listen: "x" });
    server.event({
      type: "policies-loaded",
      policies: [{ id: "default/edge", generation: 1, file: "a.yaml", sinks: [id] }],
      problems: [],
      files: 1,
      ok: true,
    });
    server.event({ type: "sink-started", sink: sinkInfo(id) });
    http = createHttpClient({ connectMs: 3_000, connections: 4 });
    ended = new AbortController();
  });
  afterEach(async () => {
    ended.abort();
    await running;
    await server.stop();
    await http.close();
  });

  const fails = () => {
    for (const attempt of [1, 2])
      server.event({
        type: "attempt-ended",
        ...{ id, attempt, maxAttempts: 3, samples: 10, bytes: 90, durationMs: 5, inFlight: 0 },
        result: { kind: "failed", ...serverError },
      });
  };

  test("the snapshot comes first, then each event, through the same reduce", async () => {
    follow();
    await until("connected", () => store.link.state === "connected");
    assert.equal(ready(), "Pending");
    fails();
    await until("ServerError", () => ready() === "ServerError");
    assert.deepEqual(store.snapshot.sinks[0]?.attempts, server.store.snapshot.sinks[0]?.attempts);
    assert.deepEqual(
      store.snapshot.events.map((e) => e.text),
      server.store.snapshot.events.map((e) => e.text),
    );
  });

  test("killed and started again five times: it says so, keeps what it knew, and continues automatically", async () => {
    follow();
    await until("connected", () => store.link.state === "connected");
    for (let round = 1; round <= 5; round++) {
      await server.stop();
      await until(`lost ${round}`, () => store.link.state === "lost");
      assert.equal(store.snapshot.sinks.length, 1, "the last known state stays");
      server.event({ type: "notice", level: "info", message: `round ${round}` });
      await server.start();
      await until(`again ${round}`, () => store.link.state === "connected");
      assert.ok(
        store.snapshot.events.some((e) => e.text === `round ${round}`),
        "what happened meanwhile is there",
      );
    }
  });

  test("connection refused: the reason is said, in words", async () => {
    await server.stop();
    follow();
    await until("lost", () => store.link.state === "lost");
    assert.match(store.link.state === "lost" ? store.link.why : "", /connection refused \(ECONNREFUSED\)/);
  });

  test("a token is wanted: said, and sent where there is one", async () => {
    server.token = "open sesame";
    agent = { url: server.url, token: undefined, http };
    store = new RemoteStore(agent, systemClock);
    running = store.run(ended.signal);
    await until("lost", () => store.link.state === "lost");
    assert.match(store.link.state === "lost" ? store.link.why : "", /--token-file/);
    ended.abort();
    await running;
    ended = new AbortController();
    follow();
    await until("connected", () => store.link.state === "connected");
  });

  test("actions are POSTs, each name escaped; the answer's message comes back", async () => {
    agent = { url: server.url, token: undefined, http };
    const actions = remoteActions(agent);
    const told = await actions.act("default/a b/c", "retry");
    assert.deepEqual(told, { ok: true, message: "done: /api/v1/sinks/default/a%20b/c/retry" });
    assert.deepEqual(await actions.reload(), { ok: true, message: "done: /-/reload" });
    server.actions = false;
    assert.deepEqual(await actions.act(id, "pause"), { ok: false, message: "actions are off: --allow-actions" });
    assert.deepEqual(server.requests, [
      "POST /api/v1/sinks/default/a%20b/c/retry",
      "POST /-/reload",
      "POST /api/v1/sinks/default/edge/cloud/pause",
    ]);
    running = undefined;
  });
});

describe("printed once", () => {
  const env = { LANG: "C.UTF-8" };
  test("all sinks, no keys, nothing selected", () => {
    const text = stillFrame(crowd(60).snapshot, { env, columns: 120, colour: false });
    const sinks = text.match(/region-\d\d\/sink-\d\d\d/g) ?? [];
    assert.equal(new Set(sinks).size, 60, "each sink has its row");
    assert.equal(sinks.length, 65, "and the five that fail or are paused are in the header too");
    assert.doesNotMatch(text, /\x1b|›|q quit/);
  });
  test("colour only where it is wanted", () => {
    const { snapshot } = oneFails();
    assert.match(stillFrame(snapshot, { env, columns: 120, colour: true }), /\x1b\[/);
    assert.doesNotMatch(
      stillFrame(snapshot, { env: { ...env, NO_COLOR: "1" }, columns: 120, colour: true }),
      /\x1b\[3/,
    );
  });
});
