// What the hot path costs in counts that are the same on every machine, whatever else it does: bytes a sample, requests, calls of the
// WebAssembly module, its memory, work of sorting. A test runs it (test/hotpath/guard.test.ts): what became more than its limit fails.
//   bun bench/guard.ts [--json]
// A change that makes something cheaper lowers its limit here, in the same commit.
import { Batcher } from "../src/batch/batcher.ts";
import { encodeBody } from "../src/remotewrite/encode.ts";
import { FrameBuilder } from "../src/series/frame-builder.ts";
import { Keyspace } from "../src/series/keyspace.ts";
import { SeriesTable } from "../src/series/table.ts";
import { Scanner } from "../src/source/scan/scanner.ts";
import { labelsOf, sampleOf } from "./load/fleet.ts";

const SERIES = 20_000;
const START = 1_795_349_000;
/** As a connection brings them. */
const PIECE = 65_536;

/** The most that each may be. Counts are exact; a limit is a little above what was counted when it was set. */
const LIMITS = {
  "bytes a sample, 500 a request": 24,
  "bytes a sample, 5,000 a request": 23.4,
  "bytes a sample with histograms, 500 a request": 23,
  "bytes a sample with histograms, 5,000 a request": 22.4,
  "requests of 20,000 samples, 500 each": 40,
  "module calls, a response of 20,000 known series": 540,
  "module calls, a request": 3.2,
  "series of 20,000 that JavaScript had to read": 0,
  "module memory, bytes a series": 440,
  "work of sorting, comparisons a new series": 0.25,
};
export type Counted = Record<keyof typeof LIMITS, number>;

/** Ten buckets for each of four histograms of a pod, other labels as services have them. */
function histogramLabels(i: number): Record<string, string> {
  const bucket = i % 10;
  const pod = Math.floor(i / 40);
  const handler = Math.floor(i / 10) % 4;
  return {
    __name__: "http_request_duration_seconds_bucket",
    cluster: "prod-eu-west-1",
    container: "api",
    handler: `/api/v${handler}/items`,
    instance: `10.${pod % 7}.${(pod * 31) % 256}.${(pod * 17) % 256}:8080`,
    job: "services",
    le: bucket === 9 ? "+Inf" : String(2 ** bucket / 100),
    method: handler % 2 === 0 ? "GET" : "POST",
    namespace: `team-${pod % 12}`,
    pod: `api-${((pod * 7919) % 65536).toString(16)}-${((pod * 104_729) % 65536).toString(16)}`,
    service: "api.internal.example.com",
  };
}

type Fleet = { labels(i: number): Record<string, string>; value(i: number, round: number): number };
const plain: Fleet = { labels: labelsOf, value: sampleOf };
const histograms: Fleet = { labels: histogramLabels, value: (i, round) => ((i % 10) + 1) * (i % 97) * 13 + round * 7 };

/** A response with the series in another order each round: two samples that are known, one that is new. */
function response({ labels, value }: Fleet, round: number): Uint8Array {
  const order = Array.from({ length: SERIES }, (_, i) => i);
  for (let i = SERIES - 1; i > 0; i--) {
    const j = (Math.imul(i + 1, 2654435761 + round) >>> 0) % (i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  const rows = order.map((i) => {
    const samples = [-2, -1, 0].map((k) => `[${START + (round + k) * 5}.123,"${value(i, round + k)}"]`);
    return `{"metric":${JSON.stringify(labels(i))},"values":[${samples.join(",")}]}`;
  });
  return new TextEncoder().encode(
    `{"status":"success","isPartial":false,"data":{"resultType":"matrix","result":[${rows.join(",")}]}}`,
  );
}

/** Counts calls of the module from here on. */
function countCalls(table: SeriesTable): () => number {
  let calls = 0;
  const { exports } = table.module;
  const counted = Object.fromEntries(
    Object.entries(exports).map(([name, of]) => [
      name,
      typeof of === "function"
        ? (...args: number[]) => {
            calls++;
            return (of as (...args: number[]) => number)(...args);
          }
        : of,
    ]),
  );
  Object.defineProperty(table.module, "exports", { value: counted });
  return () => calls;
}

function run(fleet: Fleet) {
  const table = new SeriesTable();
  const keyspace = new Keyspace(table, undefined);
  const calls = countCalls(table);
  const builder = new FrameBuilder();
  let byJavaScript = 0;
  const read = (round: number) => {
    builder.clear();
    const before = calls();
    const floor = (START + (round - 1) * 5) * 1000 + 123;
    const options = { keyspace, builder, newerThan: () => floor, from: 0, to: 1e15, nanIsStale: true, maxSamples: 1e9 };
    const scanner = new Scanner(options);
    const body = response(fleet, round);
    for (let at = 0; at < body.length; at += PIECE) scanner.push(body.subarray(at, at + PIECE));
    const result = scanner.end();
    if (!result.ok) throw new Error(result.message);
    byJavaScript = result.series - builder.samples;
    while (!table.sortSome());
    const { frame } = builder.build(table, 0, 1);
    scanner.close();
    return { frame, calls: calls() - before };
  };
  read(1);
  const { frame, calls: ofResponse } = read(2);
  const bodies = (size: number) => {
    const batcher = new Batcher(size);
    const batches = batcher.add(frame, 0, 0);
    const rest = batcher.flush();
    if (rest !== undefined) batches.push(rest);
    const before = calls();
    const bytes = batches.reduce((n, batch) => n + encodeBody(batch).length, 0);
    return { requests: batches.length, bytes: bytes / frame.samples, calls: (calls() - before) / batches.length };
  };
  return {
    small: bodies(500),
    large: bodies(5_000),
    ofResponse,
    byJavaScript,
    memory: table.module.exports.memory.buffer.byteLength / SERIES,
    sorting: table.module.exports.workOfSorting() / SERIES,
  };
}

export function count(): Counted {
  const a = run(plain);
  const b = run(histograms);
  return {
    "bytes a sample, 500 a request": a.small.bytes,
    "bytes a sample, 5,000 a request": a.large.bytes,
    "bytes a sample with histograms, 500 a request": b.small.bytes,
    "bytes a sample with histograms, 5,000 a request": b.large.bytes,
    "requests of 20,000 samples, 500 each": a.small.requests,
    "module calls, a response of 20,000 known series": a.ofResponse,
    "module calls, a request": a.small.calls,
    "series of 20,000 that JavaScript had to read": a.byJavaScript,
    "module memory, bytes a series": a.memory,
    "work of sorting, comparisons a new series": a.sorting,
  };
}

/** What is above its limit. */
export const above = (counted: Counted): (keyof Counted)[] =>
  (Object.keys(LIMITS) as (keyof Counted)[]).filter((name) => !(counted[name] <= LIMITS[name]));

if (import.meta.main) {
  const counted = count();
  if (process.argv.includes("--json")) console.log(JSON.stringify(counted));
  else
    for (const [name, n] of Object.entries(counted))
      console.log(`${name.padEnd(50)} ${n.toFixed(1).padStart(9)}   at most ${LIMITS[name as keyof Counted]}`);
  const over = above(counted);
  for (const name of over) console.error(`above its limit: ${name}`);
  process.exitCode = over.length === 0 ? 0 : 1;
}
