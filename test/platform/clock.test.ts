// The clock's small parts: what is done now and then meets at the same moments, and a sleep that is given up ends at once.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Stop, systemClock, untilNextMs } from "../../src/platform/clock.ts";

describe("the next of the moments that everything meets at", () => {
  test("property: within a millisecond after a multiple, and never twice within half of the interval", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 60_000 }), fc.double({ min: 0, max: 1e10, noNaN: true }), (every, now) => {
        const ms = untilNextMs(every, now);
        assert.ok(Number.isInteger(ms) && ms >= every / 2 && ms <= 1.5 * every + 1, String(ms));
        const after = (now + ms) % every;
        assert.ok(after < 1.001 || every - after < 0.001, String(after));
      }),
    );
  });

  test("a timer that fires early does not look twice", () => {
    assert.equal(untilNextMs(500, 999.4), 501);
    assert.equal(untilNextMs(500, 1000), 500);
    assert.equal(untilNextMs(500, 1000.6), 500);
    assert.equal(untilNextMs(500, 1249), 251);
  });
});

describe("a sleep with a Stop", () => {
  test("ends at once, with false, when it is stopped; one that was stopped before does not begin", async () => {
    const stop = new Stop();
    const sleeping = systemClock.sleep(1e9, stop);
    stop.abort();
    assert.equal(await sleeping, false);
    assert.equal(await systemClock.sleep(1e9, stop), false);
  });

  test("ends in its time with true; stopping it afterwards changes nothing", async () => {
    const stop = new Stop();
    assert.equal(await systemClock.sleep(0, stop), true);
    stop.abort();
    assert.equal(stop.aborted, true);
  });

  test("longer than any timer can be: it does not end at once", async () => {
    const stop = new Stop();
    let ended = false;
    const sleeping = systemClock.sleep(5e9, stop).finally(() => {
      ended = true;
    });
    await systemClock.sleep(20);
    assert.equal(ended, false);
    stop.abort();
    assert.equal(await sleeping, false);
  });
});
