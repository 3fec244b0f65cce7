// The scanner against JSON.parse as its judge: any legal layout, cut anywhere, gives the same samples; nothing else is trusted.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { FrameBuilder } from "../../src/series/frame-builder.ts";
import { Keyspace } from "../../src/series/keyspace.ts";
import { SeriesTable } from "../../src/series/table.ts";
import type { ScanOptions, ScanResult } from "../../src/source/scan/options.ts";
import { Scanner } from "../../src/source/scan/scanner.ts";
import { usedTables } from "../fakes/tables.ts";

type Series = { metric: Record<string, string>; values?: [number, string][]; value?: [number, string] };
type Got = { result: ScanResult; samples: string[]; seriesTwice: boolean };

const FROM = 1_795_000_000_000;
const TO = FROM + 60_000;

const aTable = usedTables();

/** Scans `text` cut into pieces of `cut` bytes (or at the given places). */
function scan(text: string, cut: number | readonly number[] = 1_000_000_000, options: Partial<ScanOptions> = {}): Got {
  const table = aTable();
  const builder = new FrameBuilder();
  const scanner = new Scanner({
    keyspace: new Keyspace(table, undefined),
    builder,
    newerThan: () => FROM,
    from: FROM,
    to: TO,
    nanIsStale: false,
    maxSamples: 1_000_000,
    ...options,
  });
  const bytes = new TextEncoder().encode(text);
  const places =
    typeof cut === "number"
      ? Array.from({ length: Math.ceil(bytes.length / cut) }, (_, i) => (i + 1) * cut)
      : [...cut, bytes.length];
  let from = 0;
  for (const to of places) {
    // A piece of its own memory, overwritten afterwards: the scanner must not keep a view of it.
    const piece = bytes.slice(from, to);
    const goOn = scanner.push(piece);
    piece.fill(0x58);
    from = to;
    if (!goOn) break;
  }
  const result = scanner.end();
  const { frame, seriesTwice } = builder.build(table, FROM, TO);
  const samples: string[] = [];
  for (let run = 0; run < frame.runs; run++) {
    const labels = JSON.stringify(table.labels(frame.runSeries[run]!));
    for (let i = frame.runStart[run]!; i < frame.runStart[run + 1]!; i++)
      samples.push(
        `${labels} ${frame.timestamps[i]} ${Object.is(frame.values[i], -0) ? "-0" : frame.values[i]} ${frame.stale[i]}`,
      );
  }
  return { result, samples: samples.sort(), seriesTwice };
}

/** The same by JSON.parse and the rules in words. */
function judge(text: string): string[] {
  const answer = JSON.parse(text) as { data: { result: Series[] } };
  return answer.data.result
    .flatMap(({ metric, values, value }) => {
      const labels = Object.entries(metric)
        .filter(([, v]) => v !== "")
        .sort(([a], [b]) => (a < b ? -1 : 1));
      if (!labels.some(([n]) => n === "__name__")) return [];
      const number = (v: string) => (v === "+Inf" || v === "Inf" ? Infinity : v === "-Inf" ? -Infinity : Number(v));
      return (values ?? (value ? [value] : []))
        .map(([s, v]) => [Math.round(s * 1000), number(v)] as const)
        .filter(([ts]) => ts > FROM && ts <= TO)
        .map(([ts, v]) => `${JSON.stringify(labels)} ${ts} ${Object.is(v, -0) ? "-0" : v} 0`);
    })
    .sort();
}

const answer = (result: Series[], resultType = "matrix"): string =>
  JSON.stringify({ status: "success", data: { resultType, result } });

const label = fc.string({
  unit: fc.constantFrom(
    "a",
    "B",
    "7",
    '"',
    "\\",
    "\n",
    "é",
    "日",
    "🚀",
    "}",
    "{",
    ",",
    ":",
    "]",
    " ",
    "\u0000",
    "\u2028",
  ),
  maxLength: 12,
});
const valueText = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom("NaN", "+Inf", "-Inf", "0", "-0", "60.5", "1e-320", "9007199254740993"),
);
/** In order and without repeats, as servers answer; some at or before the floor, some after the window. */
const values = fc
  .uniqueArray(fc.integer({ min: FROM - 5_000, max: TO + 5_000 }), { maxLength: 8 })
  .chain((times) =>
    fc
      .array(valueText, { minLength: times.length, maxLength: times.length })
      .map((texts) => times.sort((a, b) => a - b).map((ts, i): [number, string] => [ts / 1000, texts[i]!])),
  );
