import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Memory } from "../../src/reading/memory/memory.ts";
import { RecentCounts } from "../../src/reading/memory/recent-counts.ts";
import type { Frame } from "../../src/series/frame.ts";
import { FrameBuilder } from "../../src/series/frame-builder.ts";
import { SeriesTable } from "../../src/series/table.ts";
import { concatenated } from "../../src/state/rows.ts";

const STRETCH = 15_000;

function tableOf(series: number): SeriesTable {
  const table = new SeriesTable();
  for (let i = 0; i < series; i++) table.intern([["__name__", `m${i}`]]);
  return table;
}

function frame(table: SeriesTable, samples: Record<number, number[]>): Frame {
  const builder = new FrameBuilder();
  for (const [id, timestamps] of Object.entries(samples)) {
    builder.startRun(Number(id));
    for (const ts of timestamps) builder.add(ts, ts, false);
  }
  return builder.build(table, 0, 0).frame;
}

const timestamps = (found: { frame: Frame } | undefined): number[] =>
  found === undefined ? [] : [...found.frame.timestamps];

describe("RecentCounts", () => {
  test("what an answer has more than was taken is late, with the stretch it lies in; what is in other stretches is not", () => {
    const table = tableOf(2);
    const { print } = Memory.fresh(table, 0);
    const taken = new RecentCounts(STRETCH, 0).add(
      frame(table, { 0: [1_000, 2_000, 20_000], 1: [5_000] }),
      undefined,
      0,
      print,
    );
    assert.equal(taken.expected(0, print)?.(0), 3);
    assert.equal(taken.expected(STRETCH, print)?.(0), 1);
    assert.equal(taken.expected(0, print)?.(1), 1);
    assert.deepEqual(timestamps(taken.late(frame(table, { 0: [1_000, 2_000, 20_000], 1: [5_000] }), print)), []);
    assert.deepEqual(
      timestamps(taken.late(frame(table, { 0: [1_000, 1_500, 2_000, 20_000] }), print)),
      [1_000, 1_500, 2_000],
    );
    assert.deepEqual(timestamps(taken.late(frame(table, { 1: [5_000, 16_000] }), print)), [16_000]);
  });

  test("density() is what a series has in a stretch, also after late ones, and of each version its own", () => {
    const table = tableOf(2);
    const { print } = Memory.fresh(table, 0);
    const one = new RecentCounts(STRETCH, 0).add(
      frame(table, { 0: [1_000, 2_000], 1: [5_000, 16_000] }),
      undefined,
      0,
      print,
    );
    assert.equal(one.density(), 4 / 3 / STRETCH);
    const two = one.add(frame(table, { 1: [17_000] }), frame(table, { 0: [1_000, 1_500, 2_000] }), 0, print);
    assert.equal(two.density(), 6 / 3 / STRETCH);
    assert.equal(two.add(frame(table, {}), undefined, STRETCH, print).density(), 2 / STRETCH);
    assert.equal(one.density(), 4 / 3 / STRETCH);
  });

  test("property: however the samples of several series lie in the stretches, each is counted in its own", () => {
    const samples = fc.uniqueArray(fc.integer({ min: 1, max: 6 * STRETCH }), { minLength: 1, maxLength: 6 });
    const frames = fc.array(fc.array(samples, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(frames, fc.constantFrom(0, 2 * STRETCH), (list, keepFrom) => {
        const table = tableOf(3);
        const { print } = Memory.fresh(table, 0);
        let taken = new RecentCounts(STRETCH, 0);
        for (const runs of list) {
          const sorted = runs.map((all) => all.toSorted((a, b) => a - b));
          taken = taken.add(frame(table, { 0: sorted[0]!, 1: sorted[1]!, 2: sorted[2]! }), undefined, keepFrom, print);
        }
        for (let id = 0; id < 3; id++)
          for (let k = 0; k < 6; k++) {
            const lies = (ts: number) => ts > k * STRETCH && ts <= (k + 1) * STRETCH;
            const want = list.flatMap((runs) => runs[id]!).filter(lies).length;
            assert.equal(taken.count(k, id, print), k * STRETCH < keepFrom ? 0 : want);
          }
        const columns = [0, 1, 2, 3, 4, 5].map((k) => taken.column(k)).filter((column) => column !== undefined);
        for (const column of columns) {
          const counts = [0, 1, 2].map((id) => column.get(id));
          assert.deepEqual(
            [column.samples, column.series],
            [counts.reduce((a, b) => a + b), counts.filter(Boolean).length],
          );
        }
      }),
    );
  });

  test("a source that has fewer than were taken (it removed doubles) has none late", () => {
    const table = tableOf(1);
    const { print } = Memory.fresh(table, 0);
    const taken = new RecentCounts(STRETCH, 0).add(frame(table, { 0: [1_000, 2_000, 3_000] }), undefined, 0, print);
    assert.deepEqual(timestamps(taken.late(frame(table, { 0: [3_000] }), print)), []);
  });

  test("before it has counted that far back it is not known what was taken", () => {
    const { print } = Memory.fresh(tableOf(1), 0);
    assert.equal(new RecentCounts(STRETCH, 30_000).expected(15_000, print), undefined);
    assert.equal(new RecentCounts(STRETCH, 30_000).expected(30_000, print)?.(0), 0);
  });

  test("only what later reads may look back to is kept, and a full count says nothing", () => {
    const table = tableOf(1);
    const { print } = Memory.fresh(table, 0);
    const many = Array.from({ length: 70_000 }, (_, i) => 30_001 + i / 10);
    const taken = new RecentCounts(STRETCH, 0).add(frame(table, { 0: [1_000, ...many] }), undefined, 30_000, print);
    assert.equal(taken.from, 30_000);
    assert.equal(taken.expected(30_000, print)?.(0), Number.POSITIVE_INFINITY);
    assert.deepEqual(timestamps(taken.late(frame(table, { 0: [...many, 38_000] }), print)), []);
  });

  test("property: however samples are read in parts, cut by windows and saved in between, each is late only if it was not taken", () => {
    const sample = fc.integer({ min: 1, max: 90_000 });
    fc.assert(
      fc.property(
        fc.array(fc.uniqueArray(sample, { maxLength: 20 }), { minLength: 1, maxLength: 5 }),
        fc.uniqueArray(sample, { maxLength: 20 }),
        fc.boolean(),
        (parts, extra, restart) => {
          const table = tableOf(1);
          const all = new Set<number>();
          let memory = Memory.fresh(table, 0, STRETCH);
          for (const part of parts) {
            const fresh = part.filter((ts) => !all.has(ts)).sort((a, b) => a - b);
            for (const ts of fresh) all.add(ts);
            memory = memory.after(frame(table, fresh.length === 0 ? {} : { 0: fresh }), undefined, 0);
            if (restart) memory = Memory.fromBlob(table, concatenated(memory.blob(-1)), 0, STRETCH);
          }
          const late = extra.filter((ts) => !all.has(ts));
          const answer = [...all, ...late].sort((a, b) => a - b);
          const result = memory.taken.late(frame(table, answer.length === 0 ? {} : { 0: answer }), memory.print);
          const found = timestamps(result);
          assert.equal(result?.fresh.samples ?? 0, late.length, "each is counted once");
          assert.deepEqual(
            late.filter((ts) => !found.includes(ts)),
            [],
            "every late one is found",
          );
          const stretches = new Set(late.map((ts) => Math.ceil(ts / STRETCH)));
          assert.deepEqual(
            found.filter((ts) => !stretches.has(Math.ceil(ts / STRETCH))),
            [],
            "only their stretches are sent again",
          );
        },
      ),
    );
  });
});

describe("Memory", () => {
  test("is the same after it was saved and restored, and after it was moved to another table", () => {
    const table = tableOf(3);
    const before = Memory.fresh(table, 0, STRETCH).after(
      frame(table, { 0: [1_000, 20_000], 2: [40_000, 41_000] }),
      undefined,
      0,
    );
    const restored = Memory.fromBlob(table, concatenated(before.blob(0)), 0, STRETCH);
    assert.deepEqual(
      [0, 1, 2].map((id) => restored.of(id)),
      [20_000, 0, 41_000],
    );
    assert.equal(before.equals(restored, 0), false, "what was saved is not yet what was seen");
    const other = tableOf(1);
    const moved = before.migrate(other, 0);
    const id = other.adopt(table, 2);
    assert.equal(moved.of(id), 41_000);
    assert.equal(moved.taken.expected(0, moved.print)?.(id), 2);
  });

  test("two that were restored from one blob are equal: their sinks share a reader", () => {
    const table = tableOf(2);
    const saved = Memory.fresh(table, 0, STRETCH).after(frame(table, { 0: [1_000], 1: [2_000] }), undefined, 0);
    const blob = concatenated(saved.blob(0));
    const [a, b] = [Memory.fromBlob(table, blob, 0, STRETCH), Memory.fromBlob(table, blob, 0, STRETCH)];
    assert.equal(a.equals(b, 0), true);
    assert.equal(a.after(frame(table, { 0: [3_000] }), undefined, 0).equals(b, 0), false);
  });

  test("one that has not seen a late sample is not equal to one that has: a join would lose it", () => {
    const table = tableOf(1);
    const base = Memory.fresh(table, 0, STRETCH).after(frame(table, { 0: [1_000, 20_000] }), undefined, 0);
    const seen = base.after(frame(table, {}), frame(table, { 0: [1_000, 1_500] }), 0);
    assert.equal(base.equals(seen, 0), false);
    assert.equal(base.equals(seen, STRETCH), true, "beyond what a read looks back it does not matter");
  });

  test("a blob of another version is ignored, and nothing that may have been taken before counts as late", () => {
    const table = tableOf(1);
    const memory = Memory.fromBlob(table, new Uint8Array(64), 5_000, STRETCH);
    assert.equal(memory.of(0), 5_000);
    assert.equal(memory.taken.from, 5_000);
  });
});
