// npm test: everything that runs without servers, and the real-server tests where the servers are found. Each file is a process of its own
// and gets a line as it ends, with what it printed where a test failed; then come the slowest files, each failed test once more with its
// error, and a plain line `N passed, N failed`. No test at all is a failure, and so is a skip where servers are required
// (OUTFLOW_REQUIRE_SERVERS=1).
//   npm test [-- FILE…]      parts of paths: the files that contain one of them
//   npm test -- --fast       without *.server.test.ts, *.kube.test.ts (real servers), *.terminal.test.ts (tmux) and what takes over four
//                            seconds, and with fewer runs of the properties; OUTFLOW_FUZZ_INPUTS and OUTFLOW_PROPERTY_RUNS say other numbers
//   UPDATE_TIMES=1 npm test  writes test/suite/times.json, by which files are started (suite/schedule.ts)
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildBinary } from "./servers/binary.ts";
import { findServers } from "./servers/found.ts";
import { apiServerPath, whyNoKubernetes } from "./servers/kubernetes/find.ts";
import { type Report, readReport } from "./suite/report.ts";
import { countedAs, type Job, jobsOf, next, type Times } from "./suite/schedule.ts";
import times from "./suite/times.json" with { type: "json" };

const SLOWEST = 12;
const FAST = { OUTFLOW_FUZZ_INPUTS: "1000", OUTFLOW_PROPERTY_RUNS: "4" };
const FAST_SECONDS = 4;
/** They take longer than that only with all of their runs. */
const TAKE_RUNS = ["test/exporter/promise.test.ts", "test/policy/fuzz.test.ts"];
/** Files that take less are not written down. */
const SHORT_SECONDS = 2;

type Ended = { job: Job; seconds: number; cpuSeconds: number; report: Report; output: string };

const required = process.env.OUTFLOW_REQUIRE_SERVERS === "1";
const { found, missing } = findServers();
console.log(
  `Real servers found: ${found.join(", ") || "none"}${missing.length === 0 ? "" : `; missing: ${missing.join(", ")} (their tests are skipped${required ? ", which fails here" : ""})`}`,
);
console.log(`Real Kubernetes API server: ${whyNoKubernetes() ?? apiServerPath()}`);

const { values, positionals } = parseArgs({ options: { fast: { type: "boolean" } }, allowPositionals: true });
const slow = (file: string) => /\.(server|kube|terminal)\.test\.tsx?$/.test(file);
const known = times as unknown as Times;
const quick = (file: string) =>
  !slow(file) && (TAKE_RUNS.includes(file) || Math.max(...(known[file] ?? [0])) <= FAST_SECONDS);
const all = globSync("test/**/*.test.{ts,tsx}").sort();
const wanted = all.filter((file) =>
  positionals.length > 0 ? positionals.some((part) => file.includes(part)) : !values.fast || quick(file),
);
buildBinary();
const dir = mkdtempSync(join(tmpdir(), "outflow-test-"));
const begun = performance.now();
const ended = await runAll(jobsOf(wanted, known));
rmSync(dir, { recursive: true, force: true });

ended.sort((a, b) => b.seconds - a.seconds);
if (process.env.UPDATE_TIMES === "1" && !values.fast) writeTimes(ended);
const total = (of: (one: Ended) => number) => ended.reduce((n, one) => n + of(one), 0);
const slowest = ended.slice(0, SLOWEST).map(({ job, seconds }) => `${job.file} ${seconds.toFixed(0)} s`);
console.log(
  `${ended.length} files in ${((performance.now() - begun) / 1000).toFixed(0)} s, with ${total((one) => one.cpuSeconds).toFixed(0)} s of processor time on ${availableParallelism()} processors`,
);
console.log(`Slowest files: ${slowest.join(", ")}`);
const failures = ended.flatMap(({ report }) => report.failures);
for (const { file, name, error } of failures) console.log(`\nFAILED: ${file}: ${name}\n${error}`);
if (failures.length > 0) console.log();

