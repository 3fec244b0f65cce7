// outflow beside vmagent and Prometheus agent (whatever is on OUTFLOW_BENCH_PATH or the PATH; their versions are printed), one after the other in one run: the same source (a real VictoriaMetrics that is
// filled all the time), the same receiver (which decodes every request), and what each costs.
//   bun bench/compare.ts [--series 10000] [--polls 20] [--interval 1s] [--batch 500] [--peer-batch N] [--churn 0.01]
//                        [--senders outflow,lean,vmagent,snappy,prometheus] [--outflow-polls 1s,5s,15s,60s] [--rounds 1] [--json]
// vmagent sends zstd where the receiver takes it; "snappy" is the same where it does not. No ratio is printed for a sender that did not
// deliver what was due. What the peers do at 1 s: VictoriaMetrics renews the values of /federate about every 3 s, vmagent restamps
// them (old values with new times), Prometheus refuses most of them as out of order.
// CPU is user + system time of the sender (and of the source) per million samples that arrived, over the polls after 30 s; for outflow, whose
// runtime compiles what runs often for a quarter of an hour, after --warm ones (130 s unless told).
// Only the ratios of one run mean anything. Needs victoria-metrics, vmagent and prometheus on the PATH, and `npm run build`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { parseDuration } from "../src/config/duration.ts";
import { start, startWithPort, stop } from "./load/child.ts";
import { cpuSeconds, peakRss, rss } from "./load/proc.ts";
import { versionOf } from "./load/programs.ts";
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
    senders: { type: "string", default: "outflow,lean,vmagent,snappy,prometheus" },
    "outflow-polls": { type: "string" },
    rounds: { type: "string", default: "1" },
    outflow: { type: "string", multiple: true, default: [] },
    json: { type: "boolean", default: false },
  },
});
const series = Number(values.series);
const intervalMs = parseDuration(values.interval) ?? 1000;
const pollsOf = values["outflow-polls"]?.split(",").map((text) => parseDuration(text) ?? intervalMs) ?? [intervalMs];
/** `outflow` once for each of its poll intervals. */
const runs = values.senders
  .split(",")
  .flatMap((name) => (name === "outflow" ? pollsOf : [intervalMs]).map((pollMs) => ({ name, pollMs })));
/** Less than this share of what was due is not complete: no ratio is printed. One round of the source may be under way at either end. */
const COMPLETE = 0.99;
/** A sender that has sent nothing for so long has delivered all of a poll. */
const STILL_MS = 150;
/**
 * Rounds of the source before a sender is measured. For two minutes after its start outflow does not know yet how many samples it has
 * taken of each series, and looks at all that a far read brings; the peers are at their steady state after a few scrapes.
 */
const warmOf = (name: string): number =>
  name !== "outflow"
    ? Math.ceil(30_000 / intervalMs)
    : values.warm === undefined
      ? Math.ceil(130_000 / intervalMs)
      : Number(values.warm);

type Row = {
  name: string;
  cpu: number;
  sourceCpu: number;
  bytes: number;
  peak: number;
  average: number;
  samples: number;
  /** Of what was due, and whether nothing is missing of it. */
  share: number;
  complete: boolean;
  repeated: number;
  perRequest: number;
};

