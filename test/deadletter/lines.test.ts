import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { addLine, toLines } from "../../src/deadletter/lines.ts";
import type { Frame } from "../../src/series/frame.ts";
import { FrameBuilder } from "../../src/series/frame-builder.ts";
import { Keyspace } from "../../src/series/keyspace.ts";
import type { Label } from "../../src/series/labels.ts";
import { SeriesTable } from "../../src/series/table.ts";

type Sample = { ts: number; value: number | "stale" };

function frameOf(rows: { labels: Label[]; samples: Sample[] }[]): Frame {
  const table = new SeriesTable();
  const builder = new FrameBuilder();
  rows.forEach(({ labels, samples }) => {
    builder.startRun(table.intern(labels));
    for (const { ts, value } of samples) builder.add(ts, value === "stale" ? Number.NaN : value, value === "stale");
  });
  return builder.build(table, 0, 1).frame;
}

const whole = (frame: Frame) => ({
  frame,
  firstRun: 0,
  endRun: frame.runs,
  firstSample: 0,
  endSample: frame.samples,
});

/** Series, timestamp and the exact value of each sample. */
function contents(frame: Frame): string[] {
  const rows: string[] = [];
  for (let run = 0; run < frame.runs; run++)
    for (let i = frame.runStart[run]!; i < frame.runStart[run + 1]!; i++) {
      const value = frame.stale[i] === 1 ? "stale" : Object.is(frame.values[i], -0) ? "-0" : String(frame.values[i]);
      rows.push(`${JSON.stringify(frame.table.labels(frame.runSeries[run]!))} ${frame.timestamps[i]} ${value}`);
    }
  return rows.sort();
}

function readBack(text: string): Frame {
  const table = new SeriesTable();
  const keyspace = new Keyspace(table, undefined);
  const builder = new FrameBuilder();
  for (const line of text.split("\n").filter(Boolean)) addLine(line, keyspace, builder);
  return builder.build(table, 0, 1).frame;
}

describe("dead letters as lines", () => {
  test("ordinary values are one line a series; stale markers and special values are lines of their own", () => {
    const frame = frameOf([
      {
        labels: [
          ["__name__", "up"],
          ["job", 'a "b"\n'],
        ],
        samples: [
          { ts: 1, value: 1.5 },
          { ts: 2, value: "stale" },
          { ts: 3, value: Number.POSITIVE_INFINITY },
          { ts: 4, value: -0 },
          { ts: 5, value: Number.NaN },
        ],
      },
    ]);
    const metric = '{"metric":{"__name__":"up","job":"a \\"b\\"\\n"}';
    assert.equal(
      toLines([whole(frame)]),
      `${metric},"values":[1.5,-0],"timestamps":[1,4]}\n${metric},"values":[null],"timestamps":[2]}\n${metric},"values":["Infinity","NaN"],"timestamps":[3,5]}\n`,
    );
  });

  test("a part of a batch is written, no more", () => {
    const frame = frameOf([
      { labels: [["__name__", "a"]], samples: [1, 2, 3].map((ts) => ({ ts, value: ts })) },
      { labels: [["__name__", "b"]], samples: [1, 2].map((ts) => ({ ts, value: ts })) },
    ]);
    assert.equal(
      toLines([{ frame, firstRun: 0, endRun: 2, firstSample: 2, endSample: 4 }]),
      '{"metric":{"__name__":"a"},"values":[3],"timestamps":[3]}\n{"metric":{"__name__":"b"},"values":[1],"timestamps":[1]}\n',
    );
  });

  test("what is read back is what was written, bit for bit", () => {
    const sample = fc.record({
      ts: fc.integer({ min: 0, max: 4_000_000_000_000 }),
      value: fc.oneof(fc.double(), fc.constant("stale" as const)),
    });
    const series = fc.uniqueArray(sample, { selector: (s) => s.ts, minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ minLength: 1 }), series), { maxLength: 5 }), (rows) => {
        const frame = frameOf(
          rows.map(([v, samples], i) => ({
            labels: [
              ["__name__", `m${i}`],
              ["v", v],
            ],
            samples: [...samples].sort((a, b) => a.ts - b.ts),
          })),
        );
        assert.deepEqual(contents(readBack(toLines([whole(frame)]))), contents(frame));
      }),
    );
  });

  const broken = [
    "",
    "{",
    "[]",
    "7",
    '{"metric":{"__name__":"a"},"values":[1],"timestamps":[]}',
    '{"metric":{"__name__":"a"},"values":["x"],"timestamps":[1]}',
    '{"metric":{"__name__":"a"},"values":[1],"timestamps":[1.5]}',
    '{"metric":{"__name__":7},"values":[1],"timestamps":[1]}',
  ];
  for (const line of broken)
    test(`refuses ${line === "" ? "an empty line" : line}, and adds nothing`, () => {
      const builder = new FrameBuilder();
      const keyspace = new Keyspace(new SeriesTable(), undefined);
      assert.throws(() => addLine(line, keyspace, builder), SyntaxError);
      assert.equal(builder.samples, 0);
    });
});