const series = fc
  .record({
    name: fc.constantFrom("up", "http_requests_total", "x:y"),
    labels: fc.dictionary(fc.stringMatching(/^[a-z_]{1,6}$/), label, { maxKeys: 4 }),
    values,
  })
  .map(({ name, labels, values }): Series => ({ metric: { __name__: name, ...labels }, values }));
const answers = fc
  .uniqueArray(series, {
    maxLength: 6,
    selector: (s) =>
      JSON.stringify(
        Object.entries(s.metric)
          .filter(([, v]) => v !== "")
          .sort(),
      ),
  })
  .map((list) => answer(list));

/** The same JSON in another legal layout: white space, order of keys, escapes, further fields. */
function relaid(text: string, seed: number): string {
  let state = seed;
  const chance = (n: number) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % n;
  const space = () => ["", " ", "\n\t", "\r\n  "][chance(4)]!;
  const quoted = (s: string) =>
    JSON.stringify(s).replace(/[a-zA-Z]/g, (c, at, whole) =>
      chance(6) === 0 && whole[at - 1] !== "\\" && !/\\u[0-9a-f]{0,3}$/i.test(whole.slice(0, at))
        ? `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`
        : c,
    );
  const write = (v: unknown, depth = 0): string => {
    if (Array.isArray(v))
      return `[${space()}${v.map((x) => write(x, depth + 1)).join(`${space()},${space()}`)}${space()}]`;
    if (typeof v === "object" && v !== null) {
      const entries = Object.entries(v);
      if (chance(2) === 0) entries.reverse();
      const fields = entries.map(
        ([k, x]) => `${depth > 2 ? quoted(k) : JSON.stringify(k)}${space()}:${space()}${write(x, depth + 1)}`,
      );
      if (depth === 0) fields.push(`"stats"${space()}:{"x":[1,{"y":"}]"}]}`);
      return `{${space()}${fields.join(`${space()},${space()}`)}${space()}}`;
    }
    return typeof v === "string" ? quoted(v) : JSON.stringify(v);
  };
  return write(JSON.parse(text));
}

describe("any answer, cut anywhere", () => {
  test("property: the servers' layout gives what JSON.parse gives, at every cut", () => {
    fc.assert(
      fc.property(answers, fc.integer({ min: 1, max: 700 }), (text, cut) => {
        const { result, samples } = scan(text, cut);
        assert.equal(result.ok, true, JSON.stringify(result));
        assert.deepEqual(samples, judge(text));
      }),
      { numRuns: 400 },
    );
  });

  test("property: so does any other legal layout", () => {
    fc.assert(
      fc.property(answers, fc.nat(), fc.integer({ min: 1, max: 400 }), (text, seed, cut) => {
        const other = relaid(text, seed);
        const { result, samples } = scan(other, cut);
        assert.equal(result.ok, true, `${JSON.stringify(result)}: ${other}`);
        assert.deepEqual(samples, judge(text));
      }),
      { numRuns: 600 },
    );
  });

  test("a small answer, cut in two at every byte", () => {
    const text = answer([
      {
        metric: { __name__: "up", job: 'a"b\\}]{é', z: "\n" },
        values: [
          [(FROM + 1000) / 1000, "1"],
          [(FROM + 2000) / 1000, "-Inf"],
        ],
      },
      { metric: { __name__: "down" }, values: [[(FROM + 1500) / 1000, "NaN"]] },
    ]);
    for (let at = 1; at < new TextEncoder().encode(text).length; at++)
      assert.deepEqual(scan(text, [at]).samples, judge(text), `cut at ${at}`);
  });

  test("property: an answer that is truncated anywhere is a failure, in every layout", () => {
    fc.assert(
      fc.property(
        answers,
        fc.nat(),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.boolean(),
        (plain, seed, share, other) => {
          const text = other ? relaid(plain, seed) : plain;
          const bytes = new TextEncoder().encode(text.trimEnd());
          const kept = new TextDecoder().decode(bytes.subarray(0, Math.floor(bytes.length * share)));
          assert.equal(scan(kept, 97).result.ok, false, kept);
        },
      ),
      { numRuns: 600 },
    );
  });

  test("an answer that is followed by something else is a failure", () => {
    for (const tail of ["x", "{}", '{"status":"success"}', "]"])
      assert.equal(scan(answer([]) + tail).result.ok, false, tail);
  });
});

