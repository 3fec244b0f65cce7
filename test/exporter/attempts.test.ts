// What a process knows of what the one before it attempted.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Attempts } from "../../src/exporter/attempts.ts";
import { steady, World } from "../fakes/world.ts";

const window = (from: number, samples = 100) => ({ from, to: from + 15_000, samples, series: 10 });
const attempted = (from: number, together = true) => ({ ...window(from), maxSize: 500, together });

describe("what was attempted", () => {
  test("only windows that begin before the last attempted end may have been sent", () => {
    const attempts = new Attempts(undefined, false);
    assert.deepEqual(attempts.origin(window(0), 500, 1), { sent: false, together: true });
    attempts.record([attempted(0)], 0);
    assert.equal(attempts.origin(window(0), 500, 1).sent, true);
    assert.equal(attempts.origin(window(15_000), 500, 15_001).sent, false);
  });

  test("a series has arrived whole or not at all where the window is the same, cut at the same size, and never sent in parts", () => {
    const saved = new Attempts(undefined, false).record([attempted(0)], 0);
    assert.equal(new Attempts(saved, true).origin(window(0), 500, 1).together, true);
    assert.equal(new Attempts(saved, true).origin(window(0, 101), 500, 1).together, false, "a sample has come since");
    assert.equal(new Attempts(saved, true).origin(window(0), 400, 1).together, false);
    const cut = new Attempts(saved, true).record([attempted(0, false)], 0);
    assert.equal(new Attempts(cut, true).origin(window(0), 500, 1).together, false);
  });

  test("what is known is said once; windows behind the cursor are forgotten, but for the last ones; their end is not", () => {
    const attempts = new Attempts(undefined, false);
    assert.notEqual(attempts.record([attempted(0)], 0), undefined);
    assert.equal(attempts.record([attempted(0)], 0), undefined);
    let saved = attempts.record([attempted(15_000)], 15_000);
    assert.deepEqual(attempts.endsAfter(15_000), [30_000]);
    assert.equal(saved?.to, 30_000);
    for (let from = 30_000; from < 600_000; from += 15_000) saved = attempts.record([attempted(from)], from);
    assert.deepEqual(
      saved?.windows.map(({ from }) => from),
      Array.from({ length: 13 }, (_, i) => 405_000 + 15_000 * i),
    );
  });

  test("a cursor that was settled and not saved before a kill: the windows behind it are read again as they were", () => {
    const before = new Attempts(undefined, false);
    before.record([attempted(0)], 0);
    const saved = before.record([attempted(15_000)], 15_000);
    const attempts = new Attempts(saved, true);
    assert.deepEqual(attempts.endsAfter(0), [15_000, 30_000], "the cursor on the disk was still 0");
    for (const from of [0, 15_000]) assert.equal(attempts.origin(window(from), 500, from + 1).together, true);
  });

  test("of a process that saved nothing everything up to the source's now may have been sent", () => {
    const attempts = new Attempts(undefined, true);
    attempts.readUpTo(60_000);
    assert.equal(attempts.origin(window(45_000), 500, 45_001).sent, true);
    assert.equal(attempts.origin(window(60_000), 500, 60_001).sent, false);
  });

  test("what is read again by a reader that does not remember it may have been sent, in a window of whatever time; so may what waits", () => {
    const attempts = new Attempts(undefined, false);
    attempts.record([attempted(0)], 0);
    assert.equal(attempts.origin(window(600_000), 500, 15_000).sent, false, "it comes late, and was not taken before");
    assert.deepEqual(attempts.readAgain(30_000), { to: 30_000, windows: [] });
    assert.equal(attempts.origin(window(15_000), 500, 15_001).sent, true, "it waited");
    assert.deepEqual(attempts.origin(window(600_000), 500, 30_000), { sent: true, together: false });
    assert.equal(attempts.origin(window(600_000), 500, 30_001).sent, false);
    assert.equal(new Attempts(attempts.readAgain(0), true).origin(window(600_000), 500, 30_000).sent, true);
  });

  test("a clock that is set back before anything was read: what is not known is not saved, and everything may have been sent", () => {
    const attempts = new Attempts(undefined, true);
    assert.equal(attempts.readAgain(0), undefined);
    attempts.readUpTo(60_000);
    assert.deepEqual(attempts.origin(window(45_000), 500, 45_001), { sent: true, together: false });
    assert.equal(attempts.origin(window(60_000), 500, 60_001).sent, false);
  });

  test("is saved before the request is sent: a process that is killed in between leaves it to the next one", async () => {
    const w = new World({ sinks: { s: { onExhausted: "hold" } } });
    const start = w.source.now();
    w.source.samples = steady("m", start, start + 600_000, 5_000);
    w.sink().fault = "timeout";
    await w.clock.advance(120_000);
    const [attempted] = [...w.state.attempts.values()];
    assert.ok(attempted !== undefined && attempted.windows.length > 0 && attempted.to > start);
  });
});
