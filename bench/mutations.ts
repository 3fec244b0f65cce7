// Do the tests of the sender's rules notice when a rule is broken? Each mutation changes one line in a copy of the tree; its test must
// fail then. Prints a line a mutation; exits 1 if one is survived.   bun bench/mutations.ts [RULE…]
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

type Mutation = { rule: string; file: string; from: string; to: string; test: string };

const mutations: Mutation[] = [
  {
    rule: "3 snappy block format",
    file: "src/remotewrite/snappy.ts",
    from: "return compressor(raw)",
    to: "return raw",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "4 version header",
    file: "src/remotewrite/post.ts",
    from: '"x-prometheus-remote-write-version": "0.1.0"',
    to: '"x-prometheus-remote-write-version": "2.0.0"',
    test: "test/remotewrite/post.test.ts",
  },
  {
    rule: "5 values bit-exact",
    file: "src/remotewrite/encode.ts",
    from: "view.setFloat64(at, values[i]!, true)",
    to: "view.setFloat64(at, values[i]! + 0, true)",
    test: "test/remotewrite/encode.test.ts",
  },
  {
    rule: "2 timestamps",
    file: "src/remotewrite/encode.ts",
    from: "while (high >= 0x80)",
    to: "while (high > 0x80)",
    test: "test/remotewrite/encode.test.ts",
  },
  {
    rule: "2 below 16 MiB",
    file: "src/remotewrite/encode.ts",
    from: "MAX_BODY_BYTES = 16 *",
    to: "MAX_BODY_BYTES = 64 *",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "6 labels sorted",
    file: "src/series/labels.ts",
    from: "(a < b ? -1 : 1));\n  };",
    to: "(a.localeCompare(b)));\n  };",
    test: "test/series/labels.test.ts",
  },
  {
    rule: "6 no label twice",
    file: "src/series/labels.ts",
    from: 'if (out.has(key)) return "invalid_labels";',
    to: "",
    test: "test/series/labels.test.ts",
  },
  {
    rule: "7 legal names",
    file: "src/series/names.ts",
    from: "/^[0-9]/.test(legal) || ",
    to: "",
    test: "test/series/labels.test.ts",
  },
  {
    rule: "8 order across requests",
    file: "src/batch/order.ts",
    from: "return false;",
    to: "return true;",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "9 backoff doubles",
    file: "src/remotewrite/backoff.ts",
    from: "2 ** (failed - 1)",
    to: "2 * (failed - 1)",
    test: "test/remotewrite/judge.test.ts",
  },
  {
    rule: "9 the same bytes again",
    file: "src/http/client.ts",
    from: "first.ok || !first.unanswered",
    to: "first.ok",
    test: "test/http/client.test.ts",
  },
  {
    rule: "10 no retry of a 4xx",
    file: "src/remotewrite/judge.ts",
    from: "    case 410:\n",
    to: "",
    test: "test/remotewrite/judge.test.ts",
  },
  {
    rule: "11 Retry-After is capped",
    file: "src/remotewrite/judge.ts",
    from: "MAX_RETRY_AFTER_MS = 900_000",
    to: "MAX_RETRY_AFTER_MS = 9_000_000",
    test: "test/remotewrite/judge.test.ts",
  },
  {
    rule: "12 no secret in the receiver's text",
    file: "src/remotewrite/post.ts",
    from: "const covered = cover(target)(wordsOf(cover(target)(said, answer.cut)), answer.cut);",
    to: "const covered = wordsOf(said);",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "10 what went out twice may have been taken before",
    file: "src/remotewrite/post.ts",
    from: "status !== 504 && sent.resent !== true",
    to: "status !== 504",
    test: "test/remotewrite/post.test.ts",
  },
  {
    rule: "9 a connection that failed is not used for the next attempt",
    file: "src/http/connection.ts",
    from: " && this.#status < 500",
    to: "",
    test: "test/http/client.test.ts",
  },
  {
    rule: "9 a connection is given up after two minutes",
    file: "src/http/connection.ts",
    from: "Math.min(this.#idleUntilMs, this.#giveUpMs)",
    to: "this.#idleUntilMs",
    test: "test/http/client.test.ts",
  },
  {
    rule: "9 the wait for a connection is not the receiver's",
    file: "src/http/exchange.ts",
    from: "const { totalMs } = request.timeouts;",
    to: 'const { totalMs } = request.timeouts; this.#arm(request.timeouts.firstByteMs, "");',
    test: "test/http/exchange.test.ts",
  },
  {
    rule: "15 the stale marker's bits",
    file: "src/remotewrite/encode.ts",
    from: "STALE_LOW = 0x00000002",
    to: "STALE_LOW = 0x00000001",
    test: "test/remotewrite/encode.test.ts",
  },
  {
    rule: "a refusal of what was perhaps sent before is not bisected",
    file: "src/delivery/delivery.ts",
    from: "if (!answered) job.replay = true;",
    to: "",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "an endpoint that has taken nothing is asked before anything is dropped",
    file: "src/delivery/delivery.ts",
    from: "if (!known) {",
    to: "if (false) {",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "bisecting has a budget",
    file: "src/delivery/batch-splitter.ts",
    from: "this.#budget -= 2;",
    to: "",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "a label set ends at its own brace",
    file: "src/source/scan/usual.ts",
    from: "metricEnd = endOfNesting(bytes, metric);",
    to: "return INCOMPLETE;",
    test: "test/source/layouts.test.ts",
  },
  {
    rule: "native histograms of the window are counted",
    file: "src/source/scan/scanner.ts",
    from: "histograms.filter((ts) => ts > from && ts <= to).length",
    to: "0",
    test: "test/source/layouts.test.ts",
  },
  {
    rule: "a series counts as a whole or not at all",
    file: "src/source/scan/usual.ts",
    from: "if (series >= 0) this.#o.builder.dropRun();",
    to: "",
    test: "test/source/layouts.test.ts",
  },
  {
    rule: "a body without a length that ends with a reset is interrupted",
    file: "src/http/connection.ts",
    from: "this.#error === undefined && this.#parser?.end()",
    to: "this.#parser?.end()",
    test: "test/source/faults.test.ts",
  },
  {
    rule: "404 of a source is about its address",
    file: "src/source/failures.ts",
    from: "if (isApi && status !== 404)",
    to: "if (true)",
    test: "test/source/faults.test.ts",
  },
  {
    rule: "credentials in --source-url are refused, never ignored",
    file: "src/cli/http-clients.ts",
    from: 'if (url.username !== "" || url.password !== "")',
    to: "if (false)",
    test: "test/cli/http-clients.test.ts",
  },
  {
    rule: "of replicas the slower clock counts",
    file: "src/source/clock.ts",
    from: "if (this.#changes.length >= REPLICA_CHANGES) {",
    to: "if (false) {",
    test: "test/source/clock.test.ts",
  },
  {
    rule: "a set-back of the source's clock needs proof",
    file: "src/source/clock.ts",
    from: "return isLower && this.#run() < PROOF ? this.#offset! : newest;",
    to: "return newest;",
    test: "test/source/clock.test.ts",
  },
  {
    rule: "a small set-back holds nothing up",
    file: "src/source/clock.ts",
    from: "} else this.#slew = { from: nowBefore, sinceMs: monotonicMs };",
    to: "}",
    test: "test/reading/windows.test.ts",
  },
  {
    rule: "a failed read is not repeated within its tick",
    file: "src/reading/readers.ts",
    from: "this.#failedUntil.set(reader.key, reader.notBeforeMs)",
    to: "void 0",
    test: "test/reading/windows.test.ts",
  },
  {
    rule: "one failing query is not a failing source",
    file: "src/reading/source-health.ts",
    from: "if (ok) return;",
    to: "",
    test: "test/reading/source-health.test.ts",
  },
  {
    rule: "the printed query is sent, never the author's bytes",
    file: "src/cli/querycheck.ts",
    from: "toSafeString(parse(query, { ...LIMITS, fold: false }))",
    to: "query",
    test: "test/cli/querycheck.test.ts",
  },
  {
    rule: "a series that is sent as it is never loses to an escaped one",
    file: "src/series/keyspace.ts",
    from: "if (origin > owner) return this.#lose(",
    to: "if (true) return this.#lose(",
    test: "test/series/labels.test.ts",
  },
];

