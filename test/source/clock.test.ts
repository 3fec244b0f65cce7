// The source's clock from the Date of its responses: replicas whose clocks differ, a clock that is set back, odd responses.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { SourceClock } from "../../src/source/clock.ts";

const T = 1_795_000_000_000;
const cut = (ms: number) => Math.floor(ms / 1000) * 1000;

/** Answers every `everyMs` by clocks that are `ahead(i)` of T + monotonic time; returns what is known right after each. */
function run(
  n: number,
  everyMs: number,
  ahead: (i: number) => number,
): { clock: SourceClock; off: number[]; back: number } {
  const clock = new SourceClock();
  const off: number[] = [];
  let before = Number.NEGATIVE_INFINITY;
  let back = 0;
  for (let i = 0; i < n; i++) {
    const mono = i * everyMs;
    const held = clock.now(mono) ?? Number.NEGATIVE_INFINITY;
    clock.answered(cut(T + mono + ahead(i)), mono);
    const now = clock.now(mono)!;
    if (now < held - 1) back++;
    assert.ok(now >= before || now < held, "time only goes back when an answer sets it back");
    before = now;
    off.push(now - T - mono);
  }
  return { clock, off, back };
}

describe("the source's clock", () => {
  test("now is whole milliseconds, whatever fractions the monotonic clock has", () => {
    const clock = new SourceClock();
    clock.answered(T, 1.25);
    assert.equal(clock.now(1_000.75), T + 999);
    clock.answered(T - 8_000, 2_000.5); // a small set-back, once it is proved, is approached slowly: fractions too
    for (const mono of [3_000.5, 4_000.5]) clock.answered(T - 8_000 + mono - 2_000.5, mono);
    for (const mono of [4_500.3, 5_000.7, 9_000.9])
      assert.ok(Number.isInteger(clock.now(mono)), String(clock.now(mono)));
  });

  test("how far now is ahead of the clock that responses show: until a set-back is proved, and while it is approached", () => {
    const clock = new SourceClock();
    const answer = (mono: number, back: number) => {
      clock.answered(T + mono - back, mono);
      return clock.aheadMs(mono);
    };
    assert.equal(answer(0, 0), 0);
    assert.deepEqual(
      [2_000, 4_000].map((mono) => answer(mono, 8_000)),
      [8_000, 8_000],
      "not proved",
    );
    assert.deepEqual(
      [6_000, 14_000, 30_000, 60_000].map((mono) => answer(mono, 8_000)),
      [8_000, 6_000, 2_000, 0],
      "a quarter of the time that passes",
    );
    assert.equal(new SourceClock().aheadMs(0), 0);
  });

  test("one server: a lower bound, at most a second late", () => {
    const { off, back, clock } = run(100, 1_700, () => 0);
    assert.ok(
      off.slice(10).every((ms) => ms <= 0 && ms > -1_000),
      off.join(),
    );
    assert.equal(back, 0);
    assert.equal(clock.spreadMs, 0);
  });

  test("two replicas 8 s apart, in turn: the slower one counts, time never goes back, and the difference is known", () => {
    const { off, back, clock } = run(300, 2_000, (i) => (i % 2) * 8_000);
    assert.equal(back, 0);
    assert.ok(
      off.slice(60).every((ms) => ms <= 0 && ms > -1_000),
      off.join(),
    );
    assert.ok(Math.abs(clock.spreadMs - 8_000) <= 1_000, String(clock.spreadMs));
  });

  test("property: replicas at random, whatever their difference: at most one set-back an hour", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 6_000, max: 600_000 }),
        fc.integer({ min: 5, max: 95 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 99 })),
        (apart, percent, dice) => {
          const picks = [...dice.take(1_800)];
          const { back } = run(1_800, 2_000, (i) => (picks[i]! < percent ? apart : 0));
          // A run of ten answers by one replica counts as proof, so the less often one answers the more often it is assumed to be gone.
          const proofs = picks.join().length > 0 && longestRun(picks.map((p) => p >= percent)) >= 10;
          assert.ok(back <= 1 || proofs, `${back} set-backs`);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("set back by 10 s: time runs at three quarters until it is right, and never back", () => {
    const { off, back } = run(60, 2_000, (i) => (i < 20 ? 0 : -10_000));
    assert.equal(back, 0);
    assert.ok(off.at(-1)! <= -10_000 + 1);
  });

  test("set back by an hour: believed after three responses, at once then", () => {
    const { off, back } = run(30, 2_000, (i) => (i < 20 ? 0 : -3_600_000));
    assert.equal(back, 1);
    assert.ok(off[21]! > -2_000, "not by two responses");
    assert.ok(off[22]! <= -3_600_000);
  });

  test("one odd Date, a cache's, changes nothing", () => {
    const { off, back } = run(100, 2_000, (i) => (i === 50 ? -300_000 : 0));
    assert.equal(back, 0);
    assert.ok(
      off.slice(10).every((ms) => ms > -2_000),
      off.join(),
    );
  });

  test("an hour ahead and right again: followed both ways", () => {
    const { off } = run(60, 2_000, (i) => (i >= 20 && i < 40 ? 3_600_000 : 0));
    assert.ok(off[20]! > 3_590_000);
    assert.ok(off.at(-1)! <= 0);
  });
});

const longestRun = (list: readonly boolean[]): number => {
  let longest = 0;
  let run = 0;
  for (const yes of list) {
    run = yes ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
};
