// Windows that were attempted before a kill are read again to the same ends, so that nothing new is mixed with what was sent.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Member, Reader } from "../../src/reading/reader.ts";
import { Schedule } from "../../src/reading/schedule.ts";
import { FakeClock } from "../fakes/clock.ts";

test("a window ends where an attempted one ended, then by --max-window", () => {
  const schedule = new Schedule(new FakeClock());
  const at = (read: number) => {
    const query = { sent: "up", intervalMs: 15_000, delayMs: 2_000 };
    const reader = { query, key: "q", read, ends: [30_000, 45_000], windowMs: 300_000, notBeforeMs: 0 };
    return schedule.window(reader as unknown as Reader<Member>, 3_600_000);
  };
  assert.deepEqual(at(0), { from: 0, to: 30_000 });
  assert.deepEqual(at(30_000), { from: 30_000, to: 45_000 });
  assert.deepEqual(at(45_000), { from: 45_000, to: 345_000 });
});
