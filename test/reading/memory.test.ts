// What the state store keeps of a series is its fingerprint: another version of outflow has to find it again, and nobody outside can say
// which series have the same.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { fingerprint } from "../../src/reading/memory/fingerprints.ts";
import { Memory } from "../../src/reading/memory/memory.ts";
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

describe("Memory.blob()", () => {
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
      const { pieces, lasting } = memory.blob(0);
      const sizes = [...Array.from(pieces, (piece) => piece.length), ...lasting.map((part) => part.bytes().length)];
      assert.ok(sizes.length > 10);
      assert.ok(Math.max(...sizes) <= 128 * 1024);
      memory = Memory.fromBlob(table, concatenated(memory.blob(0)), 0, 15_000);
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
    const again = (memory: Memory) => Memory.fromBlob(table, concatenated(memory.blob(0)), 7, 15_000);
    const last = (memory: Memory) => [memory.of(seen), memory.of(unseen)];
    const soon = again(before).after(frameOf([[seen, 1_016_000]]), undefined, 1_000_000);
    assert.deepEqual(last(soon), [1_016_000, 1_001_000]);
    assert.deepEqual(last(again(soon)), [1_016_000, 1_001_000]);
    const later = soon.after(frameOf([[seen, 1_400_000]]), undefined, 1_301_000);
    assert.deepEqual(last(later), [1_400_000, 7]);
    assert.deepEqual(last(again(later)), [1_400_000, 7]);
  });

  const NOW = 1_795_349_000_000;
  const moved = (table: SeriesTable, memory: Memory, ids: Iterable<number>, to: number) => {
    const builder = new FrameBuilder();
    for (const id of ids) {
      builder.startRun(id);
      builder.add(to - (id % 900), 1, false);
    }
    return memory.after(builder.build(table, 0, to).frame, undefined, to - 45_000);
  };
  const bytesOf = (pieces: Iterable<Uint8Array>) => [...pieces].reduce((n, { length }) => n + length, 0);

  test("what lasts is the same as long as the series are: a save of 10,000 that all moved takes four bytes each at most", () => {
    const table = new SeriesTable();
    const ids = Array.from({ length: 10_000 }, (_, i) => table.intern([["__name__", `m${i}`]]));
    let memory = Memory.fresh(table, 0, 15_000);
    let before = memory.blob(0).lasting;
    for (let poll = 0; poll < 20; poll++) {
      memory = moved(table, memory, ids, NOW + poll * 1_000);
      const { lasting, pieces } = memory.blob(NOW - 300_000);
      if (poll > 0)
        assert.deepEqual(
          lasting.map((part, i) => part === before[i]),
          [true, true, true],
        );
      assert.ok(bytesOf(pieces) < 40_000);
      before = lasting;
    }
    // One more series, one that ended: their blocks are named again, and no other.
    const other = table.intern([["__name__", "other"]]);
    memory = moved(table, memory, [...ids.slice(1), other], NOW + 400_000);
    const { lasting } = memory.blob(NOW + 100_000);
    assert.deepEqual(
      lasting.map((part, i) => part === before[i]),
      [false, true, false],
    );
    const restored = Memory.fromBlob(table, concatenated(memory.blob(NOW + 100_000)), 7, 15_000);
    for (const id of [...ids, other]) assert.equal(restored.of(id), id === ids[0] ? 7 : memory.of(id));
    // In the same number another series: one ended, one came back.
    const swapped = moved(table, memory, [...ids.slice(0, 1), ...ids.slice(2), other], NOW + 800_000);
    const again = Memory.fromBlob(table, concatenated(swapped.blob(NOW + 500_000)), 7, 15_000);
    assert.deepEqual([again.of(ids[0]!), again.of(ids[1]!)], [swapped.of(ids[0]!), 7]);
    assert.equal(swapped.blob(NOW + 900_000).lasting.length, 0, "none is as new as that");
  });

  test("what was restored lasts as a whole, until it is too old; in the sum each sample counts once", () => {
    const table = new SeriesTable();
    const ids = Array.from({ length: 5_000 }, (_, i) => table.intern([["__name__", `m${i}`]]));
    const first = moved(table, Memory.fresh(table, 0, 15_000), ids, NOW);
    let memory = Memory.fromBlob(table, concatenated(first.blob(0)), 7, 15_000);
    const begin = memory.blob(0);
    assert.equal(begin.lasting.length, 2);
    assert.ok(bytesOf(begin.pieces) < 100);
    // Half of them move; a second restart.
    memory = moved(table, memory, ids.slice(0, 2_500), NOW + 1_000);
    const { lasting } = memory.blob(0);
    assert.deepEqual(lasting.slice(1), begin.lasting);
    const counted = (of: Memory, id: number) => of.taken.expected(of.taken.from, of.print)?.(id);
    for (let restart = 0; restart < 2; restart++) {
      for (const id of [0, 2_499, 2_500, 4_999].map((i) => ids[i]!)) {
        assert.equal(memory.of(id), (id < 2_500 ? NOW + 1_000 : NOW) - (id % 900));
        assert.equal(counted(memory, id), id < 2_500 ? 2 : 1);
      }
      memory = Memory.fromBlob(table, concatenated(memory.blob(0)), 7, 15_000);
    }
    // What lasts may be older than what is asked for by now.
    const late = Memory.fromBlob(table, concatenated(memory.blob(NOW + 50)), 7, 15_000);
    assert.deepEqual([late.of(ids[0]!), late.of(ids[2_500]!)], [NOW + 1_000, 7]);
  });

  test("in another table the same series are saved", () => {
    const table = new SeriesTable();
    const ids = Array.from({ length: 10 }, (_, i) => table.intern([["__name__", `m${i}`]]));
    const memory = moved(table, Memory.fresh(table, 0, 15_000), ids, NOW);
    memory.blob(0);
    const other = new SeriesTable();
    other.intern([["__name__", "first"]]);
    const migrated = memory.migrate(other, NOW - 5);
    const restored = Memory.fromBlob(table, concatenated(migrated.blob(0)), 7, 15_000);
    assert.deepEqual(
      ids.map((id) => restored.of(id)),
      ids.map((id) => (NOW - id > NOW - 5 ? NOW - id : 7)),
    );
  });

  test("a blob of the version before is read", () => {
    const table = new SeriesTable([1, 2]);
    const [a, b] = ["a", "b"].map((name) => table.intern([["__name__", name]])) as [number, number];
    const bytes = new Uint8Array(8 * (5 + 1 + 2 * 2 + 1));
    new Float64Array(bytes.buffer).set([
      3,
      15_000,
      30_000,
      2,
      2,
      2,
      fingerprint(table, a),
      fingerprint(table, b),
      50_000,
      50_000.5,
    ]);
    new Uint16Array(bytes.buffer, 8 * 10).set([1, 2, 3, 4]);
    const memory = Memory.fromBlob(table, bytes, 7, 15_000);
    assert.deepEqual([memory.of(a), memory.of(b)], [50_000, 50_000.5]);
    const counts = (id: number) => [2, 3].map((k) => memory.taken.count(k, id, memory.print));
    assert.deepEqual([counts(a), counts(b), memory.taken.from], [[1, 3], [2, 4], 30_000]);
    // A block that is not there whole is not read.
    const cut = Memory.fromBlob(table, bytes.subarray(0, bytes.length - 8), 7, 15_000);
    assert.deepEqual([cut.of(a), cut.of(b)], [7, 7]);
  });

  test("property: a blob that was changed or cut anywhere is read without an error; one that lacks what lasts is unknown", () => {
    const table = new SeriesTable();
    const ids = Array.from({ length: 6 }, (_, i) => table.intern([["__name__", `m${i}`]]));
    const first = moved(table, Memory.fresh(table, 0, 15_000), ids, NOW);
    const memory = moved(
      table,
      Memory.fromBlob(table, concatenated(first.blob(0)), 7, 15_000),
      ids.slice(2),
      NOW + 20_000,
    );
    const { pieces } = memory.blob(0);
    assert.equal(Memory.fromBlob(table, concatenated({ pieces, lasting: [] }), 7, 15_000).of(ids[0]!), 7);
    const good = concatenated(memory.blob(0));
    const doubles = fc.constantFrom(-1, 0, 0.5, 1, 2, 3, 4, 5, 1e9, 1e300, Number.NaN, Number.POSITIVE_INFINITY);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length / 8 - 1), doubles), { maxLength: 3 }),
        fc.nat(good.length),
        fc.nat(7),
        (changes, length, shift) => {
          const room = new Uint8Array(shift + good.length);
          const bad = room.subarray(shift);
          bad.set(good);
          for (const [at, value] of changes) new DataView(room.buffer).setFloat64(shift + 8 * at, value, true);
          const read = Memory.fromBlob(table, bad.subarray(0, changes.length === 0 ? length : good.length), 7, 15_000);
          for (const id of ids) assert.ok(Number.isFinite(read.of(id)));
          moved(table, read, ids, NOW + 40_000).blob(0);
        },
      ),
      { numRuns: 500 },
    );
  });
});
