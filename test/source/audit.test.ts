import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Frame } from "../../src/series/frame.ts";
import { AuditCounts } from "../../src/source/audit.ts";

const A = 300_000;

const frame = (timestamps: number[], p: { stale?: number[]; dropped?: Record<string, number> } = {}): Frame =>
  ({
    samples: timestamps.length,
    timestamps: Float64Array.from(timestamps),
    stale: Uint8Array.from(timestamps, (_, i) => (p.stale?.includes(i) ? 1 : 0)),
    dropped: p.dropped ?? {},
  }) as unknown as Frame;

describe("AuditCounts", () => {
  test("counts samples by stretch, both late ones and new ones; stale markers are none", () => {
    let auditCounts = AuditCounts.begin(0);
    auditCounts = auditCounts.add([frame([1, A, A + 1], { stale: [0] })], { from: 0, to: A + 10 }, A + 20, A);
    auditCounts = auditCounts.add([frame([A + 11]), frame([A - 5])], { from: A + 10, to: A + 20 }, A + 30, A);
    assert.equal(auditCounts.taken(A, A), 2);
    assert.equal(auditCounts.taken(2 * A, A), 2);
    assert.equal(auditCounts.taken(3 * A, A), 0);
  });

  test("a version is never changed in place", () => {
    const before = AuditCounts.begin(0);
    before.add([frame([5])], { from: 0, to: 10 }, 20, A);
    assert.equal(before.taken(A, A), 0);
  });

  test("what is older than the begin is not counted, and the first stretch begins there", () => {
    const auditCounts = AuditCounts.begin(100).add([frame([50, 150])], { from: 100, to: 200 }, 300, A);
    assert.equal(auditCounts.taken(A, A), 1);
    assert.deepEqual(auditCounts.ripe(A, 2 * A, A), [{ from: 100, to: A }]);
  });

  test("a stretch is ripe when it was read to its end and ended one stretch ago, to the millisecond", () => {
    const auditCounts = AuditCounts.begin(0);
    assert.deepEqual(auditCounts.ripe(A, 2 * A - 1, A), []);
    assert.deepEqual(auditCounts.ripe(A - 1, 2 * A, A), []);
    assert.deepEqual(auditCounts.ripe(A, 2 * A, A), [{ from: 0, to: A }]);
  });

  test("a reader that catches up counts nothing: what it reads long after its time has nothing late", () => {
    const auditCounts = AuditCounts.begin(0).add([frame([5])], { from: 0, to: 10 }, 10 + A, A);
    assert.equal(auditCounts.since, 10);
    assert.equal(auditCounts.taken(A, A), 0);
  });

  test("series that cannot be sent are there at the source too: they count by their window, or counting starts over", () => {
    const one = AuditCounts.begin(0).add([frame([5], { dropped: { invalid_labels: 3 } })], { from: 0, to: 10 }, 20, A);
    assert.equal(one.taken(A, A), 4);
    const two = AuditCounts.begin(0).add(
      [frame([5], { dropped: { invalid_labels: 3 } })],
      { from: A - 5, to: A + 5 },
      A + 9,
      A,
    );
    assert.equal(two.since, A + 5);
  });

  test("only some stretches are kept", () => {
    let auditCounts = AuditCounts.begin(0);
    for (let k = 0; k < 100; k++)
      auditCounts = auditCounts.add([frame([k * A + 1])], { from: k * A, to: (k + 1) * A }, (k + 1) * A + 1, A);
    assert.equal(auditCounts.taken(A, A), 0);
    assert.equal(auditCounts.taken(100 * A, A), 1);
    assert.ok(auditCounts.ripe(100 * A, 101 * A, A).length <= 5);
  });
});
