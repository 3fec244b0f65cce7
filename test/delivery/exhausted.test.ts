// After maxAttempts, in fake time: drop continues behind the last backoff, hold keeps the batch and tries at the cap until the sink is
// back; one request in flight while the sink fails.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Batcher } from "../../src/batch/batcher.ts";
import type { Drop } from "../../src/delivery/batch-splitter.ts";
import { Delivery } from "../../src/delivery/delivery.ts";
import type { DeliverySettings } from "../../src/delivery/ports.ts";
import { NO_SAMPLES } from "../../src/remotewrite/post.ts";
import { SeriesTable } from "../../src/series/table.ts";
import type { Event } from "../../src/status/events.ts";
import { FakeClock } from "../fakes/clock.ts";
import { frame } from "../fakes/sender.ts";
import { FakeSink } from "../fakes/sink.ts";

const SECOND = 1_000;

function start(settings: Partial<DeliverySettings>, keep?: (drop: Drop) => boolean) {
  const clock = new FakeClock();
  const sink = new FakeSink(clock);
  sink.answerMs = 0;
  const events: Event[] = [];
  let settled = 0;
  const sender = sink.sender();
  const delivery = new Delivery(
    "default/p/s",
    sender,
    { maxAttempts: 3, backoffDurationMs: SECOND, maxConcurrency: 8, onExhausted: "drop", ...settings },
    {
      clock,
      random: () => 0,
      dispatch: (event) => events.push(event),
      settled: (batch) => {
        settled += batch.samples;
      },
      changed: () => {},
      bug: assert.fail,
      ...(keep === undefined ? {} : { keep }),
    },
  );
  const batcher = new Batcher(10);
  const table = new SeriesTable();
  let window = 0;
  return {
    clock,
    sink,
    delivery,
    events,
    settled: () => settled,
    answersAll(post: (typeof sender)["post"]) {
      sender.post = post;
    },
    /** A window of `series` series with one sample each, in batches of 10. */
    send(series: number) {
      for (const batch of batcher.add(frame(table, series, 1, clock.now()), window++, clock.monotonicMs()))
        delivery.enqueue(batch);
      const last = batcher.flush();
      if (last !== undefined) delivery.enqueue(last);
    },
    times: () => sink.attempts.map((a) => a.at),
  };
}

const dropped = (events: readonly Event[]) => events.filter((e) => e.type === "dropped");

describe("drop", () => {
  test("after the last attempt the batch is dropped; the next one's first attempt is not before the last backoff has passed", async () => {
    const w = start({});
    w.sink.fault = 503;
    w.send(20);
    await w.clock.advance(3 * SECOND);
    assert.deepEqual(w.times(), [0, 1 * SECOND, 3 * SECOND], "1 s, then 2 s");
    assert.equal(dropped(w.events).length, 1);
    assert.equal(w.settled(), 10);
    await w.clock.advance(4 * SECOND - 1);
    assert.equal(w.sink.attempts.length, 3, "the third backoff is 4 s: nothing at 6,999 ms");
    await w.clock.advance(1);
    assert.equal(w.sink.attempts.length, 4, "and a request at 7,000 ms");
    w.delivery.abort();
  });

  test("an outage of ten minutes costs few batches, and keeps each", async () => {
    const kept: Drop[] = [];
    const w = start({ backoffDurationMs: 5 * SECOND }, (drop) => kept.push(drop) > 0);
    w.sink.fault = "refused";
    w.send(1000);
    await w.clock.advance(600 * SECOND);
    // Waits of 5, 10, 20, 40, 80, 160, then 300 s, three attempts a batch: also after a drop they do not start again at 5 s.
    assert.equal(dropped(w.events).length, 2);
    assert.deepEqual(
      w.times().map((at) => at / SECOND),
      [0, 5, 15, 35, 75, 155, 315],
    );
    assert.deepEqual(
      kept.map((d) => [d.reason, d.samples, d.spans.length]),
      kept.map(() => ["exhausted", 10, 1]),
    );
    assert.ok(dropped(w.events).every((e) => e.type === "dropped" && e.kept === true));
    assert.equal(w.sink.mostInFlight, 1, "one request in flight while it fails");
    w.delivery.abort();
    assert.equal(w.clock.sleepers, 0);
  });

  test("dead letters that cannot be written are dropped and counted all the same", async () => {
    const w = start({ maxAttempts: 1 }, () => false);
    w.sink.fault = 503;
    w.send(10);
    await w.clock.advance(1);
    assert.deepEqual(
      dropped(w.events).map((e) => e.type === "dropped" && [e.samples, e.kept]),
      [[10, false]],
    );
    assert.equal(w.settled(), 10);
    w.delivery.abort();
  });
});

