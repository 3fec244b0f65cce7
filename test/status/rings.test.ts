// Throughput rings: the short way says what the long one says.
import assert from "node:assert/strict";
import { test } from "node:test";
import { addToRing, emptyRing, lastHour, lastMinute, rate } from "../../src/status/rings.ts";

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

test("many small amounts are the same as one in each second, and reading in between changes nothing", () => {
  let many = emptyRing;
  let one = emptyRing;
  for (let i = 0; i < 200; i++) {
    const at = START + i * 700;
    for (const part of [1, 2, 3]) many = addToRing(many, at + part, part);
    one = addToRing(one, at, 6);
    for (const later of [0, 1_000, 59_000, 60_000, 61_000]) {
      assert.deepEqual(lastMinute(many, at + later), lastMinute(one, at + later));
      assert.deepEqual(lastHour(many, at + later), lastHour(one, at + later));
      assert.equal(rate(many, at + later, 0), rate(one, at + later, 0));
    }
  }
  // 60 s are 85 or 86 steps of 700 ms.
  const all = total(lastMinute(many, START + 199 * 700 + 1_000));
  assert.ok(all >= 6 * 84 && all <= 6 * 87, `${all}`);
});
