// How fast outflow starts: `outflow version`, and the first delivery of N series from a real VictoriaMetrics that holds them.
//   bun bench/start.ts [--series 100000] [--rounds 5]
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { start, startWithPort, stop } from "./load/child.ts";
import type { Stats } from "./load/receiver.ts";
import { senders } from "./load/senders.ts";
import { startSource } from "./load/source.ts";

const { values } = parseArgs({
  options: { series: { type: "string", default: "100000" }, rounds: { type: "string", default: "5" } },
});
const rounds = Number(values.rounds);
const median = (list: number[]): number => list.sort((a, b) => a - b)[list.length >> 1]!;

const version: number[] = [];
for (let i = 0; i < 2 * rounds + 1; i++) {
  const at = performance.now();
  spawnSync(resolve(import.meta.dirname, "../dist/outflow"), ["version"]);
  version.push(performance.now() - at);
}
console.log(`outflow version: ${median(version).toFixed(0)} ms (median of ${version.length})`);

const dir = mkdtempSync(join(tmpdir(), "outflow-bench-"));
const receiver = await startWithPort(resolve(import.meta.dirname, "load/receiver.ts"));
const source = await startSource(Number(values.series), 5_000);
const first: number[] = [];
try {
  for (let i = 0; i < 4; i++) await source.next();
  for (let round = 0; round < rounds; round++) {
    await fetch(`${receiver.url}/reset`, { method: "POST" });
    const [program, args] = senders.outflow!.command({
      dir: join(dir, String(round)),
      sourceUrl: source.url,
      writeUrl: `${receiver.url}/api/v1/write`,
      selector: '{job="fleet"}',
      intervalMs: 5_000,
      batch: 500,
      peerBatch: undefined,
      outflow: ["--start=20s"],
    });
    const at = performance.now();
    const child = start(program, args);
    child.stdout!.resume();
    while (((await (await fetch(`${receiver.url}/stats`)).json()) as Stats).samples === 0) await Bun.sleep(10);
    first.push(performance.now() - at);
    await stop(child);
  }
  console.log(
    `first delivery at ${values.series} series: ${(median(first) / 1000).toFixed(2)} s (median of ${rounds})`,
  );
} finally {
  await source.stop();
  rmSync(dir, { recursive: true, force: true });
}
process.exit(0);