describe("Retry-After", () => {
  test("is waited for, not less; and only once: after the next answer without one the backoff counts again", async () => {
    const w = start({ maxAttempts: 10 });
    const { post } = w.sink.sender();
    let asks = 1;
    w.sink.fault = 503;
    w.answersAll(async (body, signal) => {
      const { verdict, answered } = await post(body, signal);
      assert.equal(verdict.kind, "retry");
      return { verdict: asks-- > 0 ? { ...verdict, retryAfterMs: 600 * SECOND } : verdict, answered } as Awaited<
        ReturnType<typeof post>
      >;
    });
    w.send(10);
    await w.clock.advance(610 * SECOND);
    assert.deepEqual(w.times(), [0, 600 * SECOND, 602 * SECOND, 606 * SECOND]);
  });
});

describe("a refusal that holds", () => {
  test("with several requests in flight it is one probe: the next come after 5, 15 and 45 s", async () => {
    const w = start({ onExhausted: "hold" });
    w.sink.answerMs = 100;
    w.send(200);
    await w.clock.advance(450); // one, two, three, then four at once
    assert.ok(w.sink.inFlight >= 4, `${w.sink.inFlight} in flight`);
    w.sink.decide = () => 401;
    await w.clock.advance(100);
    const refused = w.times().length;
    await w.clock.advance(120 * SECOND);
    const probes = w.times().slice(refused - 1);
    assert.deepEqual(
      probes.map((at, i) => Math.round((at - (probes[i - 1] ?? at)) / SECOND)),
      [0, 5, 15, 45],
    );
    w.delivery.abort();
  });
});

describe("a sender that was replaced", () => {
  test("has a try at once: whoever changes credentials does not wait for the next probe", async () => {
    const w = start({ onExhausted: "hold" });
    w.sink.decide = () => 401;
    w.send(1);
    await w.clock.advance(30 * SECOND); // the next probe is 20 s after the last
    assert.equal(w.settled(), 0);
    w.sink.decide = () => 204;
    const sender = w.sink.sender();
    w.delivery.update(sender, { maxAttempts: 3, backoffDurationMs: SECOND, maxConcurrency: 4, onExhausted: "hold" });
    await w.clock.advance(1);
    assert.equal(w.settled(), 1);
    w.delivery.abort();
  });

  const after = { maxAttempts: 3, backoffDurationMs: SECOND, maxConcurrency: 4, onExhausted: "hold" } as const;

  test("does not wait for a request that hangs at an address that never took one", async () => {
    const w = start({ onExhausted: "hold" });
    w.sink.fault = "timeout";
    w.send(1);
    await w.clock.advance(5 * SECOND);
    assert.equal(w.sink.inFlight, 1);
    w.sink.fault = "none";
    w.delivery.update(w.sink.sender(), after);
    await w.clock.advance(1);
    assert.equal(w.settled(), 1);
    w.delivery.abort();
  });

  test("does not wait for a write without samples that hangs", async () => {
    const w = start({ onExhausted: "hold" });
    w.send(1);
    await w.clock.advance(1);
    const wrong = w.sink.sender();
    let asked = 0;
    const { post } = wrong;
    wrong.post = async (body, signal) => {
      if (body.length > NO_SAMPLES.length) return post(body, signal);
      asked++;
      w.sink.fault = "timeout";
      return post(body, signal);
    };
    w.sink.fault = 407;
    w.delivery.update(wrong, after);
    w.send(1);
    await w.clock.advance(5 * SECOND);
    assert.deepEqual([asked, w.sink.inFlight, w.settled()], [1, 1, 1]);
    w.sink.fault = "none";
    w.delivery.update(w.sink.sender(), after);
    await w.clock.advance(1);
    assert.equal(w.settled(), 2);
    w.delivery.abort();
  });

  test("lets a request end at an address that takes them: it would be sent twice", async () => {
    const w = start({ onExhausted: "hold" });
    w.send(1);
    await w.clock.advance(1);
    w.sink.answerMs = 500;
    w.send(1);
    await w.clock.advance(100);
    w.delivery.update(w.sink.sender(), after);
    await w.clock.advance(401); // one that begins again with the other sender takes 100 ms longer
    assert.equal(w.settled(), 2);
    w.delivery.abort();
  });
});

