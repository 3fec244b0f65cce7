// What an agent costs that has next to nothing to do, and what a scrape of its /metrics costs: the compiled binary with a series a poll
// for each sink, --after seconds after its first delivery. "ms/s" is CPU a second over the --for seconds that follow. Binaries may be named,
// to compare them.
//   bun bench/idle.ts [dist/outflow …] [--sinks 1] [--series 1] [--rounds 5] [--after 10] [--for 10] [--scrapes 20]
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { freePort } from "../test/servers/servers.ts";
import { policyYaml, startEnds } from "./load/ends.ts";
import { cpuSeconds, memory } from "./load/proc.ts";

const { values, positionals } = parseArgs({
  options: {
    sinks: { type: "string", default: "1" },
    series: { type: "string", default: "1" },
    for: { type: "string", default: "10" },
    rounds: { type: "string", default: "5" },
    after: { type: "string", default: "10" },
    scrapes: { type: "string", default: "20" },
  },
  allowPositionals: true,
});
const sinks = Number(values.sinks);
const series = Number(values.series);
const scrapes = Number(values.scrapes);

let delivered = () => {};
const ends = await startEnds(series, () => delivered());

const dir = mkdtempSync(join(tmpdir(), "outflow-bench-idle-"));
const policies = join(dir, "policies.yaml");
/** A policy has at most this many. */
const IN_A_POLICY = 20;
writeFileSync(
  policies,
  Array.from({ length: Math.ceil(sinks / IN_A_POLICY) }, (_, p) =>
    policyYaml(`p${p}`, Math.min(IN_A_POLICY, sinks - p * IN_A_POLICY), ends.sink),
  ).join("---\n"),
);

const median = (list: number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] ?? 0;
type Cost = ReturnType<typeof memory> & { cpu: number; perSecond: number; scrapeMs: number; grownBy: number };

async function round(binary: string): Promise<Cost> {
  const first = new Promise<void>((done) => {
    delivered = done;
  });
  const state = join(dir, "state");
  const listen = `127.0.0.1:${await freePort()}`;
  // Polls are the same few in each round; with many sinks hardly one falls between two scrapes.
  const interval = sinks > 1 ? "60s" : "1s";
  const child = spawn(
    binary,
    ["run", "--no-tui", "--listen", listen, "--poll-interval", interval, "--start", "60s"].concat([
      "--policies",
      policies,
      "--source-url",
      ends.source,
      "--state-dir",
      state,
    ]),
    { stdio: "ignore" },
  );
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  try {
    await Promise.race([first, ended]);
    await Bun.sleep(Number(values.after) * 1000);
    if (child.exitCode !== null) throw new Error(`${binary} ended with ${child.exitCode}`);
    const started = cpuSeconds(child.pid!);
    await Bun.sleep(Number(values.for) * 1000);
    const perSecond = (1000 * (cpuSeconds(child.pid!) - started)) / Number(values.for);
    const idle = { ...memory(child.pid!), cpu: cpuSeconds(child.pid!), perSecond };
    for (let i = 0; i < scrapes; i++) await (await fetch(`http://${listen}/metrics`)).text();
    return {
      ...idle,
      scrapeMs: (1000 * (cpuSeconds(child.pid!) - idle.cpu)) / Math.max(1, scrapes),
      grownBy: memory(child.pid!).rss - idle.rss,
    };
  } finally {
    child.kill("SIGKILL");
    await ended;
    rmSync(state, { recursive: true, force: true });
  }
}

console.log(
  `${sinks} sinks, ${series} series, medians of ${values.rounds}\n RSS MiB  own  of files  CPU s   ms/s  CPU ms a scrape  MiB grown by ${scrapes}`,
);
for (const binary of positionals.length > 0 ? positionals : [resolve(import.meta.dirname, "../dist/outflow")]) {
  const costs: Cost[] = [];
  for (let i = 0; i < Number(values.rounds); i++) costs.push(await round(binary));
  const of = (field: keyof Cost, width: number, digits = 1) =>
    median(costs.map((c) => c[field]))
      .toFixed(digits)
      .padStart(width);
  console.log(
    `${of("rss", 8)}${of("own", 6)}${of("files", 9)}${of("cpu", 8, 2)}${of("perSecond", 7)}${of("scrapeMs", 12)}${of("grownBy", 15)}    ${binary}`,
  );
}
rmSync(dir, { recursive: true, force: true });
process.exit(0);
