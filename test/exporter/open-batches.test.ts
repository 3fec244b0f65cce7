// When an open batch goes: at once where no read of any of its sources is due before its deadline, else at the deadline; its size and
// the order of samples are the same either way.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { steady, World, type WorldOptions } from "../fakes/world.ts";

const MINUTE = 60_000;

/** Times between the arrival of a window with samples and the attempt that follows. */
async function waits(options: Partial<WorldOptions>, sources = ["m"]): Promise<number[]> {
  const w = new World({ ...options, sinks: { s: { sources, timeoutMs: 5_000, maxSize: 500 } } });
  const start = w.source.now();
  w.source.samples = sources.flatMap((name) => steady(`${name}0`, start, start + 20 * MINUTE, 1_000));
  await w.clock.advance(3 * MINUTE);
  w.events = [];
  await w.clock.advance(5 * MINUTE);
  w.balances();
  const found: number[] = [];
  let readAt: number | undefined;
  for (const e of w.events) {
    if (e.type === "window-read" && e.read > 0) readAt ??= e.at;
    if (e.type !== "attempt-started" || readAt === undefined) continue;
    found.push(e.at - readAt);
    readAt = undefined;
  }
  for (const name of sources) {
    const taken = (w.sink().taken.get(`${name}0`) ?? []).map(({ ts }) => ts);
    assert.deepEqual(
      taken,
      [...new Set(taken)].sort((a, b) => a - b),
    );
  }
  return found.slice(1); // the first one was under way
}

describe("an open batch", () => {
  test("goes at once where the next read is later than its deadline", async () => {
    const all = await waits({ pollMs: 15_000 });
    assert.ok(all.length >= 18);
    assert.ok(
      all.every((ms) => ms === 0),
      String(all),
    );
  });

  test("waits for the read that is due before its deadline, and goes with it", async () => {
    const all = await waits({ pollMs: 15_000 }, ["a", "b"]);
    assert.ok(all.length >= 18);
    assert.ok(
      all.every((ms) => ms > 0 && ms < 5_000),
      String(all),
    );
  });

  test("waits for its deadline where reads come all the time", async () => {
    const all = await waits({ pollMs: 1_000 });
    assert.ok(all.length >= 50);
    assert.ok(
      all.every((ms) => ms === 5_000),
      String(all),
    );
  });

  test("goes at once where the read that it waits for fails and will be later", async () => {
    const w = new World({ pollMs: 15_000, sinks: { s: { sources: ["a", "b"], timeoutMs: 5_000 } } });
    const start = w.source.now();
    w.source.samples = [
      ...steady("a0", start, start + 20 * MINUTE, 1_000),
      ...steady("b0", start, start + MINUTE, 1_000),
    ];
    w.source.faultOf = (query) => (query.startsWith("b") ? "unavailable" : undefined);
    await w.clock.advance(10 * MINUTE);
    const attempts = w.events.filter((e) => e.type === "attempt-started");
    const failures = new Set(w.events.filter((e) => e.type === "read-failed").map((e) => e.at));
    assert.ok(attempts.length > 30);
    assert.ok(
      attempts.every(({ at }) => failures.has(at)),
      "sent as soon as the other read has failed",
    );
  });
});
