// What each stage between source and sink costs on the same bytes, without the net: scan and look-up with the WebAssembly module and
// without it, the frame in the order of sending, encoding with snappy; beside JSON.parse of the same response. The order of the series
// is shuffled in each response, as VictoriaMetrics does; two samples of each are known, one is new.
//   bun bench/stages.ts [--series 100000] [--samples 1] [--old 2] [--rounds 8] [--batch 500]
// CPU seconds per million new samples, the least of all rounds: other work on the machine makes them larger, never smaller.
import { parseArgs } from "node:util";
import { Batcher } from "../src/batch/batcher.ts";
import { encodeBody } from "../src/remotewrite/encode.ts";
import { FrameBuilder } from "../src/series/frame-builder.ts";
import { Keyspace } from "../src/series/keyspace.ts";
import { SeriesTable } from "../src/series/table.ts";
import { Scanner } from "../src/source/scan/scanner.ts";
import { labelsOf, sampleOf } from "./load/fleet.ts";

const { values } = parseArgs({
  options: {
    series: { type: "string", default: "100000" },
    samples: { type: "string", default: "1" },
    old: { type: "string", default: "2" },
    rounds: { type: "string", default: "8" },
    batch: { type: "string", default: "500" },
  },
});
const series = Number(values.series);
const fresh = Number(values.samples);
const old = Number(values.old);
const START = 1_795_349_000;
const STEP = 5;

function response(round: number): Uint8Array {
  const order = Array.from({ length: series }, (_, i) => i);
  for (let i = series - 1; i > 0; i--) {
    const j = (Math.imul(i + 1, 2654435761 + round) >>> 0) % (i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  const rows = order.map((i) => {
    const samples = Array.from({ length: old + fresh }, (_, k) => {
      const n = round * fresh + k - old;
      return `[${START + n * STEP}.123,"${sampleOf(i, n + 1_000)}"]`;
    });
    return `{"metric":${JSON.stringify(labelsOf(i))},"values":[${samples.join(",")}]}`;
  });
  return new TextEncoder().encode(
    `{"status":"success","isPartial":false,"data":{"resultType":"matrix","result":[${rows.join(",")}]},"stats":{"seriesFetched": "${series}"}}`,
  );
}

const least = new Map<string, number>();
let samples = 0;
let bytes = 0;
const cpu = (): number => process.cpuUsage().user + process.cpuUsage().system;
function timed<T>(stage: string, run: () => T): T {
  const before = cpu();
  const result = run();
  least.set(stage, Math.min(least.get(stage) ?? Number.POSITIVE_INFINITY, cpu() - before));
  return result;
}

const table = new SeriesTable();
const keyspace = new Keyspace(table, undefined);
for (let round = 0; round < Number(values.rounds) + 2; round++) {
  const body = response(round);
  const floor = (START + (round * fresh - 1) * STEP) * 1000 + 123;
  const builder = new FrameBuilder();
  const scan = (fast: boolean): Scanner => {
    builder.clear();
    const scanner = new Scanner(
      { keyspace, builder, newerThan: () => floor, from: 0, to: 1e15, nanIsStale: true, maxSamples: 1e9 },
      fast,
    );
    for (let at = 0; at < body.length; at += 65536) scanner.push(body.subarray(at, at + 65536));
    const result = scanner.end();
    if (!result.ok) throw new Error(result.message);
    return scanner;
  };
  timed("scan and look-up, JavaScript", () => scan(false).close());
  const scanner = timed("scan and look-up, module", () => scan(true));
  const { frame } = timed("frame in the order of sending", () => builder.build(table, 0, 1));
  scanner.close();
  const batcher = new Batcher(Number(values.batch));
  const batches = batcher.add(frame, round, 0);
  const last = batcher.flush();
  if (last !== undefined) batches.push(last);
  bytes = timed("encode and snappy", () => batches.reduce((n, batch) => n + encodeBody(batch).length, 0));
  timed("JSON.parse", () => JSON.parse(new TextDecoder().decode(body)));
  samples = frame.samples;
}
for (const [stage, micros] of least) console.log(`${stage.padEnd(32)} ${(micros / samples).toFixed(3)}`);
console.log(
  `${(bytes / samples).toFixed(1)} bytes a sample at ${values.batch} a request, ${series} series, ${old} known and ${fresh} new samples each`,
);
