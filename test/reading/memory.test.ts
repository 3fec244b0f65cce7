// What the state store keeps of a series is its fingerprint: another version of outflow has to find it again, and nobody outside can say
// which series have the same.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { fingerprint, Memory } from "../../src/reading/memory/memory.ts";
import { RestoredSeries } from "../../src/reading/memory/restored-series.ts";
import { FrameBuilder } from "../../src/series/frame-builder.ts";
import { SeriesTable } from "../../src/series/table.ts";
import { concatenated } from "../../src/state/rows.ts";

describe("fingerprint()", () => {
  test("is the same number in every version, and another one with another seed", () => {
    const table = new SeriesTable([1, 2]);
    const other = new SeriesTable([1, 3]);
    const up = table.intern([["__name__", "up"]]);
    const long = table.intern([
      ["Zone", "é"],
      ["__name__", "up"],
      ["job", "x".repeat(200)],
    ]);
    assert.equal(fingerprint(table, up), 6122552399817822);
    assert.equal(fingerprint(table, long), 6262535086234559);
    assert.notEqual(fingerprint(other, other.intern(table.labels(up))), fingerprint(table, up));
    assert.notEqual(fingerprint(other, other.intern(table.labels(long))), fingerprint(table, long));
  });

  test("is not asked of a series that is not there: what came back would be kept for the one that comes", () => {
    const table = new SeriesTable([1, 2]);
    assert.throws(() => fingerprint(table, 0), RangeError);
    assert.equal(fingerprint(table, table.intern([["__name__", "up"]])), 6122552399817822);
  });
});

describe("RestoredSeries", () => {
  test("property: is a map", () => {
    // Few places to be at, so that many are wanted twice.
    const print = fc
      .tuple(fc.nat(6), fc.nat(3))
      .map(([upper, lower]) => (upper * 0x10000000 + upper) * 0x200000 + lower);
    fc.assert(
      fc.property(fc.array(fc.tuple(print, fc.nat(9))), fc.nat(9), (entries, ts) => {
        const saved = new RestoredSeries(entries.length);
        const map = new Map(entries);
        for (const [p, last] of entries) saved.set(p, last);
        for (const [series, want] of [
          [saved, map],
          [saved.after(ts), new Map([...map].filter(([, last]) => last > ts))],
        ] as const) {
          assert.equal(series.size, want.size);
          for (const [p, last] of want) assert.equal(series.last(series.find(p)), last);
          for (let i = 0; i < series.size; i++) assert.equal(want.get(series.print(i)), series.last(i));
          assert.equal(series.find(12345), -1);
        }
      }),
    );
  });
});

describe("Memory.pieces()", () => {
  test("of 100,000 series: several, of a bounded size, and nothing is lost, before and after a second restart", () => {
    const table = new SeriesTable();
    const builder = new FrameBuilder();
    for (let i = 0; i < 100_000; i++) {
      builder.startRun(table.intern([["__name__", `m${i}`]]));
      builder.add(1_000_000 + i / 10, i, false);
    }
    const { frame } = builder.build(table, 0, 2_000_000);
    let memory = Memory.fresh(table, 0, 15_000).after(frame, undefined, 0);
    for (let restart = 0; restart < 2; restart++) {
      const sizes = Array.from(memory.pieces(0), (piece) => piece.length);
      assert.ok(sizes.length > 3);
      assert.ok(Math.max(...sizes) < 1_000_000);
      memory = Memory.fromBlob(table, concatenated(memory.pieces(0)), 0, 15_000);
      for (let i = 0; i < 100_000; i += 991) {
        assert.equal(memory.of(i), 1_000_000 + i / 10);
        assert.equal(memory.taken.expected(0, memory.print)?.(i), 1);
      }
    }
  });

  test("with what was restored: as long as a read may look back to it, series seen since then among them", () => {
    const table = new SeriesTable();
    const [seen, unseen] = ["seen", "unseen"].map((name) => table.intern([["__name__", name]])) as [number, number];
    const frameOf = (samples: [number, number][]) => {
      const builder = new FrameBuilder();
      for (const [id, ts] of samples) {
        builder.startRun(id);
        builder.add(ts, 1, false);
      }
      return builder.build(table, 0, 1e9).frame;
    };
    const before = Memory.fresh(table, 0, 15_000).after(
      frameOf([
        [seen, 1_000_000],
        [unseen, 1_001_000],
      ]),
      undefined,
      0,
    );
    const again = (memory: Memory) => Memory.fromBlob(table, concatenated(memory.pieces(0)), 7, 15_000);
    const last = (memory: Memory) => [memory.of(seen), memory.of(unseen)];
    const soon = again(before).after(frameOf([[seen, 1_016_000]]), undefined, 1_000_000);
    assert.deepEqual(last(soon), [1_016_000, 1_001_000]);
    assert.deepEqual(last(again(soon)), [1_016_000, 1_001_000]);
    const later = soon.after(frameOf([[seen, 1_400_000]]), undefined, 1_301_000);
    assert.deepEqual(last(later), [1_400_000, 7]);
    assert.deepEqual(last(again(later)), [1_400_000, 7]);
  });
});
