// Throughput rings: the short way says what the long one says.
import assert from "node:assert/strict";
import { test } from "node:test";
import { addToRing, emptyRing, lastMinute, rate } from "../../src/status/rings.ts";

const START = 1_700_000_000_000;
const ring = Array.from({ length: 90 }, (_, i) => i).reduce(
  (r, i) => addToRing(r, START + i * 1_000, i + 1),
  emptyRing,
);
const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

for (const seconds of [-5, 0, 1, 2, 30, 59, 60, 61, 200]) {
  const now = START + 89_000 + seconds * 1_000;
  test(`rate() is the sum of lastMinute() ${seconds} s after the last entry`, () => {
    assert.equal(rate(ring, now, 0), total(lastMinute(ring, now)) / 60);
  });
}

test("a ring that never had anything: 0", () => {
  assert.equal(rate(emptyRing, START, 0), 0);
});