async function measure(
  { name, pollMs }: (typeof runs)[number],
  source: Source,
  receiver: string,
  dir: string,
): Promise<Row> {
  const sender = senders[name]!;
  await fetch(`${receiver}/reset${name === "snappy" ? "?zstd=no" : ""}`, { method: "POST" });
  const [program, args] = sender.command({
    dir,
    sourceUrl: source.url,
    writeUrl: `${receiver}/api/v1/write`,
    selector: '{job="fleet"}',
    intervalMs: pollMs,
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
  for (let i = warmOf(name); i > 0; i--) await source.next();
  /** Whole polls of this sender. */
  const rounds = Math.max(
    Number(values.polls),
    Math.ceil(Number(values.polls) / (pollMs / intervalMs)) * (pollMs / intervalMs),
  );
  // From the end of one delivery to the end of another: whole polls, with all that belongs to them.
  const delivered = async (): Promise<void> => {
    const giveUpAt = Date.now() + 3 * pollMs;
    let { fresh } = await stats();
    const start = fresh;
    for (let since = Date.now(); Date.now() < giveUpAt && (fresh === start || Date.now() < since + STILL_MS); ) {
      await Bun.sleep(20);
      const now = (await stats()).fresh;
      if (now !== fresh) since = Date.now();
      fresh = now;
    }
  };
  await delivered();
  const writtenBefore = source.written;
  const before = { cpu: cpuSeconds(child.pid), source: cpuSeconds(source.pid), stats: await stats() };
  const sizes: number[] = [];
  const sampling = setInterval(() => sizes.push(rss(child.pid)), 100);
  // The last poll is waited for below.
  for (let i = 0; i < rounds - pollMs / intervalMs / 2; i++) await source.next();
  await delivered();
  const due = source.written - writtenBefore;
  clearInterval(sampling);
  const after = { cpu: cpuSeconds(child.pid), source: cpuSeconds(source.pid), stats: await stats() };
  const fresh = after.stats.fresh - before.stats.fresh;
  const row: Row = {
    name: pollMs === intervalMs ? sender.name : `${sender.name}, polls of ${pollMs / 1000} s`,
    share: fresh / due,
    complete: fresh >= (due - series) * COMPLETE,
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
  const ratio = (r: Row, of: (r: Row) => number) =>
    r.complete && reference.complete ? (of(r) / of(reference)).toFixed(2) : "not complete";
  const lines = rows.map((r) => [
    r.name,
    r.cpu.toFixed(2),
    ratio(r, ({ cpu }) => cpu),
    r.bytes.toFixed(1),
    `${r.peak.toFixed(0)} / ${r.average.toFixed(0)}`,
    r.perRequest.toFixed(0),
    (r.samples / 1e6).toFixed(2),
    (r.repeated / 1e6).toFixed(2),
    `${(100 * r.share).toFixed(1)} %`,
    r.sourceCpu.toFixed(1),
    (r.cpu + r.sourceCpu).toFixed(1),
    ratio(r, ({ cpu, sourceCpu }) => cpu + sourceCpu),
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
    "of what was due",
    "source CPU s/M",
    "both, CPU s/M",
    `both ÷ ${reference.name}`,
  ];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "--:"))), ...lines.map(line)].join("\n");
}

const dir = mkdtempSync(join(tmpdir(), "outflow-bench-"));
const receiver = await startWithPort(resolve(import.meta.dirname, "load/receiver.ts"));
const source = await startSource(series, intervalMs);
const all: Row[] = [];
const versions = [
  versionOf("victoria-metrics", ["--version"]),
  ...(runs.some(({ name }) => /^(lean|vmagent|snappy)$/.test(name)) ? [versionOf("vmagent", ["--version"])] : []),
  ...(runs.some(({ name }) => name === "prometheus") ? [versionOf("prometheus", ["--version"])] : []),
];
try {
  for (let i = 0; i < 12_000 / intervalMs; i++) await source.next(); // new series become visible late
  source.churn = Number(values.churn);
  for (let round = 0; round < Number(values.rounds); round++) {
    const rows: Row[] = [];
    for (const run of runs)
      rows.push(await measure(run, source, receiver.url, join(dir, `${round}-${run.name}-${run.pollMs}`)));
    all.push(...rows);
    if (!values.json) {
      console.log(
        `\n${series} series, one sample each every ${intervalMs / 1000} s, ${values.polls} polls, ${values.batch} samples a request, churn ${values.churn} a poll (round ${round + 1})\n`,
      );
      console.log(versions.join("\n"), "\n");
      console.log(table(rows));
    }
  }
  if (values.json) console.log(JSON.stringify(all));
} finally {
  await source.stop();
  rmSync(dir, { recursive: true, force: true });
}
process.exit(0);
