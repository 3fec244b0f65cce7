// outflow beside Debian's vmagent and Prometheus agent, one after the other in one run: the same source (a real VictoriaMetrics that is
// filled all the time), the same receiver (which decodes every request), and what each costs.
//   bun bench/compare.ts [--series 10000] [--polls 20] [--interval 1s] [--batch 500] [--peer-batch N] [--churn 0.01]
//                        [--senders outflow,lean,vmagent,prometheus] [--rounds 1] [--json]
// CPU is user + system time of the sender (and of the source) per million samples that arrived, over the polls after --warm ones (65 s).
// Only the ratios of one run mean anything. Needs victoria-metrics, vmagent and prometheus on the PATH, and `npm run build`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { parseDuration } from "../src/config/duration.ts";
import { start, startWithPort, stop } from "./load/child.ts";
import { cpuSeconds, peakRss, rss } from "./load/proc.ts";
import type { Stats } from "./load/receiver.ts";
import { senders } from "./load/senders.ts";
import { type Source, startSource } from "./load/source.ts";

const { values } = parseArgs({
  options: {
    series: { type: "string", default: "10000" },
    polls: { type: "string", default: "20" },
    warm: { type: "string" },
    interval: { type: "string", default: "1s" },
    batch: { type: "string", default: "500" },
    "peer-batch": { type: "string" },
    churn: { type: "string", default: "0" },
    senders: { type: "string", default: "outflow,lean,vmagent,prometheus" },
    rounds: { type: "string", default: "1" },
    outflow: { type: "string", multiple: true, default: [] },
    json: { type: "boolean", default: false },
  },
});
const series = Number(values.series);
const intervalMs = parseDuration(values.interval) ?? 1000;
const names = values.senders.split(",");
/** For a minute after its start outflow does not know yet which samples it has seen of each series, and looks at all of them. */
const warm = values.warm === undefined ? Math.ceil(65_000 / intervalMs) : Number(values.warm);

type Row = {
  name: string;
  cpu: number;
  sourceCpu: number;
  bytes: number;
  peak: number;
  average: number;
  samples: number;
  repeated: number;
  perRequest: number;
};

async function measure(name: string, source: Source, receiver: string, dir: string): Promise<Row> {
  const sender = senders[name]!;
  await fetch(`${receiver}/reset`, { method: "POST" });
  const [program, args] = sender.command({
    dir,
    sourceUrl: source.url,
    writeUrl: `${receiver}/api/v1/write`,
    selector: '{job="fleet"}',
    intervalMs,
    batch: Number(values.batch),
    peerBatch: values["peer-batch"] === undefined ? undefined : Number(values["peer-batch"]),
    outflow: values.outflow,
  });
  const child = start(program, args);
  child.stdout!.resume();
  const stats = async () => (await (await fetch(`${receiver}/stats`)).json()) as Stats;
  const waitUntil = Date.now() + 90_000;
  while ((await stats()).series < series * 0.99) {
    if (child.exitCode !== null) throw new Error(`${sender.name} ended: ${program} ${args.join(" ")}`);
    if (Date.now() > waitUntil) throw new Error(`${sender.name} delivered ${(await stats()).series} series in 90 s`);
    await Bun.sleep(100);
  }
  for (let i = 0; i < warm; i++) await source.next();
  const before = { cpu: cpuSeconds(child.pid), source: cpuSeconds(source.pid), stats: await stats() };
  const sizes: number[] = [];
  const sampling = setInterval(() => sizes.push(rss(child.pid)), 100);
  for (let i = 0; i < Number(values.polls); i++) await source.next();
  clearInterval(sampling);
  const after = { cpu: cpuSeconds(child.pid), source: cpuSeconds(source.pid), stats: await stats() };
  const fresh = after.stats.fresh - before.stats.fresh;
  const row: Row = {
    name: sender.name,
    cpu: (after.cpu - before.cpu) / (fresh / 1e6),
    sourceCpu: (after.source - before.source) / (fresh / 1e6),
    bytes: (after.stats.bodyBytes - before.stats.bodyBytes) / (after.stats.samples - before.stats.samples),
    peak: peakRss(child.pid),
    average: sizes.reduce((a, b) => a + b, 0) / sizes.length,
    samples: fresh,
    repeated:
      after.stats.samples -
      after.stats.stale -
      after.stats.fresh -
      (before.stats.samples - before.stats.stale - before.stats.fresh),
    perRequest: (after.stats.samples - before.stats.samples) / (after.stats.requests - before.stats.requests),
  };
  await stop(child);
  return row;
}

function table(rows: readonly Row[]): string {
  const reference = rows.find((r) => r.name === "vmagent lean") ?? rows[0]!;
  const lines = rows.map((r) => [
    r.name,
    r.cpu.toFixed(2),
    (r.cpu / reference.cpu).toFixed(2),
    r.bytes.toFixed(1),
    `${r.peak.toFixed(0)} / ${r.average.toFixed(0)}`,
    r.perRequest.toFixed(0),
    (r.samples / 1e6).toFixed(2),
    (r.repeated / 1e6).toFixed(2),
    r.sourceCpu.toFixed(1),
  ]);
  const head = [
    "sender",
    "CPU s/M",
    `÷ ${reference.name}`,
    "bytes/sample",
    "RSS peak / avg MiB",
    "samples/request",
    "M samples",
    "M repeated",
    "source CPU s/M",
  ];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "--:"))), ...lines.map(line)].join("\n");
}

const dir = mkdtempSync(join(tmpdir(), "outflow-bench-"));
const receiver = await startWithPort(resolve(import.meta.dirname, "load/receiver.ts"));
const source = await startSource(series, intervalMs);
const all: Row[] = [];
try {
  for (let i = 0; i < 12_000 / intervalMs; i++) await source.next(); // new series become visible late
  source.churn = Number(values.churn);
  for (let round = 0; round < Number(values.rounds); round++) {
    const rows: Row[] = [];
    for (const name of names) rows.push(await measure(name, source, receiver.url, join(dir, `${round}-${name}`)));
    all.push(...rows);
    if (!values.json) {
      console.log(
        `\n${series} series, one sample each every ${intervalMs / 1000} s, ${values.polls} polls, ${values.batch} samples a request, churn ${values.churn} a poll (round ${round + 1})\n`,
      );
      console.log(table(rows));
    }
  }
  if (values.json) console.log(JSON.stringify(all));
} finally {
  await source.stop();
  rmSync(dir, { recursive: true, force: true });
}
process.exit(0);
