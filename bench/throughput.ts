// Back to back: how many samples outflow moves while it catches up, with a source that costs nearly nothing and a receiver that
// decodes; and what memory it takes, also for very large answers (900,000 series are 300 MB).
//   bun bench/throughput.ts [--series 100000] [--seconds 20] [--batch 500] [--sender profiled]
// The samples per CPU second are what one core moves.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { start, startWithPort, stop } from "./load/child.ts";
import { cpuSeconds, peakRss, rss } from "./load/proc.ts";
import type { Stats } from "./load/receiver.ts";
import { senders } from "./load/senders.ts";

const { values } = parseArgs({
  options: {
    series: { type: "string", default: "100000" },
    seconds: { type: "string", default: "20" },
    batch: { type: "string", default: "500" },
    sender: { type: "string", default: "outflow" },
  },
});
const dir = mkdtempSync(join(tmpdir(), "outflow-bench-"));
const receiver = await startWithPort(resolve(import.meta.dirname, "load/receiver.ts"));
const source = await startWithPort(resolve(import.meta.dirname, "load/canned.ts"), values.series);
const stats = async () => (await (await fetch(`${receiver.url}/stats`)).json()) as Stats;
const [program, args] = senders[values.sender]!.command({
  dir,
  sourceUrl: source.url,
  writeUrl: `${receiver.url}/api/v1/write`,
  selector: '{job="fleet"}',
  intervalMs: 1_000,
  batch: Number(values.batch),
  peerBatch: undefined,
  outflow: ["--start=6h", "--max-window=1s"],
});
const child = start(program, args);
child.stdout!.resume();
while ((await stats()).fresh < 3 * Number(values.series)) await Bun.sleep(50);
const before = { cpu: cpuSeconds(child.pid), stats: await stats(), at: performance.now() };
const sizes: number[] = [];
while (performance.now() < before.at + Number(values.seconds) * 1000) {
  await Bun.sleep(100);
  sizes.push(rss(child.pid));
}
const after = { cpu: cpuSeconds(child.pid), stats: await stats(), at: performance.now() };
const samples = after.stats.fresh - before.stats.fresh;
const cpu = after.cpu - before.cpu;
console.log(
  `${values.series} series, ${values.batch} samples a request: ${(samples / 1e6 / ((after.at - before.at) / 1000)).toFixed(2)} M samples/s, ${(samples / 1e6 / cpu).toFixed(2)} M samples per CPU second (${(cpu / (samples / 1e6)).toFixed(2)} CPU s/M), RSS peak ${peakRss(child.pid).toFixed(0)} MiB, average ${(sizes.reduce((a, b) => a + b, 0) / sizes.length).toFixed(0)} MiB`,
);
await stop(child);
rmSync(dir, { recursive: true, force: true });
process.exit(0);
