// --settle auto: whatever the lags of a source are, less than one sample in a thousand comes late, and nothing waits longer than that
// needs. A source is simulated in groups of samples: of each, when it becomes visible, and with which read it arrives.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { firstSettle, LEAST_SETTLE_MS, learn, MOST_SETTLE_MS, type Settle } from "../../src/reading/settle.ts";

/** When the samples of a group become visible, ms after their time: as many groups each, ascending. */
type Lags = readonly number[];

const GROUPS = 200;
const SAMPLES_A_GROUP = 50;
const LOOK_MS = 15_000;

/** What was late in all of the time, and the longest wait in the second half of it. */
function simulate(lags: Lags, everyMs: number, pollMs: number, phase: number, polls: number) {
  let settle: Settle = firstSettle();
  let all = 0;
  let lateOnes = 0;
  let longest = 0;
  let pending: { ts: number; visible: number }[] = [];
  for (let n = 1; n <= polls; n++) {
    const window = { from: (n - 1) * pollMs, to: n * pollMs };
    const readAt = window.to + settle.ms;
    const late = { all: 0, ofThisWait: 0 };
    let due = 0;
    // Not each read looks far back.
    if (n % Math.max(1, Math.round(LOOK_MS / pollMs)) === 0) {
      const found = pending.filter(({ visible }) => visible <= readAt);
      pending = pending.filter(({ visible }) => visible > readAt);
      for (const { ts } of found) {
        due += SAMPLES_A_GROUP;
        late.all += SAMPLES_A_GROUP;
        if (ts > settle.since) late.ofThisWait += SAMPLES_A_GROUP;
      }
    }
    for (let ts = Math.floor((window.from - phase) / everyMs + 1) * everyMs + phase; ts <= window.to; ts += everyMs) {
      all += GROUPS * SAMPLES_A_GROUP;
      let g = GROUPS;
      for (; g > 0 && ts + lags[g - 1]! > readAt; g--) pending.push({ ts, visible: ts + lags[g - 1]! });
      due += g * SAMPLES_A_GROUP;
      lateOnes += (GROUPS - g) * SAMPLES_A_GROUP;
    }
    settle = learn(settle, { ...window, due, late }, LOOK_MS + 2 * pollMs);
    assert.ok(settle.ms >= LEAST_SETTLE_MS && settle.ms <= MOST_SETTLE_MS);
    if (n > polls / 2) longest = Math.max(longest, settle.ms);
  }
  return { late: lateOnes / all, longest };
}

const lag = fc.integer({ min: 0, max: 7_500 });
const spread = (from: number, to: number, groups: number): number[] =>
  Array.from({ length: groups }, (_, i) => from + ((to - from) * (i + 1)) / groups);
/** One or two ranges of lags. */
const anyLags: fc.Arbitrary<Lags> = fc
  .tuple(lag, lag, lag, fc.integer({ min: 0, max: GROUPS }))
  .map(([a, b, c, first]) => {
    const [x, y, z] = [a, b, c].sort((p, q) => p - q) as [number, number, number];
    return [...spread(x, y, first), ...spread(y, z, GROUPS - first)];
  });

describe("--settle auto", () => {
  test("less than one in a thousand comes late, and nobody waits longer than two steps above what that needs", () => {
    fc.assert(
      fc.property(
        anyLags,
        fc.constantFrom(1_000, 5_000, 15_000),
        fc.constantFrom(1_000, 5_000, 15_000),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (lags, everyMs, pollMs, phase) => {
          const { late, longest } = simulate(lags, everyMs, pollMs, phase * everyMs, 150_000);
          assert.ok(late < 1 / 1_000, `${late} late`);
          const needed = Math.max(LEAST_SETTLE_MS, lags.at(-1)!);
          assert.ok(longest <= needed * 1.25 ** 2, `waits ${longest} ms where ${needed} ms are needed`);
        },
      ),
      { numRuns: 30, seed: 18 },
    );
  });

  test("where samples come later for a while, the wait follows, and comes back down", () => {
    const quick = (settle: Settle, n: number, latest: number) => {
      const to = n * 5_000;
      const isLate = latest > settle.ms;
      const late = isLate ? { all: 500, ofThisWait: to - 5_000 > settle.since ? 500 : 0 } : { all: 0, ofThisWait: 0 };
      return learn(settle, { from: to - 5_000, to, due: 10_000, late }, 20_000);
    };
    let settle = firstSettle();
    let n = 0;
    const run = (polls: number, latest: number) => {
      for (const end = n + polls; n < end; n++) settle = quick(settle, n, latest);
      return settle.ms;
    };
    assert.equal(run(100, 0), LEAST_SETTLE_MS);
    assert.ok(run(60, 3_000) >= 3_000);
    assert.equal(run(3_000, 0), LEAST_SETTLE_MS);
  });

  test("a producer that delivers the last minutes at once is not waited for", () => {
    const calm = { ...firstSettle(), ms: LEAST_SETTLE_MS, since: 0 };
    const after = learn(calm, { from: 5_000, to: 10_000, due: 100_000, late: { all: 50_000, ofThisWait: 0 } }, 20_000);
    assert.equal(after.ms, LEAST_SETTLE_MS);
  });

  test("a source whose clock was set back is learned again from there", () => {
    const settle = { ...firstSettle(), since: 3_600_000, due: 5_000, late: 5 };
    const after = learn(settle, { from: 0, to: 5_000, due: 100, late: { all: 100, ofThisWait: 100 } }, 20_000);
    assert.deepEqual(after, { ...settle, since: 5_000, due: 0, late: 0 });
  });
});
