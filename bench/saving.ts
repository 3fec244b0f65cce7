// What saving a reader's memory costs: all series move by a sample a second, and after each the cursor is saved to a real file.
//   bun --smol bench/saving.ts [--series 10000] [--saves 100] [--rounds 6] [--dir DIR]
// Microseconds of CPU a save (user and system), the least of all rounds and the mean, and kB written a save, checkpoints too. Three kinds of
// series: all have the same timestamps, each has its own, and 1 % of them are replaced at each save.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Memory } from "../src/reading/memory/memory.ts";
import { FrameBuilder } from "../src/series/frame-builder.ts";
import { SeriesTable } from "../src/series/table.ts";
import { openStateStore } from "../src/state/store.ts";
import { labelsOf } from "./load/fleet.ts";

const { values } = parseArgs({
  options: {
    series: { type: "string", default: "10000" },
    saves: { type: "string", default: "100" },
    rounds: { type: "string", default: "6" },
    dir: { type: "string", default: tmpdir() },
  },
});
const series = Number(values.series);
const saves = Number(values.saves);
const START = 1_795_349_000_000;
const STRETCH_MS = 15_000;
const KEEP_MS = 45_000;
const LOOKBACK_MS = 300_000;

const cpuUs = (): number => process.cpuUsage().user + process.cpuUsage().system;
const written = (): number => Number(/wchar: (\d+)/.exec(readFileSync("/proc/self/io", "latin1"))![1]);
const kinds: Record<string, { apart: number; churn: number }> = {
  "the same timestamps": { apart: 0, churn: 0 },
  "each its own": { apart: 1, churn: 0 },
  "1 % replaced": { apart: 1, churn: 0.01 },
};

for (const [name, { apart, churn }] of Object.entries(kinds)) {
  const dir = mkdtempSync(join(values.dir, "outflow-bench-saving-"));
  let now = 0;
  const clock = { now: () => START + now, monotonicMs: () => now, sleep: () => Promise.resolve(true) };
  const store = openStateStore(dir, clock as never, (trouble) => console.error(trouble.message));
  let table = new SeriesTable(store.seed);
  const builder = new FrameBuilder();
  let ids = new Map<number, number>();
  const idOf = (n: number): number => {
    let id = ids.get(n);
    if (id === undefined) ids.set(n, (id = table.intern(Object.entries(labelsOf(n)))));
    return id;
  };
  let memory = Memory.fresh(table, 0, STRETCH_MS);
  let first = 0;
  const costs: number[] = [];
  let bytes = 0;
  for (let save = 0; save < (Number(values.rounds) + 1) * saves; save++) {
    now += 1_000;
    const to = START + now;
    first += churn * series;
    builder.clear();
    for (let i = 0; i < series; i++) {
      builder.startRun(idOf(Math.floor(first) + i));
      builder.add(to - apart * ((i * 7_919) % 1_000), i, false);
    }
    memory = memory.after(builder.build(table, to - 1_000, to).frame, undefined, to - KEEP_MS);
    if (table.size > 4 * series) {
      table = new SeriesTable(store.seed);
      ids = new Map();
      memory = memory.migrate(table, to - LOOKBACK_MS);
    }
    const of = memory;
    const before = cpuUs();
    const writtenBefore = written();
    store.saveCursor({ policy: "p", sink: "s", source: "m" }, to, { of, blob: () => of.blob(to - LOOKBACK_MS) });
    for (let i = 0; i < 5; i++) await undefined;
    if (save < saves) continue;
    costs.push(cpuUs() - before);
    bytes += written() - writtenBefore;
  }
  const mean = (list: number[]) => list.reduce((a, b) => a + b, 0) / list.length;
  const rounds = Array.from({ length: Number(values.rounds) }, (_, r) => mean(costs.slice(r * saves, (r + 1) * saves)));
  console.log(
    `${name.padEnd(20)} ${Math.min(...rounds)
      .toFixed(0)
      .padStart(6)} µs, mean ${mean(costs).toFixed(0)} µs, ${(bytes / costs.length / 1024).toFixed(0)} kB`,
  );
  store.close();
  rmSync(dir, { recursive: true });
}