describe("at the end", () => {
  test("a batch whose last attempt fails is given back, not dropped as exhausted: the next life tries it again", async () => {
    const w = start({ maxAttempts: 1 });
    w.sink.fault = 503;
    w.sink.answerMs = 100;
    w.send(20);
    const drained = w.delivery.drain(5 * SECOND);
    await w.clock.advance(5 * SECOND);
    assert.equal(await drained, 20);
    assert.deepEqual(dropped(w.events), []);
    assert.equal(w.settled(), 0);
  });

  test("an answer that comes while it is ended counts for nothing: its batch was given back already", async () => {
    const w = start({});
    const { post } = w.sink.sender();
    w.sink.answerMs = 100;
    w.answersAll(async (body) => post(body, new AbortController().signal)); // as one whose answer is being read
    w.send(10);
    await w.clock.advance(50);
    assert.equal(w.delivery.abort(), 10);
    await w.clock.advance(100);
    assert.equal(w.sink.acknowledged, 10);
    assert.deepEqual(w.events.filter((e) => e.type === "attempt-ended").length, 0);
    assert.equal(w.settled(), 0);
  });
});

describe("hold", () => {
  test("nothing is dropped; attempts continue at the cap of five minutes until the sink is back", async () => {
    const w = start({ onExhausted: "hold", maxAttempts: 2, backoffDurationMs: 60 * SECOND });
    w.sink.fault = "refused";
    w.send(30);
    await w.clock.advance(3_600 * SECOND);
    const waits = w.times().map((at, i, all) => at - (all[i - 1] ?? 0));
    assert.deepEqual(
      waits.slice(0, 6).map((ms) => ms / SECOND),
      [0, 60, 120, 240, 300, 300],
    );
    assert.ok(waits.slice(4).every((ms) => ms === 300 * SECOND));
    assert.equal(dropped(w.events).length, 0);
    assert.equal(w.settled(), 0);
    assert.equal(w.sink.mostInFlight, 1);
    w.sink.fault = "none";
    await w.clock.advance(300 * SECOND);
    assert.equal(w.settled(), 30, "what was held is delivered, and all behind it");
    assert.equal(w.sink.acknowledged, 30);
    assert.equal(w.clock.sleepers, 0);
  });

  test("a sink that is back gets more than one request at once again, one more a round", async () => {
    const w = start({ onExhausted: "hold" });
    w.sink.fault = 503;
    w.sink.answerMs = 100;
    w.send(200);
    await w.clock.advance(10 * SECOND);
    assert.equal(w.sink.mostInFlight, 1);
    w.sink.fault = "none";
    await w.clock.advance(60 * SECOND);
    assert.equal(w.settled(), 200);
    assert.ok(w.sink.mostInFlight > 2, `${w.sink.mostInFlight} at once`);
  });
});
