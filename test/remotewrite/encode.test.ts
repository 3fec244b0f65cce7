// Rules 2, 3, 5, 6, 15: what is written is what an independent decoder reads, bit for bit.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { encodeBody } from "../../src/remotewrite/encode.ts";
import type { Frame } from "../../src/series/frame.ts";
import { FrameBuilder } from "../../src/series/frame-builder.ts";
import { SeriesTable } from "../../src/series/table.ts";
import { usedTables } from "../fakes/tables.ts";
import { type Decoded, decodeWriteRequest, STALE_BITS, unsnappy } from "../fakes/wire.ts";

type Given = { labels: [string, string][]; samples: { ts: number; value: number; stale: boolean }[] };

const bits = new DataView(new ArrayBuffer(8));
function bitsOf(value: number): bigint {
  bits.setFloat64(0, value);
  return bits.getBigUint64(0);
}

const aTable = usedTables();

function frameOf(series: readonly Given[], table = aTable()): Frame {
  const builder = new FrameBuilder();
  series.forEach(({ labels, samples }) => {
    builder.startRun(table.intern(labels));
    for (const { ts, value, stale } of samples) builder.add(ts, value, stale);
  });
  return builder.build(table, 0, Number.MAX_SAFE_INTEGER).frame;
}

function sent(frame: Frame, firstSample = 0, endSample = frame.samples): Decoded[] {
  let firstRun = 0;
  while (frame.runStart[firstRun + 1]! <= firstSample) firstRun++;
  let endRun = firstRun;
  while (endRun < frame.runs && frame.runStart[endRun]! < endSample) endRun++;
  return decodeWriteRequest(unsnappy(encodeBody({ frame, firstRun, endRun, firstSample, endSample })));
}

const one = (value: number, ts = 1_795_000_000_123, stale = false): Decoded =>
  sent(frameOf([{ labels: [["__name__", "up"]], samples: [{ ts, value, stale }] }]))[0]!;

describe("rule 5: special values travel bit-exact", () => {
  for (const value of [
    0,
    -0,
    1,
    -1.5,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    5e-324,
    1e-320,
    2 ** 53 + 2,
    1.7976931348623157e308,
    0.1 + 0.2,
  ])
    test(`${Object.is(value, -0) ? "-0" : value}`, () => assert.equal(one(value).samples[0]!.bits, bitsOf(value)));

  test("NaN is the quiet NaN, never the stale marker", () =>
    assert.equal(one(Number.NaN).samples[0]!.bits, 0x7ff8000000000000n));
});

describe("rule 15: a stale marker is written as its bytes", () => {
  test("0x7ff0000000000002", () => assert.equal(one(Number.NaN, 1, true).samples[0]!.bits, STALE_BITS));
});

describe("timestamps", () => {
  for (const ts of [
    0,
    1,
    127,
    128,
    2 ** 28 - 1,
    2 ** 28,
    2 ** 35 - 1,
    2 ** 35,
    1_795_000_000_000,
    2 ** 42 - 1,
    2 ** 42,
    2 ** 52,
    -1,
    -128,
    -1_000_000_000_000,
  ])
    test(`${ts} ms`, () => assert.equal(one(1, ts).samples[0]!.ts, ts));
});

describe("rule 2: the message", () => {
  const label = fc.tuple(
    fc.stringMatching(/^[a-z_]{1,20}$/),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
  );
  const given = fc.uniqueArray(
    fc.record({
      labels: fc
        .uniqueArray(label, { minLength: 1, maxLength: 12, selector: ([n]) => n })
        .map((list) => list.sort(([a], [b]) => (a < b ? -1 : 1))),
      samples: fc
        .uniqueArray(
          fc.record({
            ts: fc.integer({ min: -(2 ** 45), max: 2 ** 45 }),
            value: fc.double({ noNaN: true }),
            stale: fc.boolean(),
          }),
          { minLength: 1, maxLength: 6, selector: (s) => s.ts },
        )
        .map((list) => list.sort((a, b) => a.ts - b.ts)),
    }),
    { minLength: 1, maxLength: 20, selector: (s) => JSON.stringify(s.labels) },
  );
  const flat = (list: readonly Decoded[]) =>
    list.flatMap((s) => s.samples.map((x) => `${JSON.stringify(s.labels)} ${x.ts} ${x.bits}`)).sort();
  const want = (list: readonly Given[]) =>
    list
      .flatMap((s) =>
        s.samples.map((x) => `${JSON.stringify(s.labels)} ${x.ts} ${x.stale ? STALE_BITS : bitsOf(x.value)}`),
      )
      .sort();

  test("property: any series and samples come back", () => {
    fc.assert(
      fc.property(given, (series) => assert.deepEqual(flat(sent(frameOf(series))), want(series))),
      { numRuns: 300 },
    );
  });

  test("property: a frame cut into spans anywhere gives every sample once", () => {
    fc.assert(
      fc.property(given, fc.integer({ min: 1, max: 9 }), (series, size) => {
        const frame = frameOf(series);
        const parts: Decoded[] = [];
        for (let at = 0; at < frame.samples; at += size)
          parts.push(...sent(frame, at, Math.min(frame.samples, at + size)));
        assert.deepEqual(flat(parts), want(series));
      }),
      { numRuns: 300 },
    );
  });
});

