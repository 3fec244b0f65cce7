// Responses whose series differ in layout one at a time (order of keys, white space, native histograms), against JSON.parse as the
// judge; and every response at every cut: what was read, what was late, passed over and dropped must not depend on where it is cut.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { FrameBuilder } from "../../src/series/frame-builder.ts";
import { Keyspace } from "../../src/series/keyspace.ts";
import { Scanner } from "../../src/source/scan/scanner.ts";
import { usedTables } from "../fakes/tables.ts";

const FROM = 1_795_000_000_000;
const TO = FROM + 60_000;
/** Samples of a series up to here were taken before: by its `__name__`. */
const FLOORS: Record<string, number> = { up: FROM, old: FROM + 30_000, all: TO };
/** How many of them were. */
const TAKEN = 2;

type Everything = { ok: boolean; samples: string[]; late: string[]; passedOver: string[]; dropped: object };

const aTable = usedTables();

function scan(pieces: readonly string[] | readonly Uint8Array[]): Everything {
  const table = aTable();
  const [builder, lateBuilder] = [new FrameBuilder(), new FrameBuilder()];
  const name = (id: number) => table.labels(id).find(([n]) => n === "__name__")![1];
  const passedOver: string[] = [];
  const scanner = new Scanner({
    keyspace: new Keyspace(table, undefined),
    builder,
    newerThan: (id) => FLOORS[name(id)]!,
    from: FROM,
    to: TO,
    nanIsStale: false,
    maxSamples: 1000,
    late: { builder: lateBuilder, from: FROM - 3_000, expected: () => TAKEN },
    passedOver: (id, newest) => passedOver.push(`${JSON.stringify(table.labels(id))} ${newest}`),
  });
  for (const piece of pieces) {
    if (!scanner.push(typeof piece === "string" ? new TextEncoder().encode(piece) : piece.slice())) break;
  }
  const result = scanner.end();
  const texts = (b: FrameBuilder): string[] => {
    const { frame } = b.build(table, FROM, TO);
    return Array.from({ length: frame.runs }, (_, run) =>
      Array.from({ length: frame.runStart[run + 1]! - frame.runStart[run]! }, (_, i) => {
        const at = frame.runStart[run]! + i;
        return `${JSON.stringify(table.labels(frame.runSeries[run]!))} ${frame.timestamps[at]} ${frame.values[at]}`;
      }),
    )
      .flat()
      .sort();
  };
  return {
    ok: result.ok,
    samples: texts(builder),
    late: texts(lateBuilder),
    passedOver: passedOver.sort(),
    dropped: result.ok ? result.dropped : {},
  };
}

type Series = {
  metric: Record<string, string>;
  values?: [number, string][];
  histograms?: [number, { buckets?: unknown[]; count: string }][];
};

/** The rules in words, over JSON.parse. */
function judge(text: string): Everything {
  const out: Everything & { dropped: Record<string, number> } = {
    ok: true,
    samples: [],
    late: [],
    passedOver: [],
    dropped: {},
  };
  const drop = (reason: string, n: number) => {
    if (n > 0) out.dropped[reason] = (out.dropped[reason] ?? 0) + n;
  };
  for (const { metric, values = [], histograms = [] } of (JSON.parse(text) as { data: { result: Series[] } }).data
    .result) {
    const sorted = Object.entries(metric).sort(([a], [b]) => (a < b ? -1 : 1));
    const floor = FLOORS[metric.__name__ ?? ""] ?? FROM;
    const samples = values.map(([s, v]) => ({ ts: Math.round(s * 1000), v: Number(v) }));
    const write = ({ ts, v }: { ts: number; v: number }) => `${JSON.stringify(sorted)} ${ts} ${v}`;
    drop("native_histogram", histograms.filter(([s]) => s * 1000 > FROM && s * 1000 <= TO).length);
    const fresh = samples.filter(({ ts }) => ts > floor && ts <= TO);
    const old = samples.filter(({ ts }) => ts <= floor);
    if (metric.__name__ === undefined) {
      drop("invalid_name", fresh.length);
      continue;
    }
    out.samples.push(...fresh.map(write));
    if (old.length > TAKEN) out.late.push(...old.filter(({ ts }) => ts > FROM - 3_000).map(write));
    if (old.length > 0 && old.length === samples.length)
      out.passedOver.push(`${JSON.stringify(sorted)} ${Math.max(...old.map(({ ts }) => ts))}`);
  }
  for (const list of [out.samples, out.late, out.passedOver]) list.sort();
  return out;
}

const label = fc.constantFrom("x", 'q"uote', "\\", "}", '},"values":[', "]", "{", "é日🚀", "\n", " ", '"}');
const times = fc
  .uniqueArray(fc.integer({ min: FROM - 5_000, max: TO + 5_000 }), { maxLength: 6 })
  .map((list) => list.sort((a, b) => a - b));
