// npm test: everything that runs without servers, and the real-server tests where the servers are found. Prints each file as it ends,
// then the slowest files, then each failed test once more with its error, then a plain line `N passed, N failed`. No test at all is a
// failure, and so is a skip where servers are required (OUTFLOW_REQUIRE_SERVERS=1).
//   npm test [-- FILE…]      --fast: without *.server.test.ts, *.kube.test.ts (real servers) and *.terminal.test.ts (tmux), and with
//                            a fifth of the fuzzed policies and of the schedules of the properties (promise, fleet);
//                            OUTFLOW_FUZZ_INPUTS and OUTFLOW_PROPERTY_RUNS say other numbers
// Files run side by side, a process each: those with real servers mostly wait.
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildBinary } from "./servers/binary.ts";
import { findServers } from "./servers/found.ts";
import { apiServerPath, whyNoKubernetes } from "./servers/kubernetes/find.ts";

const SLOWEST = 12;
const MOST_ERROR_TEXT = 2_000;

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
      ...(values.fast ? { OUTFLOW_FUZZ_INPUTS: "2000", OUTFLOW_PROPERTY_RUNS: "8" } : {}),
      ...process.env,
      NO_COLOR: "1",
      OUTFLOW_BUILT: "1",
    },
  },
);
const { counts, slowest, failures } = readReport(report);
rmSync(dir, { recursive: true, force: true });
console.log(`Slowest files: ${slowest.map(({ file, seconds }) => `${file} ${seconds.toFixed(0)} s`).join(", ")}`);
for (const { file, name, error } of failures) console.log(`\nFAILED: ${file}: ${name}\n${error}`);
if (failures.length > 0) console.log();

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

type Report = {
  counts: { passed: number; failed: number; skipped: number };
  slowest: { file: string; seconds: number }[];
  failures: { file: string; name: string; error: string }[];
};

/** The JUnit report of the runner; nothing where it wrote none. */
function readReport(path: string): Report {
  let xml = "";
  try {
    xml = readFileSync(path, "utf8");
  } catch {
    // the runner ended before
  }
  const [root = ""] = /<testsuites[^>]*>/.exec(xml) ?? [];
  const failed = Number(attribute(root, "failures") ?? 0) + Number(attribute(root, "errors") ?? 0);
  const skipped = Number(attribute(root, "skipped") ?? 0);
  const slowest = [...xml.matchAll(/^ {2}<testsuite [^>]*>/gm)]
    .map(([suite]) => ({ file: attribute(suite, "name") ?? "", seconds: Number(attribute(suite, "time")) }))
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, SLOWEST);
  const failures = [
    ...xml.matchAll(/(<testcase [^>]*[^/]>)\s*(<(?:failure|error)[^>]*?\/?>)(?:([^<]*)<\/(?:failure|error)>)?/g),
  ].map(([, test = "", failure = "", text = ""]) => ({
    file: attribute(test, "file") ?? "",
    name: attribute(test, "name") ?? "",
    error: (text.trim() === "" ? (attribute(failure, "message") ?? "") : unescaped(text))
      .trim()
      .slice(0, MOST_ERROR_TEXT),
  }));
  return {
    counts: { passed: Number(attribute(root, "tests") ?? 0) - failed - skipped, failed, skipped },
    slowest,
    failures,
  };
}

function attribute(tag: string, name: string): string | undefined {
  const [, value] = new RegExp(` ${name}="([^"]*)"`).exec(tag) ?? [];
  return value === undefined ? undefined : unescaped(value);
}

function unescaped(text: string): string {
  const named: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code?: string, name?: string) =>
    code === undefined ? (named[name ?? ""] ?? whole) : String.fromCodePoint(Number(code)),
  );
}
