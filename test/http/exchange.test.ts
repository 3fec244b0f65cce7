// One exchange as a connection drives it: bounded waiting, timers, and who closes the connection.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Exchange } from "../../src/http/exchange.ts";

const PIECE = new Uint8Array(50_000);

function carrier() {
  const calls: string[] = [];
  const say = (what: string) => () => void calls.push(what);
  return { c: { pause: say("pause"), resume: say("resume"), destroy: say("destroy") }, calls };
}

const exchange = (idleMs = 60_000, signal?: AbortSignal, firstByteMs = 60_000) =>
  new Exchange({
    method: "GET",
    url: "http://127.0.0.1/",
    headers: {},
    timeouts: { firstByteMs, idleMs },
    ...(signal === undefined ? {} : { signal }),
  });

describe("Exchange", () => {
  test("the first-byte timeout begins when the request has been sent, not while it waits for a connection", async () => {
    const { c, calls } = carrier();
    const e = exchange(60_000, undefined, 20);
    await new Promise((turn) => setTimeout(turn, 80));
    assert.ok(e.running, "it waits for a connection");
    e.carriedBy(c);
    await new Promise((turn) => setTimeout(turn, 80));
    assert.ok(e.running, "it is being sent");
    e.sent();
    await assert.rejects(e.head);
    assert.equal(e.failure()?.message, "no response within 20 ms");
    assert.deepEqual(calls, ["destroy"]);
  });

  test("reads no further while much waits to be taken, and continues when it was taken", async () => {
    const { c, calls } = carrier();
    const e = exchange();
    e.carriedBy(c);
    e.begins({ status: 200, headers: {} });
    for (let i = 0; i < 3; i++) e.data(PIECE);
    assert.deepEqual(calls, ["pause"]);
    assert.equal(await e.next(), PIECE);
    assert.deepEqual(calls, ["pause"]);
    assert.equal(await e.next(), PIECE);
    assert.deepEqual(calls, ["pause", "resume"]);
    e.complete();
    assert.equal(await e.next(), PIECE);
    assert.equal(await e.next(), undefined);
    e.close();
    assert.deepEqual(calls, ["pause", "resume"], "a complete answer leaves its connection to the next request");
  });

  test("each() takes what waits, then each piece in the turn in which it comes, and never pauses", async () => {
    const { c, calls } = carrier();
    const e = exchange();
    e.carriedBy(c);
    e.begins({ status: 200, headers: {} });
    for (let i = 0; i < 3; i++) e.data(PIECE);
    let taken = 0;
    const all = e.each((piece) => {
      taken += piece.length;
      return true;
    });
    assert.equal(taken, 150_000);
    assert.deepEqual(calls, ["pause", "resume"]);
    for (let i = 0; i < 5; i++) {
      e.data(PIECE);
      assert.equal(taken, 150_000 + (i + 1) * 50_000);
      assert.ok(e.passesOn);
    }
    e.complete();
    await all;
    assert.deepEqual(calls, ["pause", "resume"]);
  });

  test("each() ends where it is told to, and closes the connection; what breaks off is thrown", async () => {
    for (const before of [1, 0]) {
      const { c, calls } = carrier();
      const e = exchange();
      e.carriedBy(c);
      e.begins({ status: 200, headers: {} });
      for (let i = 0; i < before; i++) e.data(PIECE);
      const ended = e.each(() => false);
      e.data(PIECE);
      await ended;
      e.data(PIECE);
      assert.deepEqual(calls, ["destroy"]);
    }
    const { c } = carrier();
    const e = exchange();
    e.carriedBy(c);
    e.begins({ status: 200, headers: {} });
    const broken = e.each(() => true);
    e.broken(new Error("reset"));
    await assert.rejects(broken, /reset/);
  });

  test("an answer that nobody reads on closes its connection", async () => {
    const { c, calls } = carrier();
    const e = exchange();
    e.carriedBy(c);
    e.begins({ status: 200, headers: {} });
    assert.deepEqual(await e.head, { status: 200, headers: {} });
    e.close();
    assert.deepEqual(calls, ["destroy"]);
    assert.equal(await e.next(), undefined);
  });

  test("breaks off when nothing comes any more, after the pieces that came", async () => {
    const { c, calls } = carrier();
    const e = exchange(30);
    e.carriedBy(c);
    e.begins({ status: 200, headers: {} });
    e.data(PIECE);
    assert.equal(await e.next(), PIECE);
    await assert.rejects(e.next());
    const { cause, ...failure } = e.failure()!;
    assert.deepEqual(failure, { kind: "timeout", code: "TIMEOUT", message: "no data for 30 ms" });
    assert.ok(cause instanceof Error);
    assert.deepEqual(calls, ["destroy"]);
  });

  test("does not count the time in which the caller does not read", async () => {
    const { c, calls } = carrier();
    const e = exchange(20);
    e.carriedBy(c);
    e.begins({ status: 200, headers: {} });
    for (let i = 0; i < 3; i++) e.data(PIECE);
    const other = exchange(60);
    other.begins({ status: 200, headers: {} });
    await assert.rejects(other.next()); // three times as long has passed
    assert.equal(e.failure(), undefined);
    assert.equal(await e.next(), PIECE);
    assert.equal(calls.includes("destroy"), false);
    e.close();
  });

  test("one that waits for a connection ends at once when the caller gives up, and takes none later", async () => {
    const { c, calls } = carrier();
    const caller = new AbortController();
    const e = exchange(60_000, caller.signal);
    caller.abort();
    await assert.rejects(e.head);
    assert.equal(e.failure()?.kind, "aborted");
    assert.equal(e.carriedBy(c), false);
    assert.deepEqual(calls, []);
  });
});
