// What of an idle agent's CPU is whose: programs that are compiled as the agent is and do each second a part of what it does, each a part
// more, beside the agent itself, all at the same time. 50 series, a poll and a request a second.
//   bun bench/floor.ts [dist/outflow …] [--series 50] [--after 120] [--for 30]
// "ms/s" is CPU a second over --for seconds, --after seconds after the start: the runtime compiles and collects less as time goes by.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { policyYaml, startEnds } from "./load/ends.ts";
import { memory, threadSeconds } from "./load/proc.ts";

const { values, positionals } = parseArgs({
  options: {
    series: { type: "string", default: "50" },
    after: { type: "string", default: "120" },
    for: { type: "string", default: "30" },
  },
  allowPositionals: true,
});
const forS = Number(values.for);
const root = resolve(import.meta.dirname, "..");
const binaries = positionals.length > 0 ? positionals.map((path) => resolve(path)) : [join(root, "dist/outflow")];

const steps: readonly [name: string, what: string][] = [
  ["timer", "a timer"],
  ["poll", "+ a poll over node:net, 17 kB"],
  ["send", "+ a request of 2 kB over node:net"],
  ["sqlite", "+ two transactions"],
  ["module", "+ scan, encode, compress"],
  ["client", "+ outflow's HTTP client in place of node:net alone"],
];

const dir = mkdtempSync(join(tmpdir(), "outflow-bench-floor-"));
const program = join(dir, "step");
execFileSync(
  process.execPath,
  "build --compile --splitting --production --bytecode --format=esm --compile-exec-argv=--smol bench/load/step.ts"
    .split(" ")
    .concat("--outfile", program),
  { cwd: root, stdio: "ignore" },
);
const ends = await startEnds(Number(values.series));
const policies = join(dir, "policies.yaml");
writeFileSync(policies, policyYaml("p", 1, ends.sink));

const run = (what: string, command: string, args: readonly string[]) => ({
  what,
  child: spawn(command, args, { stdio: ["ignore", "ignore", "inherit"] }),
});
const running = steps.map(([name, what]) => run(what, program, [name, ends.source, ends.sink, dir]));
for (const [i, binary] of binaries.entries()) {
  const state = join(dir, `state-${i}`);
  mkdirSync(state);
  const args = "run --no-tui --listen 127.0.0.1:0 --poll-interval 1s --start 60s --log-level error".split(" ");
  args.push("--policies", policies, "--source-url", ends.source, "--state-dir", state);
  running.push(run(binary, binary, args));
}

type Threads = { all: number; main: number; compilers: number; allocator: number; collector: number };
const KINDS: readonly [RegExp, Exclude<keyof Threads, "all" | "main">][] = [
  [/^JIT/, "compilers"],
  [/scavenger/, "allocator"],
  [/^Heap/, "collector"],
];

function between(pid: number, before: ReturnType<typeof threadSeconds>): Threads {
  const sum: Threads = { all: 0, main: 0, compilers: 0, allocator: 0, collector: 0 };
  for (const [tid, { name, seconds }] of threadSeconds(pid)) {
    const ms = (1000 * (seconds - (before.get(tid)?.seconds ?? 0))) / forS;
    sum.all += ms;
    const kind = KINDS.find(([pattern]) => pattern.test(name))?.[1];
    if (tid === String(pid)) sum.main += ms;
    else if (kind !== undefined) sum[kind] += ms;
  }
  return sum;
}

try {
  await Bun.sleep(Number(values.after) * 1000);
  for (const { what, child } of running)
    if (child.exitCode !== null) throw new Error(`${what} ended with ${child.exitCode}`);
  const before = running.map(({ child }) => threadSeconds(child.pid!));
  await Bun.sleep(forS * 1000);
  console.log("  ms/s   main  compilers  allocator  collector  RSS MiB  own");
  for (const [i, { what, child }] of running.entries()) {
    const of = between(child.pid!, before[i]!);
    const { rss, own } = memory(child.pid!);
    const cells = [of.all, of.main, of.compilers, of.allocator, of.collector].map((n) => n.toFixed(2));
    const widths = [6, 7, 11, 11, 11];
    console.log(
      `${cells.map((cell, k) => cell.padStart(widths[k]!)).join("")}${rss.toFixed(1).padStart(9)}${own.toFixed(1).padStart(5)}  ${what}`,
    );
  }
} finally {
  for (const { child } of running) child.kill("SIGKILL");
  rmSync(dir, { recursive: true, force: true });
}
process.exit(0);