describe("rule 2: series that are like the one before, which are written without comparing all bytes", () => {
  // Few parts, so that names begin and end in the same way, series have the same other labels, and values the same bytes.
  const part = fc.constantFrom(
    "a",
    "b",
    "_",
    "node_",
    "memory_",
    "_total",
    "_seconds_total",
    "x".repeat(70),
    "12",
    "13",
  );
  const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `m${parts.join("")}`);
  const other = fc.constantFrom<[string, string][]>(
    [],
    [["job", "a"]],
    [["job", "b"]],
    [["host", "é".repeat(60)]],
    [["host", `${"h".repeat(200)}1`]],
    [["host", `${"h".repeat(200)}2`]],
    [["A", "before the name"]],
    [
      ["A", "before the name"],
      ["B", "x".repeat(150)],
      ["job", "a"],
    ],
    [["long", "l".repeat(16_330)]],
    [["long", "l".repeat(40_000)]],
    [["long", "l".repeat(70_000)]],
  );
  const bytes = fc.constantFrom(0, 1, 0x80, 0xff);
  const value = fc.oneof(
    fc.constantFrom(0, -0, 1, 2.5, 1e6, 1e6 + 1, 1e6 + 0.25, Number.NaN, Number.POSITIVE_INFINITY),
    fc.array(bytes, { minLength: 8, maxLength: 8 }).map((b) => new DataView(Uint8Array.from(b).buffer).getFloat64(0)),
    fc.double(),
  );
  const times = fc.constantFrom(
    [1_795_000_000_123],
    [1_795_000_000_124],
    [-1],
    [5, 2 ** 45],
    [1_795_000_000_123, 1_795_000_015_123, 1_795_000_030_123],
    Array.from({ length: 1030 }, (_, i) => 1_795_000_000_000 + i),
  );
  const oneSeries = fc.record({
    name: fc.option(name, { freq: 20 }),
    other: fc.nat(),
    times: fc.option(times, { freq: 6 }),
    values: fc.array(fc.tuple(value, fc.nat({ max: 9 })), { minLength: 1, maxLength: 3 }),
  });
  const frames = fc.array(
    fc.record({
      others: fc.array(other, { minLength: 1, maxLength: 3 }),
      times: fc.array(times, { minLength: 1, maxLength: 1 }),
      series: fc.array(oneSeries, { minLength: 1, maxLength: 40 }),
    }),
    { minLength: 1, maxLength: 3 },
  );

  function givenOf({ others, times: usual, series }: typeof frames extends fc.Arbitrary<(infer F)[]> ? F : never) {
    const given = new Map<string, Given>();
    for (const s of series) {
      const labels = [...others[s.other % others.length]!];
      if (s.name !== null) labels.push(["__name__", s.name]);
      if (labels.length === 0) labels.push(["nothing", "else"]);
      labels.sort(([a], [b]) => (a < b ? -1 : 1));
      const samples = (s.times ?? usual[0]!).map((ts, i) => {
        const [v, stale] = s.values[i % s.values.length]!;
        return { ts, value: stale === 0 ? Number.NaN : v, stale: stale === 0 };
      });
      given.set(JSON.stringify(labels), { labels, samples });
    }
    return [...given.values()];
  }

  const canonical = (value: number): bigint => (Number.isNaN(value) ? 0x7ff8000000000000n : bitsOf(value));
  const lines = (list: readonly Decoded[]) =>
    list.map((s) => `${JSON.stringify(s.labels)} ${s.samples.map((x) => `${x.ts} ${x.bits}`)}`).sort();
  const wanted = (list: readonly Given[]) =>
    list
      .map(
        (s) =>
          `${JSON.stringify(s.labels)} ${s.samples.map((x) => `${x.ts} ${x.stale ? STALE_BITS : canonical(x.value)}`)}`,
      )
      .sort();

  const alike = (metric: string, others: [string, string][]): Given => ({
    labels: [["__name__", metric], ...others],
    samples: [{ ts: 1, value: 1, stale: false }],
  });

  test("the first name of a table, which nothing was written of", () => {
    const given = ["b", "a"].map((letter) => alike(letter.repeat(20), [["job", "x"]]));
    assert.deepEqual(lines(sent(frameOf(given, new SeriesTable()))), wanted(given));
  });

  test("more names than places where they are remembered, and others that share more or less of their labels", () => {
    const given = Array.from({ length: 300 }, (_, i) => {
      const metric = `${"m".repeat(16)}${1000 + i}`;
      const half: [string, string][] = i < 150 ? [["aa", "kkkkkkkk2"]] : [["aa", "kkkkkkkk1"]];
      const whole: [string, string][] = [["aa", "kkkkkkkk2"]];
      return [alike(metric, [...half, ["job", "1"]]), alike(metric, [...whole, ["job", "3"]])];
    }).flat();
    assert.deepEqual(lines(sent(frameOf(given, new SeriesTable()))), wanted(given));
  });

  test("property: each frame of several of one table comes back", () => {
    fc.assert(
      fc.property(frames, (list) => {
        for (const frame of list) {
          const given = givenOf(frame);
          assert.deepEqual(lines(sent(frameOf(given))), wanted(given));
        }
      }),
      { numRuns: 100 },
    );
  });
});
