import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Batch, samplesOf } from "../../src/batch/batch.ts";
import { Batcher } from "../../src/batch/batcher.ts";
import { mayStart } from "../../src/batch/order.ts";
import type { Frame } from "../../src/series/frame.ts";
import type { SeriesTable } from "../../src/series/table.ts";

/** Ids are their own rank here: order of sending is order of id. */
const table = { rank: (id: number) => id } as unknown as SeriesTable;

/** A frame from rows of [series, timestamps]. */
function frameOf(rows: [number, number[]][], of: SeriesTable = table): Frame {
  const sorted = [...rows].sort((a, b) => a[0] - b[0]);
  const samples = sorted.reduce((n, [, ts]) => n + ts.length, 0);
  const frame: Frame = {
    table: of,
    from: 0,
    to: 1,
    runs: sorted.length,
    runSeries: Int32Array.from(sorted, ([id]) => id),
    runStart: new Int32Array(sorted.length + 1),
    samples,
    timestamps: new Float64Array(samples),
    values: new Float64Array(samples),
    stale: new Uint8Array(samples),
    dropped: {},
    bytes: 0,
  };
  let at = 0;
  sorted.forEach(([id, ts], run) => {
    frame.runStart[run] = at;
    for (const t of ts) {
      frame.timestamps[at] = t;
      frame.values[at] = id * 1000 + t;
      at++;
    }
  });
  frame.runStart[sorted.length] = at;
  return frame;
}

/** What is in a batch, by series. */
function contents(batch: Batch): [number, number[]][] {
  const rows: [number, number[]][] = [];
  for (let r = batch.firstRun; r < batch.endRun; r++) {
    const from = Math.max(batch.firstSample, batch.frame.runStart[r]!);
    const to = Math.min(batch.endSample, batch.frame.runStart[r + 1]!);
    assert.ok(to > from, "no empty runs");
    rows.push([batch.frame.runSeries[r]!, [...batch.frame.timestamps.subarray(from, to)]]);
  }
  return rows;
}