const metric = fc
  .tuple(
    fc.constantFrom("up", "old", "all", undefined),
    fc.dictionary(fc.constantFrom("a", "job", "zz"), label, { maxKeys: 3 }),
  )
  .map(([name, labels]): Record<string, string> => ({ ...(name === undefined ? {} : { __name__: name }), ...labels }));
const series = fc.record({
  metric,
  values: times.map((list) => list.map((ts, i): [number, string] => [ts / 1000, String(i * 1.5 - 2)])),
  histograms: times.map((list) =>
    list.map((ts): [number, object] => [ts / 1000, { count: "1", sum: "}", buckets: [[0, "1", '"]', "2"]] }]),
  ),
});

/** One series of a response in one of the layouts. `pick` chooses where white space stands. */
const layouts: Record<
  string,
  (s: { metric: object; values: unknown[]; histograms: unknown[] }, pick: number) => string
> = {
  usual: ({ metric, values }) => JSON.stringify({ metric, values }),
  "histograms alone": ({ metric, histograms }) => JSON.stringify({ metric, histograms }),
  "histograms after values": ({ metric, values, histograms }) => JSON.stringify({ metric, values, histograms }),
  "histograms before values": ({ metric, values, histograms }) => JSON.stringify({ metric, histograms, values }),
  "labels last": ({ metric, values, histograms }) => JSON.stringify({ histograms, values, metric }),
  "another key": ({ metric, values }) => JSON.stringify({ metric, values, other: { x: ["}]"] } }),
  "neither values nor histograms": ({ metric }) => JSON.stringify({ metric }),
  "white space in one place": ({ metric, values }, pick) => spaced(JSON.stringify({ metric, values }), pick, " "),
  "a line feed in one place": ({ metric, histograms, values }, pick) =>
    spaced(JSON.stringify({ metric, values, histograms }), pick, "\n\t"),
  "white space everywhere": ({ metric, values, histograms }) =>
    JSON.stringify({ metric, values, histograms }, null, " "),
};

/** White space at one of the places between two tokens. */
function spaced(json: string, pick: number, space: string): string {
  const places: number[] = [];
  for (let i = 0, inString = false; i < json.length; i++) {
    if (inString && json[i] === "\\") i++;
    else if (json[i] === '"') inString = !inString;
    if (!inString && '{}[],:"'.includes(json[i]!)) places.push(i + 1);
  }
  const at = places[pick % places.length]!;
  return json.slice(0, at) + space + json.slice(at);
}

const responses = fc
  .uniqueArray(fc.tuple(series, fc.constantFrom(...Object.keys(layouts)), fc.nat(), fc.constantFrom("", " ", "\r\n")), {
    maxLength: 5,
    selector: ([s]) => JSON.stringify(Object.entries(s.metric).sort()),
  })
  .map((list) => {
    const result = list.map(([s, layout, pick, space]) => space + layouts[layout]!(s, pick) + space).join(",");
    return `{"status":"success","data":{"resultType":"matrix","result":[${result}]}}`;
  });

describe("responses that mix layouts", () => {
  test("property: JSON.parse says the same", () => {
    fc.assert(
      fc.property(responses, (text) => assert.deepEqual(scan([text]), judge(text))),
      { numRuns: 600 },
    );
  });

  test("property: at every cut, and byte by byte, the result is the same", () => {
    fc.assert(
      fc.property(responses, (text) => {
        const bytes = new TextEncoder().encode(text);
        const whole = judge(text);
        for (let at = 1; at < bytes.length; at++)
          assert.deepEqual(scan([bytes.subarray(0, at), bytes.subarray(at)]), whole, `cut at ${at}: ${text}`);
        assert.deepEqual(scan(Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))), whole);
      }),
      { numRuns: 5 },
    );
  });

  test("property: a failure is the same failure at every cut", () => {
    fc.assert(
      fc.property(responses, fc.nat(), fc.constantFrom("", "x", "}", '"', ",", "[0]"), (text, place, noise) => {
        // Something is cut out or put in: mostly no JSON any more.
        const at = place % text.length;
        const broken = text.slice(0, at) + noise + text.slice(at + (noise === "" ? 1 : 0));
        const whole = scan([broken]);
        for (const cut of [1, 7, 64]) {
          const bytes = new TextEncoder().encode(broken);
          const pieces = Array.from({ length: Math.ceil(bytes.length / cut) }, (_, i) =>
            bytes.subarray(i * cut, (i + 1) * cut),
          );
          const again = scan(pieces);
          assert.equal(again.ok, whole.ok, broken);
          if (whole.ok) assert.deepEqual(again, whole, broken);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("the timestamp of a series that has nothing new is told at each of 130 cuts", () => {
    const text = `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"all","job":"x"},"values":[[${FROM / 1000},"1"],[${(FROM + 1000) / 1000},"2"]]}]}}`;
    const bytes = new TextEncoder().encode(text);
    for (let at = 1; at < bytes.length; at++)
      assert.equal(scan([bytes.subarray(0, at), bytes.subarray(at)]).passedOver.length, 1, `cut at ${at}`);
  });
});
