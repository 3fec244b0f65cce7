// What reading costs without the net: an answer of N series in pieces of 64 KiB, scanned into a frame; beside JSON.parse of the same
// bytes in the same run. Order of series is shuffled between answers, as VictoriaMetrics does.
//   bun bench/scan.ts [--series 100000] [--samples 1] [--rounds 8]
import { parseArgs } from "node:util";
import { FrameBuilder } from "../src/series/frame-builder.ts";
import { Keyspace } from "../src/series/keyspace.ts";
import { SeriesTable } from "../src/series/table.ts";
import { Scanner } from "../src/source/scan/scanner.ts";

const { values } = parseArgs({
  options: {
    series: { type: "string", default: "100000" },
    samples: { type: "string", default: "1" },
    old: { type: "string", default: "2" },
    rounds: { type: "string", default: "8" },
  },
});
const series = Number(values.series);
const fresh = Number(values.samples);
const old = Number(values.old);
const rounds = Number(values.rounds);

function answer(round: number): Uint8Array {
  const order = Array.from({ length: series }, (_, i) => i);
  for (let i = series - 1; i > 0; i--) {
    const j = (Math.imul(i + 1, 2654435761 + round) >>> 0) % (i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  const rows = order.map((i) => {
    const host = Math.floor(i / 50);
    const metric = {
      __name__: `metric_number_${i % 50}_total`,
      cluster: "prod-eu-west-1",
      container: "node-exporter",
      instance: `host-${host}.dc1.example.internal:9100`,
      job: "node-exporter",
      namespace: "monitoring",
      pod: `node-exporter-${((host * 7919) % 65536).toString(16)}`,
      region: "eu-west-1",
      resource_kind: "Gateway",
      service_name: "networking.miloapis.com",
    };
    const samples = Array.from(
      { length: old + fresh },
      (_, k) =>
        `[${(1_795_349_000 + round * fresh * 15 + (k - old) * 15).toFixed(0)}.123,"${(i * 1.25 + k).toFixed(2)}"]`,
    );
    return `{"metric":${JSON.stringify(metric)},"values":[${samples.join(",")}]}`;
  });
  return new TextEncoder().encode(
    `{"status":"success","isPartial":false,"data":{"resultType":"matrix","result":[${rows.join(",")}]},"stats":{"seriesFetched": "${series}","executionTimeMsec":12}}`,
  );
}

const table = new SeriesTable();
const keyspace = new Keyspace(table, undefined);
const builder = new FrameBuilder();
let last = new Float64Array(0);
const cpu = () => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6;
let scanCpu = 0;
let parseCpu = 0;
let samples = 0;
let bytes = 0;
for (let round = 0; round < rounds + 2; round++) {
  const body = answer(round);
  const warm = round >= 2;
  let before = cpu();
  builder.clear();
  const scanner = new Scanner({
    keyspace,
    builder,
    newerThan: (id) => (id < last.length ? last[id]! : 0),
    from: 0,
    to: 1e15,
    nanIsStale: true,
    maxSamples: 1e9,
  });
  for (let at = 0; at < body.length; at += 65536) scanner.push(body.subarray(at, at + 65536));
  const result = scanner.end();
  if (!result.ok) throw new Error(result.message);
  const { frame } = builder.build(table, 0, 1);
  const next = new Float64Array(table.size);
  next.set(last);
  for (let run = 0; run < frame.runs; run++)
    next[frame.runSeries[run]!] = frame.timestamps[frame.runStart[run + 1]! - 1]!;
  last = next;
  if (warm) {
    scanCpu += cpu() - before;
    samples += frame.samples;
    bytes += body.length;
  }
  before = cpu();
  JSON.parse(new TextDecoder().decode(body));
  if (warm) parseCpu += cpu() - before;
}
console.log(
  `scan        ${(scanCpu / (samples / 1e6)).toFixed(3)} CPU s per million samples, ${(bytes / 1e6 / scanCpu).toFixed(0)} MB/s`,
);
console.log(
  `JSON.parse  ${(parseCpu / (samples / 1e6)).toFixed(3)} CPU s per million samples, ${(bytes / 1e6 / parseCpu).toFixed(0)} MB/s`,
);
console.log(
  `ratio       ${(scanCpu / parseCpu).toFixed(2)}  (${series} series, ${fresh} new and ${old} taken samples each, ${(bytes / samples).toFixed(0)} bytes of answer a sample)`,
);