describe("Batcher", () => {
  test("a batch is cut at exactly maxSize, the rest stays open", () => {
    const batcher = new Batcher(3);
    const full = batcher.add(
      frameOf([
        [1, [10]],
        [2, [10]],
        [3, [10]],
        [4, [10]],
      ]),
      0,
      5,
    );
    assert.deepEqual(full.map(contents), [
      [
        [1, [10]],
        [2, [10]],
        [3, [10]],
      ],
    ]);
    assert.equal(batcher.samples, 1);
    assert.equal(batcher.openedAtMs, 5);
    assert.deepEqual(contents(batcher.flush()!), [[4, [10]]]);
    assert.equal(batcher.flush(), undefined);
    assert.equal(batcher.openedAtMs, undefined);
  });

  test("a series with more samples than fit goes in consecutive batches that say so", () => {
    const batcher = new Batcher(2);
    const full = batcher.add(frameOf([[1, [1, 2, 3, 4, 5]]]), 0, 0);
    assert.deepEqual(
      full.map((b) => [contents(b), b.continues]),
      [
        [[[1, [1, 2]]], false],
        [[[1, [3, 4]]], true],
      ],
    );
    const rest = batcher.flush()!;
    assert.deepEqual(contents(rest), [[1, [5]]]);
    assert.equal(rest.continues, true);
  });

  test("samples of several windows meet in one run per series, in timestamp order, and each window is counted", () => {
    const batcher = new Batcher(100);
    batcher.add(
      frameOf([
        [2, [15, 20]],
        [1, [15]],
      ]),
      0,
      1,
    );
    batcher.add(
      frameOf([
        [1, [10, 30]],
        [3, [30]],
      ]),
      1,
      2,
    );
    const batch = batcher.flush()!;
    assert.deepEqual(contents(batch), [
      [1, [10, 15, 30]],
      [2, [15, 20]],
      [3, [30]],
    ]);
    assert.deepEqual(batch.windows, [
      { window: 0, samples: 3 },
      { window: 1, samples: 3 },
    ]);
    assert.equal(batch.openedAtMs, 1);
  });

  test("copies of one sample from two sources are both kept", () => {
    const batcher = new Batcher(100);
    batcher.add(frameOf([[1, [10]]]), 0, 1);
    batcher.add(frameOf([[1, [10]]]), 1, 1);
    assert.deepEqual(contents(batcher.flush()!), [[1, [10, 10]]]);
  });

  test("ids of two series tables never meet in one batch", () => {
    const other = { rank: (id: number) => id } as unknown as SeriesTable;
    const batcher = new Batcher(100);
    batcher.add(frameOf([[1, [10]]]), 0, 1);
    const full = batcher.add(frameOf([[1, [20]]], other), 1, 1);
    assert.deepEqual(full.map(contents), [[[1, [10]]]]);
    assert.deepEqual(contents(batcher.flush()!), [[1, [20]]]);
  });

  test("a small leftover does not keep a large frame in memory", () => {
    const batcher = new Batcher(10);
    const frame = frameOf(Array.from({ length: 11 }, (_, i): [number, number[]] => [i, [1]]));
    batcher.add(frame, 0, 0);
    assert.equal([...batcher.frames()].includes(frame), false);
    assert.deepEqual(contents(batcher.flush()!), [[10, [1]]]);
  });

  test("moveTo() re-cuts the open batch by the other size", () => {
    const batcher = new Batcher(100);
    batcher.add(
      frameOf([
        [1, [1]],
        [2, [1]],
        [3, [1]],
      ]),
      7,
      3,
    );
    const smaller = new Batcher(2, batcher.nextSeq);
    const full = batcher.moveTo(smaller);
    assert.deepEqual(full.map(contents), [
      [
        [1, [1]],
        [2, [1]],
      ],
    ]);
    assert.equal(batcher.samples, 0);
    assert.equal(smaller.openedAtMs, 3);
    assert.deepEqual(smaller.flush()!.windows, [{ window: 7, samples: 1 }]);
  });

  test("moveTo() keeps in mind that a series continues from the batch before: that one goes first", () => {
    const batcher = new Batcher(3);
    const [before] = batcher.add(frameOf([[1, [1, 2, 3, 4, 5]]]), 7, 3);
    const larger = new Batcher(10, batcher.nextSeq);
    assert.deepEqual(batcher.moveTo(larger), []);
    const rest = larger.flush()!;
    assert.deepEqual(contents(rest), [[1, [4, 5]]]);
    assert.equal(mayStart(rest, [before!]), false);
    larger.add(frameOf([[1, [6]]]), 7, 3);
    assert.equal(larger.flush()!.continues, false);
  });

  test("property: for any frames and size nothing is lost, nothing is made up, no batch is too large", () => {
    const rows = fc.array(
      fc.tuple(
        fc.integer({ min: 0, max: 9 }),
        fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 8 }),
      ),
      { maxLength: 10 },
    );
    fc.assert(
      fc.property(fc.array(rows, { maxLength: 6 }), fc.integer({ min: 1, max: 12 }), (frames, maxSize) => {
        const batcher = new Batcher(maxSize);
        const sent: string[] = [];
        const expected: string[] = [];
        const take = (batches: (Batch | undefined)[]) => {
          for (const batch of batches) {
            if (batch === undefined) continue;
            assert.ok(samplesOf(batch) <= maxSize);
            assert.equal(
              batch.windows.reduce((n, r) => n + r.samples, 0),
              samplesOf(batch),
            );
            const seen = contents(batch);
            assert.equal(new Set(seen.map(([id]) => id)).size, seen.length, "a series has one run");
            for (const [id, ts] of seen) {
              assert.deepEqual(
                ts,
                [...ts].sort((a, b) => a - b),
              );
              for (const t of ts) sent.push(`${id}@${t}`);
            }
          }
        };
        frames.forEach((frameRows, window) => {
          const unique = new Map(
            frameRows.map(([id, ts]) => [id, [...ts].sort((a, b) => a - b)] as [number, number[]]),
          );
          for (const [id, ts] of unique) for (const t of ts) expected.push(`${id}@${t}`);
          take(batcher.add(frameOf([...unique]), window, 0));
        });
        take([batcher.flush()]);
        assert.deepEqual(sent.sort(), expected.sort());
      }),
    );
  });
});

describe("mayStart()", () => {
  const order = (seq: number, windows: number[], continues = false) => ({
    seq,
    windows: windows.map((window) => ({ window, samples: 1 })),
    continues,
  });
  const cases: [string, ReturnType<typeof order>, ReturnType<typeof order>[], boolean][] = [
    ["nothing before it", order(0, [0]), [], true],
    ["batches of one window go in parallel", order(2, [4]), [order(0, [4]), order(1, [4])], true],
    ["a later window waits", order(1, [5]), [order(0, [4])], false],
    ["a batch of two windows waits", order(1, [4, 5]), [order(0, [4])], false],
    ["behind a batch of two windows one waits", order(1, [5]), [order(0, [4, 5])], false],
    ["the second part of a series waits for the first", order(1, [4], true), [order(0, [4])], false],
    ["the second part goes when only others are left", order(3, [4], true), [order(0, [4])], true],
  ];
  for (const [name, batch, earlier, expected] of cases)
    test(name, () => assert.equal(mayStart(batch, earlier), expected));
});
