// The order of sending depends on the labels alone: not on when a series was first seen, nor on how many came at a time.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Label } from "../../src/series/labels.ts";
import { sendingKey } from "../../src/series/order.ts";
import { SeriesTable } from "../../src/series/table.ts";

const sorted = (labels: Record<string, string>): Label[] =>
  Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

/** The series of a table in the order of sending. */
function inOrder(table: SeriesTable): string[] {
  const positions = table.positions();
  assert.deepEqual(
    [...positions].sort((a, b) => a - b),
    Array.from(positions, (_, i) => i),
    "a permutation",
  );
  return Array.from(positions, (place, id) => ({ place, labels: JSON.stringify(table.labels(id)) }))
    .sort((a, b) => a.place - b.place)
    .map((series) => series.labels);
}

const value = fc.oneof(
  fc.constantFrom("0.1", "0.5", "1", "10", "+Inf", "a", "b"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 }),
);
/** What is exported has a name. */
const labelSet = fc
  .tuple(fc.dictionary(fc.constantFrom("A", "job", "le", "quantile", "vmrange", "zone"), value), value)
  .map(([labels, __name__]) => ({ ...labels, __name__ }));

describe("the order of sending", () => {
  test("property: is that of sendingKey(), however the series come", () => {
    fc.assert(
      fc.property(fc.array(labelSet), fc.array(labelSet), fc.integer(), (first, then, turn) => {
        const table = new SeriesTable();
        for (const labels of first) table.intern(sorted(labels));
        table.positions();
        for (const labels of then) table.intern(sorted(labels));
        const all = new Map([...first, ...then].map((labels) => [JSON.stringify(sorted(labels)), sorted(labels)]));
        const want = [...all]
          .sort(([, a], [, b]) => Buffer.compare(sendingKey(a), sendingKey(b)))
          .map(([text]) => text);
        assert.deepEqual(inOrder(table), want);
        const other = new SeriesTable();
        const list = [...all.values()];
        for (let i = 0; i < list.length; i++) other.intern(list[(i + Math.abs(turn)) % list.length]!);
        assert.deepEqual(inOrder(other), want);
      }),
      { numRuns: 100 },
    );
  });

  test("buckets of a histogram stand together, names last", () => {
    const table = new SeriesTable();
    for (const le of ["10", "+Inf", "1"])
      for (const pod of ["b", "a"])
        for (const __name__ of ["x_bucket", "w_bucket"]) table.intern(sorted({ __name__, le, pod }));
    table.intern(sorted({ __name__: "x_sum", pod: "a" }));
    const short = inOrder(table).map((text) => {
      const { __name__, le = "", pod } = Object.fromEntries(JSON.parse(text) as Label[]);
      return `${pod} ${le} ${__name__}`;
    });
    assert.deepEqual(short, [
      "a  x_sum",
      ...["a", "b"].flatMap((pod) =>
        ["1", "10", "+Inf"].flatMap((le) => [`${pod} ${le} w_bucket`, `${pod} ${le} x_bucket`]),
      ),
    ]);
  });
});
