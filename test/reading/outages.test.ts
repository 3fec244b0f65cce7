// How far reads look back: after an outage, and where windows ended ahead of the source's clock.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Outages } from "../../src/reading/outages.ts";
import type { Member, Reader } from "../../src/reading/reader.ts";

const LATE = 30_000;
const T = 1_795_000_020_000;
const reader = {
  query: { lateWindowMs: LATE, intervalMs: 15_000 },
  memory: { taken: { density: () => 1 } },
  reachedAt: T - 15_000,
} as unknown as Reader<Member>;
const window = { from: T - 15_000, to: T };
const reach = (outages: Outages, now = T) => T - outages.reach(reader, window, now);

describe("how far a read looks back", () => {
  const usual = reach(new Outages());

  test("by the late window, where nothing happened", () => {
    assert.ok(usual >= LATE + 15_000 && usual < 2 * LATE + 15_000, String(usual));
  });

  test("by as much more as windows were ahead of the source's clock: late samples come that much later", () => {
    const outages = new Outages();
    outages.ahead(T - 20_000, 8_000);
    assert.ok(reach(outages) >= LATE + 15_000 + 8_000, String(reach(outages)));
    outages.ahead(T - 10_000, 0);
    assert.ok(reach(outages) >= LATE + 15_000 + 8_000, "the windows of that time are still of interest");
    assert.equal(reach(outages, T + 10 * LATE), usual, "not forever");
  });

  test("a difference that Date's seconds explain counts for nothing", () => {
    const outages = new Outages();
    outages.ahead(T - 1_000, 2_000);
    assert.equal(reach(outages), usual);
  });

  test("to before an outage of the source, and by what windows were ahead of it", () => {
    const outages = new Outages();
    outages.begin(T - 200_000);
    outages.failed(T - 150_000);
    outages.answered(T - 1_000);
    const outage = reach(outages);
    assert.ok(outage >= 200_000 + LATE, String(outage));
    outages.ahead(T - 1_000, 45_000);
    assert.ok(reach(outages) >= outage + 30_000, String(reach(outages)));
  });

  test("readers share what they remember only if it is the same as far back as the next reads look", () => {
    const usualFarthest = T - 1.5 * LATE;
    const at = { ...reader, read: T };
    const farthest = (outages: Outages) => outages.farthest(at, T);
    assert.ok(farthest(new Outages()) <= usualFarthest);
    const leapt = new Outages();
    leapt.ahead(T - 20_000, 505_000);
    assert.ok(farthest(leapt) <= usualFarthest - 505_000);
    const away = new Outages();
    away.begin(T - 200_000);
    away.failed(T - 150_000);
    away.answered(T - 1_000);
    assert.ok(farthest(away) <= T - 200_000 - 1.5 * LATE);
  });
});
