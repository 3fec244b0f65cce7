// The order of sending depends on the labels alone: not on when a series was first seen, nor on how many came at a time.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Label } from "../../src/series/labels.ts";
import { sendingKey } from "../../src/series/order.ts";
import { SeriesTable, SORT_PIECE } from "../../src/series/table.ts";

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

describe("many new series are sorted in pieces", () => {
  /** Every other one is of an entity of its own. */
  const labelsOf = (i: number) =>
    sorted({ __name__: `m${i % 2}`, job: "fleet", pod: `pod-${((i >> 1) * 7919) % 100_003}`, zone: `z${i % 3}` });
  const made = (n: number, from = 0, table = new SeriesTable()) => {
    for (let i = from; i < n; i++) table.intern(labelsOf(i));
    return table;
  };
  /** What each piece took, by its own count. */
  function pieces(table: SeriesTable, between: () => void = () => {}): number[] {
    const { exports } = table.module;
    const work: number[] = [];
    for (let done = false; !done; ) {
      const before = exports.workOfSorting();
      done = table.sortSome();
      work.push(exports.workOfSorting() - before);
      between();
    }
    return work;
  }
  /** A comparison of a long series counts as several; a place among those that are there is searched to its end. */
  const MOST = SORT_PIECE + 100;

  test("no piece has more work than it may, and all of it is the same work", () => {
    const table = made(60_000);
    const work = pieces(table);
    assert.ok(work.length >= 10, `${work.length} pieces`);
    assert.ok(Math.max(...work) <= MOST, `${Math.max(...work)} in one piece`);
    const before = table.module.exports.workOfSorting();
    const inPieces = [...table.positions()];
    assert.equal(table.module.exports.workOfSorting(), before, "nothing is left for who asks for places");
    assert.deepEqual(inPieces, [...made(60_000).positions()]);
  });

  test("series that come between two pieces, and among those that are sorted, find their place", () => {
    const table = made(20_000);
    table.positions();
    made(50_000, 20_000, table);
    let next = 50_000;
    const work = pieces(table, () => {
      if (next < 52_000) made(next + 500, next, table);
      next += 500;
    });
    made(52_000, 0, table);
    assert.ok(Math.max(...work) <= MOST, `${Math.max(...work)} in one piece`);
    assert.deepEqual(inOrder(table), inOrder(made(52_000)));
  });

  test("who asks for places in the middle gets them", () => {
    const table = made(30_000);
    table.sortSome();
    assert.deepEqual([...table.positions()], [...made(30_000).positions()]);
    assert.equal(table.sortSome(), true);
  });

  test("labels of 60 KB: the longer, the fewer comparisons in a piece", () => {
    const table = new SeriesTable();
    for (let i = 0; i < 200; i++)
      table.intern(sorted({ __name__: "m", a: "x".repeat(30_000) + i, b: "y".repeat(30_000) + i }));
    const { exports } = table.module;
    table.sortSome();
    // n log n comparisons are about 1,500; each counts for what it looks at.
    assert.ok(exports.workOfSorting() > 20_000, `${exports.workOfSorting()}`);
  });
});
