// npm test: everything that runs without servers, and the real-server tests where the servers are found. Ends with a plain line
// `N passed, N failed`; no test at all is a failure, and so is a skip where servers are required (OUTFLOW_REQUIRE_SERVERS=1).
//   npm test [-- FILE…]      --fast: without *.server.test.ts, *.kube.test.ts (real servers) and *.terminal.test.ts (tmux), and with
//                            a fifth of the fuzzed policies; OUTFLOW_FUZZ_INPUTS says another number
// Files run side by side, a process each: those with real servers mostly wait.
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildBinary } from "./servers/binary.ts";
import { findServers } from "./servers/found.ts";
import { apiServerPath, whyNoKubernetes } from "./servers/kubernetes/find.ts";

const required = process.env.OUTFLOW_REQUIRE_SERVERS === "1";
const { found, missing } = findServers();
console.log(
  `Real servers found: ${found.join(", ") || "none"}${missing.length === 0 ? "" : `; missing: ${missing.join(", ")} (their tests are skipped${required ? ", which fails here" : ""})`}`,
);

const noKubernetes = whyNoKubernetes();
console.log(`Real Kubernetes API server: ${noKubernetes ?? apiServerPath()}`);

const dir = mkdtempSync(join(tmpdir(), "outflow-test-"));
const report = join(dir, "junit.xml");
const { values, positionals } = parseArgs({ options: { fast: { type: "boolean" } }, allowPositionals: true });
const all = globSync("test/**/*.test.{ts,tsx}").sort();
const slow = (file: string) => /\.(server|kube|terminal)\.test\.tsx?$/.test(file);
// The slow ones first, so that the end is not spent waiting for one of them.
const files = [...(values.fast ? [] : all.filter(slow)), ...all.filter((file) => !slow(file))];
buildBinary();
const run = spawnSync(
  process.execPath,
  [
    "test",
    "--reporter=junit",
    `--reporter-outfile=${report}`,
    "--timeout",
    "400000",
    "--parallel=4",
    ...(positionals.length > 0 ? positionals : files),
  ],
  {
    stdio: "inherit",
    env: {
      ...(values.fast ? { OUTFLOW_FUZZ_INPUTS: "2000" } : {}),
      ...process.env,
      NO_COLOR: "1",
      OUTFLOW_BUILT: "1",
    },
  },
);
const counts = countTests(report);
rmSync(dir, { recursive: true, force: true });

const problems = [
  ...(counts.passed + counts.failed === 0 ? ["no test ran"] : []),
  ...(required && counts.skipped > 0 ? [`${counts.skipped} tests were skipped, but servers are required`] : []),
  ...(run.status !== 0 && counts.failed === 0 ? [`the runner ended with ${run.status ?? run.signal}`] : []),
];
for (const problem of problems) console.log(`FAILED: ${problem}`);
console.log(
  `${counts.passed} passed, ${counts.failed + problems.length} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ""}`,
);
process.exit(counts.failed + problems.length > 0 ? 1 : 0);

function countTests(file: string): { passed: number; failed: number; skipped: number } {
  let xml = "";
  try {
    xml = readFileSync(file, "utf8");
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
  const attribute = (name: string) => Number(new RegExp(`<testsuites[^>]* ${name}="(\\d+)"`).exec(xml)?.[1] ?? 0);
  const failed = attribute("failures") + attribute("errors");
  const skipped = attribute("skipped");
  return { passed: attribute("tests") - failed - skipped, failed, skipped };
}