describe("what passes", () => {
  const one = (values: [number, string][], metric: Record<string, string> = { __name__: "up" }) =>
    answer([{ metric, values }]);

  test("only samples after the floor of their series and up to the window's end", () => {
    const at = (ms: number): [number, string] => [(FROM + ms) / 1000, String(ms)];
    const { samples } = scan(one([at(-1), at(0), at(1), at(60_000), at(60_001)]));
    assert.deepEqual(
      samples.map((s) => s.split(" ")[1]),
      [String(FROM + 1), String(FROM + 60_000)],
    );
  });

  test("of VictoriaMetrics a NaN is a stale marker, of another server a NaN", () => {
    const text = one([[(FROM + 1) / 1000, "NaN"]]);
    assert.match(scan(text, 7, { nanIsStale: true }).samples[0]!, / 1$/);
    assert.match(scan(text, 7, { nanIsStale: false }).samples[0]!, / NaN 0$/);
  });

  test("samples of a series without a name are counted as invalid_name, those of the window only", () => {
    const { result, samples } = scan(
      one(
        [
          [(FROM - 1) / 1000, "1"],
          [(FROM + 1) / 1000, "1"],
          [(FROM + 2) / 1000, "1"],
        ],
        { job: "x" },
      ),
    );
    assert.deepEqual(samples, []);
    assert.deepEqual(result.ok && result.dropped, { invalid_name: 2 });
  });

  test("two label sets that are one series: told, and their samples in order", () => {
    const text = answer([
      { metric: { __name__: "up", a: "1" }, values: [[(FROM + 3000) / 1000, "3"]] },
      { metric: { a: "1", __name__: "up" }, values: [[(FROM + 1000) / 1000, "1"]] },
    ]);
    const { seriesTwice, samples } = scan(text);
    assert.equal(seriesTwice, true);
    assert.equal(samples.length, 2);
  });

  test("vectors and scalars are told apart from matrices", () => {
    const vector = scan(answer([{ metric: { __name__: "up" }, value: [(FROM + 1) / 1000, "1"] }], "vector")).result;
    assert.equal(vector.ok && vector.resultType, "vector");
    const scalar = scan(
      `{"status":"success","data":{"resultType":"scalar","result":[${(FROM + 1) / 1000},"1"]}}`,
    ).result;
    assert.equal(scalar.ok && scalar.resultType, "scalar");
  });

  test("isPartial, warnings and infos are told, wherever they stand", () => {
    for (const text of [
      `{"status":"success","isPartial":true,"data":{"resultType":"matrix","result":[]},"warnings":["w"],"infos":["i"]}`,
      `{"status":"success","data":{"resultType":"matrix","result":[]},"isPartial":true,"warnings":["w"],"infos":["i"]}`,
    ]) {
      const { result } = scan(text, 11);
      assert.ok(result.ok);
      assert.deepEqual([result.isPartial, result.warnings], [true, ["w", "i"]]);
    }
  });

  test("native histograms of the window are counted, wherever they stand; floats pass", () => {
    const at = (ms: number) => (FROM + ms) / 1000;
    const h = (ms: number) => `[${at(ms)},{"count":"1","sum":"2","buckets":[[0,"1","2","}]"]]}]`;
    for (const [what, series, floats, histograms] of [
      ["alone", `{"metric":{"__name__":"h"},"histograms":[${h(0)},${h(2)},${h(3)},${h(60_001)}]}`, 0, 2],
      ["after values", `{"metric":{"__name__":"h"},"values":[[${at(1)},"1"]],"histograms":[${h(2)}]}`, 1, 1],
      ["before values", `{"metric":{"__name__":"h"},"histograms":[${h(2)}],"values":[[${at(1)},"1"]]}`, 1, 1],
      ["before the labels", `{"histograms":[${h(2)}],"metric":{"__name__":"h"},"values":[[${at(1)},"1"]]}`, 1, 1],
      ["a space", `{"metric":{"__name__":"h"}, "values":[[${at(1)},"1"]]}`, 1, 0],
      ["of a series without a name", `{"metric":{"job":"h"},"histograms":[${h(2)}]}`, 0, 1],
    ] as const) {
      const text = `{"status":"success","data":{"resultType":"matrix","result":[${series},{"metric":{"__name__":"u"},"values":[[${at(1)},"2"]]}]}}`;
      for (const cut of [1, 13, 10_000]) {
        const { result, samples } = scan(text, cut);
        assert.ok(result.ok, `${what}: ${JSON.stringify(result)}`);
        assert.deepEqual(result.dropped, histograms === 0 ? {} : { native_histogram: histograms }, what);
        assert.equal(samples.length, floats + 1, what);
      }
    }
    const vector = `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"h"},"histogram":${h(2)}}]}}`;
    const { result } = scan(vector, 7);
    assert.deepEqual(result.ok && result.dropped, { native_histogram: 1 });
  });
});

