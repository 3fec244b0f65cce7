// Responses, mutated and cut anywhere: with the WebAssembly module the same has to come out as without it, bit for bit.
import { isDeepStrictEqual } from "node:util";
import type { Frame } from "../../src/series/frame.ts";
import { FrameBuilder } from "../../src/series/frame-builder.ts";
import { Keyspace } from "../../src/series/keyspace.ts";
import { SeriesTable } from "../../src/series/table.ts";
import { Scanner } from "../../src/source/scan/scanner.ts";

const FROM = 1_795_000_000_000;
const TO = FROM + 60_000;
/** A table is used for so many responses: the series of mutated ones pile up in it. */
const RENEW = 400;

const VALUES = [
  "0",
  "-0",
  "1",
  "60.5",
  "-1.25",
  "0.1",
  "123456789012345678",
  "9007199254740993",
  "0.30000000000000004",
].concat(
  [
    "1.7976931348623157e+308",
    "5e-324",
    "2.2250738585072011e-308",
    "1e+21",
    "1.5e-07",
    "NaN",
    "+Inf",
    "-Inf",
    "Inf",
    ".5",
  ],
  ["5.", "1e5", "12345678.12345678", "123456789.123", "99999999999999999999", "8.41e+21", "9007199254740992", "1e400"],
);
const SIGNIFICANT = '{}[]",:\\0123456789.eE+-NaIf \n_xé';

/** A generator of its own, so that a case can be named by its number. */
function random(seed: number): (below: number) => number {
  let a = seed | 0;
  return (below) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  };
}

function response(r: (below: number) => number): string {
  const pick = <T>(list: readonly T[]): T => list[r(list.length)]!;
  const series = Array.from({ length: r(12) }, () => {
    const metric: Record<string, string> = { __name__: `m${r(6)}` };
    for (const label of ["job", "le", "pod", "zone"])
      if (r(3) > 0)
        metric[label] = r(12) === 0 ? pick(["}", '},"values":[', 'q"', "é", "", "\\", "a\nb"]) : `${label}-${r(20)}`;
    let ts = FROM / 1000 - 20 + r(60);
    const samples = Array.from({ length: r(10) === 0 ? 20 + r(30) : 1 + r(4) }, () => {
      ts += r(20) === 0 ? -5 : r(8);
      const text = ts.toFixed(r(4));
      const value =
        r(3) === 0
          ? pick(VALUES)
          : r(2) === 0
            ? String((r(2_000_000) - 1_000_000) / 10 ** r(8))
            : String(r(1e9) * 1e-3 * r(1e9));
      return `[${text},"${value}"]`;
    });
    const histograms = r(25) === 0 ? `,"histograms":[[${ts},{"count":"1","sum":"2","buckets":[[3,"0","1","3"]]}]]` : "";
    return `{"metric":${JSON.stringify(metric)},"values":[${samples.join(",")}]${histograms}}`;
  });
  return `{"status":"success","data":{"resultType":"matrix","result":[${series.join(",")}]}${r(4) === 0 ? ',"isPartial":true' : ""}}`;
}

function mutated(bytes: Uint8Array, r: (below: number) => number): Uint8Array {
  let out = [...bytes];
  for (let n = r(4); n > 0; n--) {
    const at = r(out.length + 1);
    const c = SIGNIFICANT.charCodeAt(r(SIGNIFICANT.length)) & 0xff;
    switch (r(5)) {
      case 0:
        out.splice(at, 1);
        break;
      case 1:
        out.splice(at, 0, c);
        break;
      case 2:
        out[Math.min(at, out.length - 1)] = c;
        break;
      case 3:
        out.splice(at, r(40));
        break;
      default: {
        const from = r(out.length);
        out = [...out.slice(0, at), ...out.slice(from, from + r(60)), ...out.slice(at)];
      }
    }
  }
  return r(20) === 0 ? Uint8Array.from(out.slice(0, r(out.length + 1))) : Uint8Array.from(out);
}

let table = new SeriesTable([3, 5]);
let keyspace = new Keyspace(table, undefined);
let uses = 0;

const columns = ({ runs, runSeries, runStart, samples, timestamps, values, stale }: Frame): unknown => ({
  runs,
  samples,
  runSeries: [...runSeries],
  runStart: [...runStart],
  timestamps: [...timestamps],
  values: [...new BigUint64Array(values.buffer)],
  stale: [...stale],
});

function scanned(pieces: readonly Uint8Array[], nanIsStale: boolean, fast: boolean): unknown {
  const builder = new FrameBuilder();
  const late = new FrameBuilder();
  const passed: string[] = [];
  const scanner = new Scanner(
    {
      keyspace,
      builder,
      newerThan: (id) => [FROM, FROM + 15_000, TO, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY][id % 5]!,
      from: FROM,
      to: TO,
      nanIsStale,
      maxSamples: 60,
      late: { builder: late, from: FROM - 10_000, expected: (id) => (id % 7) + (id === 0 ? 1 : -1) },
      passedOver: (id, newest) => passed.push(`${id} ${newest}`),
      isKnown: (id) => id % 11 === 0,
    },
    fast,
  );
  for (const piece of pieces) if (!scanner.push(piece.slice())) break;
  const result = scanner.end();
  const passedOver = passed.filter((text) => Number.parseInt(text, 10) % 11 !== 0).sort();
  const out = result.ok
    ? {
        result,
        passedOver,
        frame: columns(builder.build(table, FROM, TO).frame),
        late: columns(late.build(table, FROM, TO).frame),
      }
    : { result };
  scanner.close();
  return out;
}

/** Case number `n`: undefined where both gave the same, else what they gave. */
export function difference(n: number): { bytes: string; fast: unknown; slow: unknown } | undefined {
  if (++uses % RENEW === 0) {
    table = new SeriesTable([n, 5]);
    keyspace = new Keyspace(table, undefined);
  }
  const r = random(n);
  const bytes = mutated(new TextEncoder().encode(response(r)), r);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = r(3) === 0 ? 1 + r(30) : 1 + r(1500);
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  // First with new series, then with known ones. What was learned in between may have made a name contested.
  const nanIsStale = r(2) === 0;
  const turn = r(2) === 0;
  const { takeovers } = keyspace;
  const learning = scanned(pieces, nanIsStale, turn);
  const contested = keyspace.takeovers !== takeovers;
  const fast = scanned(pieces, nanIsStale, true);
  const slow = scanned(pieces, nanIsStale, false);
  if (isDeepStrictEqual(fast, slow) && (contested || isDeepStrictEqual(learning, slow))) return undefined;
  return { bytes: Buffer.from(bytes).toString(), fast: isDeepStrictEqual(fast, slow) ? learning : fast, slow };
}
