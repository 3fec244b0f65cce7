// The event stream: what a reader rebuilds is the agent's own state, across reconnections; nobody who does not read costs anything.
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { EVENTS_KEPT, EventRing } from "../../src/admin/eventring.ts";
import { SseParser } from "../../src/cli/attach/sse.ts";
import type { Event } from "../../src/status/events.ts";
import { reduce } from "../../src/status/reduce.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { ID, Served } from "./agent.ts";

let served: Served;
let readers: Reader[];
beforeEach(async () => {
  served = await new Served().load().start();
  readers = [];
});
afterEach(async () => {
  for (const reader of readers) reader.end();
  await served.stop();
});

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!holds()) {
    assert.ok(performance.now() < end, `never: ${what}`);
    await pause(5);
  }
}

class Reader {
  readonly kinds: string[] = [];
  readonly ids: number[] = [];
  snapshot: Snapshot | undefined;
  closed = false;
  readonly socket: Socket;
  readonly #parser = new SseParser();
  #head = "";

  /** `follow`: keeps the state; otherwise only what has come. */
  constructor(lastEventId?: number, follow = true) {
    readers.push(this);
    const again = lastEventId === undefined ? "" : `Last-Event-ID: ${lastEventId}\r\n`;
    const { port } = new URL(served.url);
    this.socket = connect(Number(port), "127.0.0.1", () =>
      // HTTP/1.0: an answer without chunks
      this.socket.write(`GET /api/v1/events HTTP/1.0\r\nHost: localhost\r\n${again}\r\n`),
    );
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.closed = true;
    });
    const decoder = new TextDecoder();
    this.socket.on("data", (piece) => {
      let text = decoder.decode(piece as Uint8Array, { stream: true });
      if (this.#head !== "done") {
        this.#head += text;
        const body = this.#head.indexOf("\r\n\r\n");
        if (body < 0) return;
        text = this.#head.slice(body + 4);
        this.#head = "done";
      }
      for (const { event, data, id } of this.#parser.push(text)) {
        this.kinds.push(event);
        this.ids.push(Number(id));
        if (!follow) continue;
        if (event === "snapshot") this.snapshot = JSON.parse(data) as Snapshot;
        else if (this.snapshot !== undefined) this.snapshot = reduce(this.snapshot, JSON.parse(data) as Event);
      }
    });
  }

  get last(): number {
    return this.ids.at(-1) ?? 0;
  }

  end(): void {
    this.socket.destroy();
  }
}

const tick = (n = 1) => {
  for (let i = 0; i < n; i++) {
    served.now += 1_000;
    served.event({ type: "tick" });
  }
};
const reads = (n = 1, samples = 10) => {
  for (let i = 0; i < n; i++)
    served.event({
      type: "window-read",
      id: ID,
      source: "metrics",
      from: 0,
      to: 1,
      read: samples,
      series: 5,
      bytes: 100,
      durationMs: 3,
      sourceNow: 1,
      dropped: {},
    });
};
const same = (reader: Reader) => JSON.stringify(reader.snapshot) === JSON.stringify(served.store.snapshot);

describe("a reader", () => {
  test("gets the snapshot, then every event: its state is the agent's", async () => {
    const reader = new Reader();
    await until("the snapshot", () => reader.snapshot !== undefined);
    reads(200);
    tick(100);
    await until("the same state", () => same(reader));
    assert.equal(reader.kinds[0], "snapshot");
    assert.deepEqual(new Set(reader.kinds.slice(1)), new Set(["event"]));
    assert.deepEqual(
      reader.ids,
      Array.from({ length: 301 }, (_, i) => reader.ids[0]! + i),
    );
  });
  test("that comes back with its last id gets only what it missed", async () => {
    const first = new Reader();
    await until("the snapshot", () => first.snapshot !== undefined);
    reads(3);
    await until("the events", () => same(first));
    first.end();
    reads(5);
    const second = new Reader(first.last);
    second.snapshot = first.snapshot;
    await until("what it missed", () => second.ids.length === 5);
    assert.deepEqual(second.kinds, new Array(5).fill("event"));
    assert.ok(same(second));
  });
  test("that comes back too late, or from another life of the agent, gets a snapshot", async () => {
    for (const id of [1, 999, 99_999_999_999_999]) {
      const reader = new Reader(id);
      await until("a snapshot", () => reader.kinds[0] === "snapshot");
      assert.ok(same(reader));
    }
    const reader = new Reader();
    await until("the snapshot", () => reader.snapshot !== undefined);
    reader.end();
    reads(EVENTS_KEPT + 1);
    const late = new Reader(reader.last);
    await until("a snapshot", () => late.kinds[0] === "snapshot");
    assert.ok(same(late));
  });
  test("the 101st is refused", async () => {
    for (let i = 0; i < 100; i++) new Reader();
    await until("100 snapshots", () => readers.every((r) => r.snapshot !== undefined));
    const answer = await fetch(`${served.url}/api/v1/events`);
    assert.equal(answer.status, 503);
  });
});

test("the ring: what is here can be resumed from, what is not cannot", () => {
  const ring = new EventRing(1_000);
  assert.ok(ring.reaches(1_000) && !ring.reaches(999) && !ring.reaches(1_001) && !ring.reaches(Number.NaN));
  for (let i = 0; i < EVENTS_KEPT; i++) ring.append({ type: "tick", at: i });
  assert.ok(ring.reaches(1_000) && ring.reaches(ring.last));
  ring.append({ type: "tick", at: -1 });
  assert.ok(!ring.reaches(1_000) && ring.reaches(1_001));
  assert.match(
    ring.message(1_001 + EVENTS_KEPT),
    new RegExp(`^id: ${1_001 + EVENTS_KEPT}\nevent: event\ndata: .*"at":-1`),
  );
});

test("50 readers, 10 of them stuck: 40 keep up, the stuck ones are cut", async () => {
  // Four keep the state; what all get must be the same, without a gap.
  const good = Array.from({ length: 40 }, (_, i) => new Reader(undefined, i < 4));
  const stuck = Array.from({ length: 10 }, () => {
    const reader = new Reader();
    reader.socket.pause();
    return reader;
  });
  await until("40 snapshots", () => good.every((r) => r.kinds[0] === "snapshot"));
  const message = "x".repeat(1_000);
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < EVENTS_KEPT / 16; i++)
      served.event({ type: "read-failed", id: ID, source: "metrics", reason: "SourceUnavailable", message });
    const failures = (s: Snapshot | undefined) => s?.sinks[0]?.sources[0]?.failure?.inRow;
    const followers = good.slice(0, 4);
    await until("four have the state", () =>
      followers.every((r) => failures(r.snapshot) === failures(served.store.snapshot)),
    );
    await until("all 40 keep up", () => good.every((r) => r.last === followers[0]!.last));
  }
  assert.ok(good.slice(0, 4).every(same));
  for (const { ids, kinds } of good) {
    assert.deepEqual(new Set(kinds.slice(1)), new Set(["event"]));
    assert.deepEqual(
      ids,
      Array.from(ids, (_, i) => ids[0]! + i),
    );
  }
  for (const reader of stuck) reader.socket.resume();
  await until("the stuck ones are cut", () => stuck.every((r) => r.closed));
  assert.ok(good.every((r) => !r.closed));
});