describe("what is refused", () => {
  const cases: [string, string, "malformed" | "error" | "too-large", RegExp][] = [
    [
      "an error of the server, with its words",
      '{"status":"error","errorType":"422","error":"cannot parse"}',
      "error",
      /cannot parse/,
    ],
    ["an HTML page", "<html><body>502 Bad Gateway</body></html>", "malformed", /HTML/],
    ["nothing at all", "", "malformed", /./],
    ["another JSON", '{"hello":"world"}', "malformed", /check the path of --source-url/],
    [
      "a sample whose value is a number",
      `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"a"},"values":[[${(FROM + 1) / 1000},1]]}]}}`,
      "malformed",
      /./,
    ],
    [
      "a value that is not a number",
      `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"a"},"values":[[${(FROM + 1) / 1000},"one"]]}]}}`,
      "malformed",
      /./,
    ],
    [
      "a timestamp that is not valid",
      `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"a"},"values":[["x","1"]]}]}}`,
      "malformed",
      /./,
    ],
    [
      "a label that is not a string",
      `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":1},"values":[]}]}}`,
      "malformed",
      /./,
    ],
    [
      "a missing comma between series",
      `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"a"},"values":[]}{"metric":{"__name__":"b"},"values":[]}]}}`,
      "malformed",
      /./,
    ],
  ];
  for (const [name, text, kind, message] of cases) {
    test(name, () => {
      for (const cut of [1, 5, 1000]) {
        const { result } = scan(text, cut);
        assert.ok(!result.ok, `cut ${cut}: ${JSON.stringify(result)}`);
        assert.equal(result.kind, kind);
        assert.match(result.message, message);
      }
    });
  }

  test("more samples than a window may have: broken off as soon as that is seen", () => {
    const many = Array.from({ length: 200 }, (_, i): [number, string] => [(FROM + 1 + i) / 1000, "1"]);
    const text = answer(Array.from({ length: 50 }, (_, i) => ({ metric: { __name__: `m${i}` }, values: many })));
    const { result } = scan(text, 1000, { maxSamples: 1000 });
    assert.ok(!result.ok);
    assert.equal(result.kind, "too-large");
  });

  test("an endless piece that is not a series: bounded", () => {
    const builder = new FrameBuilder();
    const scanner = new Scanner({
      keyspace: new Keyspace(new SeriesTable(), undefined),
      builder,
      newerThan: () => 0,
      from: FROM,
      to: TO,
      nanIsStale: false,
      maxSamples: 1000,
    });
    scanner.push(
      new TextEncoder().encode('{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"'),
    );
    const piece = new Uint8Array(1024 * 1024).fill(0x61);
    let pieces = 0;
    while (scanner.push(piece)) assert.ok(++pieces < 100, "it never ends");
    const result = scanner.end();
    assert.ok(!result.ok);
    assert.equal(result.kind, "too-large");
  });

  test("property: any bytes throw nothing and are not a success", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.integer({ min: 1, max: 50 }), (noise, cut) => {
        assert.equal(scan(noise, cut).result.ok, false);
        assert.equal(
          scan(`{"status":"success","data":{"resultType":"matrix","result":[${noise}`, cut).result.ok,
          false,
        );
      }),
      { numRuns: 500 },
    );
  });
});
