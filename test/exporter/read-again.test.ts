// What a sink has in memory when its source is to be read again: it is sent all the same, so what is read again may have been sent.
// The receiver takes a series in order only and refuses the whole request for one old sample, as Prometheus does.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ReceiverModel } from "../fakes/receiver-model.ts";
import { steady, World, type WorldOptions } from "../fakes/world.ts";

const MINUTE = 60_000;

/** `s` is slow to answer; `t`, which reads something else, is not: the source is polled for it all the time. */
function strict(options: Partial<WorldOptions> = {}) {
  const w = new World({
    sinks: { s: { onExhausted: "hold", timeoutMs: 1_000 }, t: { sources: ["n"] } },
    ...options,
  });
  const model = new ReceiverModel(
    { order: "strict", partial: false, status: 400, tooOldMs: undefined, names: false, refuses: () => false },
    () => w.source.now(),
  );
  w.sink().model = model;
  const rejected: string[] = [];
  w.dropped = ({ sink, series, ts, reason }) => {
    if (sink === "s" && reason === "rejected" && model.has(series, ts)) rejected.push(`${series} ${ts}`);
  };
  const missing = (until: number) =>
    w.source.samples.filter(({ series, ts }) => ts <= until && !model.has(series, ts)).map(({ ts }) => ts);
  return { w, rejected, missing };
}

const series = (from: number, to: number) => [0, 1, 2].flatMap((n) => steady(`m${n}`, from, to, 5_000));

/** Ten minutes wait for a sink that takes `answerMs` for an answer when the source's clock goes back by less than that. */
async function setBackWhileWaiting(answerMs: number) {
  const all = strict({ startMs: 10 * MINUTE });
  const { w } = all;
  const start = w.source.now();
  w.source.samples = series(start - 10 * MINUTE, start + 30 * MINUTE);
  w.sink().answerMs = answerMs;
  await w.clock.advance(MINUTE);
  w.source.offset -= 200_000;
  await w.clock.advance(2 * MINUTE);
  return all;
}

describe("what is read again", () => {
  for (const killed of [false, true])
    test(`the source's clock is set back while windows wait to be sent, and ${killed ? "a kill comes later" : "the sink is paused later"}: nothing is lost, and nothing counts as refused that was taken`, async () => {
      const { w, rejected, missing } = strict();
      const start = w.source.now();
      w.source.samples = series(start, start + 20 * MINUTE);
      await w.clock.advance(2 * MINUTE);
      w.sink().answerMs = 3 * MINUTE;
      await w.clock.advance(MINUTE);
      const inFlightFrom = w.cursor()!;
      w.source.offset -= 10 * MINUTE;
      await w.clock.advance(MINUTE);
      assert.ok(w.events.some((e) => e.type === "notice" && /s: the source's clock was set back/.test(e.message)));
      assert.equal(w.exporter().pending, 18, "two windows of three series: one in flight, one behind it");
      w.sink().answerMs = 5;
      while (w.exporter().pending > 0) await w.clock.advance(MINUTE);
      // Up to what was in flight it is read again as it was; what waited is read together with what comes after it.
      while (w.cursor()! < inFlightFrom + 15_000) await w.clock.advance(5_000);
      if (killed) w.kill();
      else w.exporter().pause();
      await w.clock.advance(4 * MINUTE);
      if (killed) w.start();
      else w.exporter().resume();
      await w.clock.advance(4 * MINUTE);
      assert.deepEqual(missing(w.cursor()!), []);
      assert.deepEqual(rejected, []);
      assert.ok(w.source.now() - w.cursor()! < MINUTE);
      w.balances();
    });

  test("the source's clock is set back by less than what waits, then a kill: the cursor did not pass what was never sent", async () => {
    const { w, missing } = await setBackWhileWaiting(30 * MINUTE);
    assert.equal(w.sink().attempts.length, 0, "it has answered nothing yet");
    await w.restart();
    w.sink().answerMs = 5;
    await w.clock.advance(10 * MINUTE);
    assert.deepEqual(missing(w.cursor()!), []);
    assert.ok(w.source.now() - w.cursor()! < MINUTE);
    w.balances();
  });

  test("the same without a kill: the cursor follows what waited, and what is read again after it", async () => {
    const { w, missing } = await setBackWhileWaiting(5 * MINUTE);
    w.sink().answerMs = 5;
    const cursors: number[] = [];
    for (let i = 0; i < 20; i++) {
      await w.clock.advance(MINUTE);
      cursors.push(w.cursor()!);
    }
    assert.deepEqual(
      cursors,
      cursors.toSorted((a, b) => a - b),
      "it never goes back",
    );
    assert.deepEqual(missing(w.cursor()!), []);
    assert.ok(w.source.now() - w.cursor()! < MINUTE);
    w.balances();
  });

  test("a source that is removed and comes back while its windows wait to be sent", async () => {
    const { w, rejected, missing } = strict();
    const start = w.source.now();
    w.source.samples = series(start, start + 20 * MINUTE);
    await w.clock.advance(2 * MINUTE);
    w.sink().answerMs = 2 * MINUTE;
    await w.clock.advance(MINUTE);
    await w.setSources("s", ["x"]);
    await w.setSources("s", ["m"]);
    await w.clock.advance(5 * MINUTE);
    w.sink().answerMs = 5;
    await w.clock.advance(8 * MINUTE);
    assert.deepEqual(rejected, []);
    assert.deepEqual(missing(w.cursor()!), []);
    w.balances();
  });
});