const [passed, failed, skipped] = [
  total(({ report }) => report.passed),
  total(({ report }) => report.failed),
  total(({ report }) => report.skipped),
];
const problems = [
  ...(passed + failed === 0 ? ["no test ran"] : []),
  ...(required && skipped > 0 ? [`${skipped} tests were skipped, but servers are required`] : []),
];
for (const problem of problems) console.log(`FAILED: ${problem}`);
console.log(`${passed} passed, ${failed + problems.length} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exit(failed + problems.length > 0 ? 1 : 0);

async function runAll(jobs: Job[]): Promise<Ended[]> {
  const waiting = [...jobs];
  const running = new Map<Job, { ended: Promise<Ended>; startedMs: number }>();
  const done: Ended[] = [];
  while (waiting.length + running.size > 0) {
    for (;;) {
      const counted = [...running].map(([job, { startedMs }]) =>
        countedAs(job, (performance.now() - startedMs) / 1000),
      );
      const job = next(waiting, counted, availableParallelism());
      if (job === undefined) break;
      waiting.splice(waiting.indexOf(job), 1);
      running.set(job, { ended: runOne(job), startedMs: performance.now() });
    }
    const later = waiting.length > 0 ? [new Promise<undefined>((done) => setTimeout(done, 1_000))] : [];
    const one = await Promise.race([...[...running.values()].map(({ ended }) => ended), ...later]);
    if (one === undefined) continue; // those that have started count for less now
    running.delete(one.job);
    done.push(one);
    tell(one, done.length, jobs.length);
  }
  return done;
}

async function runOne(job: Job): Promise<Ended> {
  const file = join(dir, `${job.file.replaceAll("/", "-")}.xml`);
  const startedMs = performance.now();
  const child = Bun.spawn(
    [
      process.execPath,
      "test",
      "--reporter=junit",
      `--reporter-outfile=${file}`,
      "--timeout",
      "400000",
      `./${job.file}`,
    ],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...(values.fast ? FAST : {}), ...process.env, NO_COLOR: "1", OUTFLOW_BUILT: "1" },
    },
  );
  const texts = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const code = await child.exited;
  const report = readReport(textOf(file));
  // A file that cannot be loaded, or a process that dies, has no failed test.
  if (code !== 0 && report.failed === 0) {
    report.failed++;
    report.failures.push({
      file: job.file,
      name: "the file",
      error: `the runner ended with ${code ?? child.signalCode}`,
    });
  }
  return {
    job,
    seconds: (performance.now() - startedMs) / 1000,
    cpuSeconds: Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1e6,
    report,
    output: texts.join(""),
  };
}

function tell({ job, seconds, cpuSeconds, report, output }: Ended, number: number, of: number): void {
  if (report.failed > 0) console.log(output);
  const skipped = report.skipped > 0 ? `, ${report.skipped} skipped` : "";
  console.log(
    `${String(number).padStart(3)}/${of} ${report.failed > 0 ? "FAILED" : "ok"} ${job.file}: ${report.passed} passed${report.failed > 0 ? `, ${report.failed} failed` : ""}${skipped} (${seconds.toFixed(1)} s, CPU ${cpuSeconds.toFixed(1)} s)`,
  );
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // the runner ended before it wrote one
  }
}

/** Those that ran replace what was known of them. */
function writeTimes(ended: readonly Ended[]): void {
  const written = new Map(Object.entries(known).filter(([file]) => all.includes(file)));
  for (const { job, seconds, cpuSeconds } of ended)
    if (seconds < SHORT_SECONDS) written.delete(job.file);
    else written.set(job.file, [Math.round(seconds * 10) / 10, Math.round(cpuSeconds * 10) / 10]);
  const lines = [...written].sort().map(([file, pair]) => `  ${JSON.stringify(file)}: [${pair.join(", ")}]`);
  writeFileSync(join(import.meta.dirname, "suite/times.json"), `{\n${lines.join(",\n")}\n}\n`);
}
