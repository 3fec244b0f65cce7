// One exchange as undici's dispatcher drives it: bounded waiting, timers, and who closes the connection.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Dispatcher } from "undici/index.js";
import { Exchange } from "../../src/platform/http-exchange.ts";

const PIECE = new Uint8Array(50_000);

function controller() {
  const calls: string[] = [];
  const c = {
    aborted: false,
    paused: false,
    reason: null,
    pause() {
      calls.push("pause");
      c.paused = true;
    },
    resume() {
      calls.push("resume");
      c.paused = false;
    },
    abort() {
      calls.push("abort");
      c.aborted = true;
    },
  };
  return { c: c as Dispatcher.DispatchController, calls };
}

const exchange = (idleMs = 60_000, signal?: AbortSignal) =>
  new Exchange({
    method: "GET",
    url: "http://127.0.0.1/",
    headers: {},
    timeouts: { connectMs: 60_000, firstByteMs: 60_000, idleMs },
    ...(signal === undefined ? {} : { signal }),
  });

describe("Exchange", () => {
  test("reads no further while much waits to be taken, and goes on when it was", async () => {
    const { c, calls } = controller();
    const e = exchange();
    e.onRequestStart(c);
    e.onResponseStart(c, 200, {});
    for (let i = 0; i < 3; i++) e.onResponseData(c, PIECE);
    assert.deepEqual(calls, ["pause"]);
    assert.equal(await e.next(), PIECE);
    assert.deepEqual(calls, ["pause"]);
    assert.equal(await e.next(), PIECE);
    assert.deepEqual(calls, ["pause", "resume"]);
    e.onResponseEnd();
    assert.equal(await e.next(), PIECE);
    assert.equal(await e.next(), undefined);
    e.close();
    assert.deepEqual(calls, ["pause", "resume"], "a complete answer leaves its connection to the next request");
  });

  test("an answer that nobody reads on closes its connection", async () => {
    const { c, calls } = controller();
    const e = exchange();
    e.onRequestStart(c);
    e.onResponseStart(c, 200, {});
    assert.deepEqual(await e.head, { status: 200, headers: {} });
    e.close();
    assert.deepEqual(calls, ["abort"]);
    assert.equal(await e.next(), undefined);
  });

  test("breaks off when nothing comes any more, after the pieces that came", async () => {
    const { c, calls } = controller();
    const e = exchange(30);
    e.onRequestStart(c);
    e.onResponseStart(c, 200, {});
    e.onResponseData(c, PIECE);
    assert.equal(await e.next(), PIECE);
    await assert.rejects(e.next());
    assert.deepEqual(e.failure(), { kind: "timeout", code: "TIMEOUT", message: "nothing came for 30 ms" });
    assert.deepEqual(calls, ["abort"]);
  });

  test("does not count the time in which it is we who do not read", async () => {
    const { c, calls } = controller();
    const e = exchange(20);
    e.onRequestStart(c);
    e.onResponseStart(c, 200, {});
    for (let i = 0; i < 3; i++) e.onResponseData(c, PIECE);
    const other = exchange(60);
    other.onResponseStart(c, 200, {});
    await assert.rejects(other.next()); // three times as long has passed
    assert.equal(e.failure(), undefined);
    assert.equal(await e.next(), PIECE);
    assert.equal(calls.includes("abort"), false);
    e.close();
  });

  test("one that waits for a connection ends at once when the caller gives up, and takes none later", async () => {
    const { c, calls } = controller();
    const caller = new AbortController();
    const e = exchange(60_000, caller.signal);
    caller.abort();
    await assert.rejects(e.head);
    assert.equal(e.failure()?.kind, "aborted");
    e.onRequestStart(c);
    assert.deepEqual(calls, ["abort"]);
  });
});
