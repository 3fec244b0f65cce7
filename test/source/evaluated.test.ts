import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Frame } from "../../src/series/frame.ts";
import { FrameBuilder } from "../../src/series/frame-builder.ts";
import { SeriesTable } from "../../src/series/table.ts";
import {
  aliveAt,
  aliveInAnswer,
  lastValues,
  longestRange,
  rangeOf,
  withStaleMarkers,
} from "../../src/source/evaluated.ts";
import type { Window } from "../../src/source/window.ts";

const STEP = 15_000;

const table = new SeriesTable();
const ids = ["a", "b", "c"].map((name) => table.intern([["__name__", name]]));
const [a, b, c] = ids as [number, number, number];

function answer(rows: [number, [number, number][]][], window: Window): Frame {
  const builder = new FrameBuilder();
  for (const [id, samples] of rows) {
    builder.startRun(id);
    for (const [k, v] of samples) builder.add(k * STEP, v, false);
  }
  return builder.build(table, window.from, window.to).frame;
}

/** [series, grid number, value or "stale"] */
function rows(frame: Frame): [number, number, number | "stale"][] {
  const list: [number, number, number | "stale"][] = [];
  for (let run = 0; run < frame.runs; run++)
    for (let i = frame.runStart[run]!; i < frame.runStart[run + 1]!; i++)
      list.push([
        frame.runSeries[run]!,
        frame.timestamps[i]! / STEP,
        frame.stale[i] === 1 ? "stale" : frame.values[i]!,
      ]);
  return list;
}

const span = (from: number, to: number): Window => ({ from: from * STEP, to: to * STEP });
const nobody = aliveAt(new Float64Array(0), 0);

describe("rangeOf", () => {
  test("live: the grid times after the window's start; after a restart: from the start's own grid time on", () => {
    assert.deepEqual(rangeOf(span(4, 6), STEP, true), { first: 5 * STEP, last: 6 * STEP });
    assert.deepEqual(rangeOf(span(4, 6), STEP, false), { first: 4 * STEP, last: 6 * STEP });
    assert.deepEqual(rangeOf({ from: 4 * STEP + 1, to: 5 * STEP }, STEP, true), { first: 5 * STEP, last: 5 * STEP });
  });

  test("the longest range has fewer points than Prometheus refuses", () => {
    assert.equal(longestRange(STEP) / STEP + 1, 10_000);
  });
});

describe("withStaleMarkers", () => {
  test("a series that is absent now and was alive at the window's start gets one marker, at the first grid time", () => {
    const window = span(4, 5);
    const frame = answer([[b, [[5, 1]]]], window);
    const alive = aliveAt(Float64Array.of(4 * STEP, 4 * STEP, 3 * STEP), window.from);
    assert.deepEqual(rows(withStaleMarkers(frame, window, STEP, alive, false, new FrameBuilder())), [
      [a, 5, "stale"],
      [b, 5, 1],
    ]);
    const last = lastValues(frame, window, alive, false, table);
    assert.deepEqual([...last], [Number.NEGATIVE_INFINITY, 5 * STEP, Number.NEGATIVE_INFINITY], "a is told once");
  });

  test("a gap inside the range gets one marker at its first grid time, and so does an end inside it; a beginning gets none", () => {
    const window = span(4, 9);
    const frame = answer(
      [
        [
          a,
          [
            [5, 1],
            [8, 2],
            [9, 3],
          ],
        ],
        [b, [[6, 4]]],
        [
          c,
          [
            [8, 5],
            [9, 6],
          ],
        ],
      ],
      window,
    );
    const alive = aliveAt(Float64Array.of(4 * STEP), window.from);
    assert.deepEqual(rows(withStaleMarkers(frame, window, STEP, alive, false, new FrameBuilder())), [
      [a, 5, 1],
      [a, 6, "stale"],
      [a, 8, 2],
      [a, 9, 3],
      [b, 6, 4],
      [b, 7, "stale"],
      [c, 8, 5],
      [c, 9, 6],
    ]);
  });

  test("after a restart: values at the cursor's own grid time are not sent, they tell what has ended", () => {
    const window = span(4, 6);
    const frame = answer(
      [
        [a, [[4, 1]]],
        [
          b,
          [
            [4, 2],
            [5, 3],
            [6, 4],
          ],
        ],
        [c, [[6, 5]]],
      ],
      window,
    );
    const alive = aliveInAnswer(frame, window);
    assert.deepEqual(rows(withStaleMarkers(frame, window, STEP, alive, false, new FrameBuilder())), [
      [a, 5, "stale"],
      [b, 5, 3],
      [b, 6, 4],
      [c, 6, 5],
    ]);
  });

  test("a partial answer writes no marker, and what was alive stays so until a whole answer tells", () => {
    const window = span(4, 5);
    const frame = answer([[b, [[5, 1]]]], window);
    const alive = aliveAt(Float64Array.of(4 * STEP, 4 * STEP), window.from);
    assert.deepEqual(rows(withStaleMarkers(frame, window, STEP, alive, true, new FrameBuilder())), [[b, 5, 1]]);
    const last = lastValues(frame, window, alive, true, table);
    const next = span(5, 6);
    const whole = answer([[b, [[6, 2]]]], next);
    assert.deepEqual(rows(withStaleMarkers(whole, next, STEP, aliveAt(last, next.from), false, new FrameBuilder())), [
      [a, 6, "stale"],
      [b, 6, 2],
    ]);
  });

  test("however the grid is cut into windows, and wherever the agent is restarted, the same samples and markers are sent", () => {
    const grid = 12;
    const presence = fc.array(fc.boolean(), { minLength: grid, maxLength: grid });
    fc.assert(
      fc.property(
        fc.tuple(presence, presence, presence),
        fc.array(fc.record({ length: fc.integer({ min: 1, max: 5 }), restarted: fc.boolean() }), { minLength: grid }),
        (present, cuts) => {
          const has = (id: number, k: number) => k >= 1 && present[id]![k - 1]!;
          const sent: string[] = [];
          let last: Float64Array = new Float64Array(0);
          let known = true;
          for (let at = 0, cut = 0; at < grid; cut++) {
            const { length, restarted } = cuts[cut]!;
            const window = span(at, Math.min(grid, at + length));
            if (restarted && at > 0) known = false;
            const { first } = rangeOf(window, STEP, known);
            const asked = ids.map((id): [number, [number, number][]] => [id, []]);
            for (const [id, samples] of asked)
              for (let k = first / STEP; k <= window.to / STEP; k++) if (has(id, k)) samples.push([k, k]);
            const frame = answer(
              asked.filter(([, samples]) => samples.length > 0),
              window,
            );
            const alive = known ? aliveAt(last, window.from) : aliveInAnswer(frame, window);
            const out = withStaleMarkers(frame, window, STEP, alive, false, new FrameBuilder());
            sent.push(...rows(out).map((r) => r.join(" ")));
            last = lastValues(frame, window, alive, false, table);
            known = true;
            at += length;
          }
          const want: string[] = [];
          for (const id of ids)
            for (let k = 1; k <= grid; k++) {
              if (has(id, k)) want.push(`${id} ${k} ${k}`);
              else if (has(id, k - 1)) want.push(`${id} ${k} stale`);
            }
          assert.deepEqual(sent.sort(), want.sort());
        },
      ),
    );
  });

  test("no alive series, no answer: an empty frame", () => {
    const window = span(4, 5);
    assert.equal(withStaleMarkers(answer([], window), window, STEP, nobody, false, new FrameBuilder()).samples, 0);
  });
});