const root = resolve(import.meta.dirname, "..");
const copy = mkdtempSync(join(tmpdir(), "outflow-mutations-"));
for (const part of ["src", "tui", "test", "package.json", "tsconfig.json", "bunfig.toml"])
  cpSync(join(root, part), join(copy, part), { recursive: true });
symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));

let survived = 0;
const wanted = process.argv.slice(2);
for (const { rule, file, from, to, test } of mutations.filter((m) => wanted.length === 0 || wanted.includes(m.rule))) {
  const path = join(copy, file);
  const text = readFileSync(path, "utf8");
  if (!text.includes(from)) throw new Error(`${file} has no ${JSON.stringify(from)} any more`);
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
  const run = spawnSync(process.execPath, ["test", "--timeout", "60000", test], { cwd: copy, encoding: "utf8" });
  writeFileSync(path, text);
  const caught = /^\(fail\) (.*?)(?: \[[\d.]+m?s\])?$/m.exec(run.stderr + run.stdout)?.[1];
  if (caught === undefined) survived++;
  const change = `${from.trim()} → ${to.trim() || "nothing"}`.replaceAll("\n", " ").replaceAll("|", "\\|");
  console.log(`| ${rule} | \`${file}\`: \`${change}\` | ${caught === undefined ? "SURVIVED" : `${test}: ${caught}`} |`);
}
rmSync(copy, { recursive: true });
process.exit(survived > 0 ? 1 : 0);
