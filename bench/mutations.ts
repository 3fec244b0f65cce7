// Do the tests of the sender's rules notice when a rule is broken? Each mutation changes one line in a copy of the tree; its test must
// fail then. Prints a line a mutation; exits 1 if one survives or no longer applies.   bun bench/mutations.ts [RULE…]: all whose names begin so
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fleetMutations, type Mutation } from "./fleet-mutations.ts";
import { kubernetesMutations } from "./kubernetes-mutations.ts";

const mutations: Mutation[] = [
  ...fleetMutations,
  ...kubernetesMutations,
  {
    rule: "3 snappy block format",
    file: "src/hotpath/assembly/encode.ts",
    from: "varint(start, pos);",
    to: "varint(start, pos + 1);",
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
    file: "src/hotpath/assembly/encode.ts",
    from: ": load<u64>(values + (sample << 3)),",
    to: ": reinterpret<u64>(load<f64>(values + (sample << 3)) + 0),",
    test: "test/remotewrite/encode.test.ts",
  },
  {
    rule: "2 timestamps",
    file: "src/hotpath/assembly/encode.ts",
    from: "t - 0x800000000 < 0x3f800000000",
    to: "t - 0x700000000 < 0x3f800000000",
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
    from: ".sort(([a], [b]) => byBytes(a, b))",
    to: ".sort(([a], [b]) => a.localeCompare(b))",
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
    file: "src/hotpath/assembly/encode.ts",
    from: "STALE_BITS: u64 = 0x7ff0000000000002",
    to: "STALE_BITS: u64 = 0x7ff0000000000001",
    test: "test/remotewrite/encode.test.ts",
  },
  {
    rule: "an endpoint that has taken nothing is asked before anything is dropped",
    file: "src/delivery/endpoint.ts",
    from: "if (!known) {",
    to: "if (false) {",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "what may have been sent before is no reason to drop",
    file: "src/delivery/batch-splitter.ts",
    from: "if (ageIsKnown && left.sent && this.#origin.together)",
    to: "if (left.sent)",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "an attempt without an answer may have been stored",
    file: "src/delivery/delivery.ts",
    from: "if (!answered) piece.unanswered();",
    to: "",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "never a newer sample before one that may be missing",
    file: "src/delivery/batch-splitter.ts",
    from: "if (ageIsKnown && !left.sent && (this",
    to: "if (ageIsKnown && (this",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "refused samples are dropped only by an endpoint that takes writes",
    file: "src/delivery/batch-splitter.ts",
    from: "return this.#unproven.length >= (this.#left.length === 0 ? 1 : UNPROVEN_AT_MOST);",
    to: "return false;",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "what an endpoint refused that refuses everything is sent again",
    file: "src/delivery/delivery.ts",
    from: 'if (verdict.kind === "delivered" && present)',
    to: "if (true)",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "the oldest sample of a series comes back first",
    file: "src/delivery/batch-splitter.ts",
    from: "back.sort((a, b) => oldestOf(a.span) - oldestOf(b.span));",
    to: "",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "a batch is in flight until its response is judged",
    file: "src/delivery/delivery.ts",
    from: "this.#inFlight--;\n    // It was given",
    to: "this.#inFlight--;\n    job.inFlight = false;\n    // It was given",
    test: "test/exporter/refused-series.test.ts",
  },
  {
    rule: "samples of any age are sent",
    file: "src/delivery/ages.ts",
    from: "if (now - oldest <= this.#takenMs) return false;",
    to: "return false;",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "a named series is tried first",
    file: "src/delivery/refusals.ts",
    from: "job.pieces.untouched ? namedRun(said, span) : undefined",
    to: "undefined",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "refused series go apart",
    file: "src/exporter/open-batches.ts",
    from: "if (suspects.size === 0)",
    to: "if (suspects.size >= 0)",
    test: "test/exporter/refused-series.test.ts",
  },
  {
    rule: "a window that has changed may have arrived in part",
    file: "src/exporter/attempts.ts",
    from: "together: same && before.together",
    to: "together: true",
    test: "test/exporter/attempts.test.ts",
  },
  {
    rule: "only what was attempted counts as sent",
    file: "src/exporter/attempts.ts",
    from: "if (window.from >= this.#attempted.to)",
    to: "if (false)",
    test: "test/exporter/attempts.test.ts",
  },
  {
    rule: "other 4xx are asked, then held",
    file: "src/delivery/endpoint.ts",
    from: 'verdict.kind === "ask" ||',
    to: "",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "413 of one sample is looked into once",
    file: "src/delivery/requests.ts",
    from: "samplesOf(piece.span) > 1 || !this.#singleTooLarge",
    to: "true",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "a size is learned",
    file: "src/delivery/requests.ts",
    from: "const smaller = this.#size.smaller(samplesOf(piece.span), body.length);",
    to: "const smaller = undefined as number | undefined;",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "what teaches a size is no attempt",
    file: "src/delivery/delivery.ts",
    from: "job.attempts = attempt - 1;",
    to: "",
    test: "test/delivery/learned-size.test.ts",
  },
  {
    rule: "backoff does not start again after a drop",
    file: "src/delivery/failing.ts",
    from: "(before?.count ?? 0) + 1;\n  const backoff",
    to: "1;\n  const backoff",
    test: "test/delivery/exhausted.test.ts",
  },
  {
    rule: "requests in flight are one probe",
    file: "src/delivery/failing.ts",
    from: "if (before !== undefined && at.startedMs < before.sinceMs) return before;",
    to: "",
    test: "test/delivery/exhausted.test.ts",
  },
  {
    rule: "probes after 5, 15, 45 s",
    file: "src/remotewrite/backoff.ts",
    from: "FIRST_PROBE_MS = 5_000",
    to: "FIRST_PROBE_MS = 60_000",
    test: "test/remotewrite/judge.test.ts",
  },
  {
    rule: "Retry-After on every retried status",
    file: "src/remotewrite/judge.ts",
    from: 'return { kind: "retry", ...after, ...trouble("ServerError", `The endpoint failed',
    to: 'return { kind: "retry", ...trouble("ServerError", `The endpoint failed',
    test: "test/remotewrite/judge.test.ts",
  },
  {
    rule: "a web page is noticed",
    file: "src/remotewrite/post.ts",
    from: "webPage = await isWebPage(answer)",
    to: "await isWebPage(answer)",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "a series that is sent as it is never loses to an escaped one",
    file: "src/series/keyspace.ts",
    from: "if (origin > owner) return this.#lose(",
    to: "if (true) return this.#lose(",
    test: "test/series/labels.test.ts",
  },
  {
    rule: "the source's now is whole milliseconds",
    file: "src/source/clock.ts",
    from: "return Math.floor(now);",
    to: "return now;",
    test: "test/source/clock.test.ts",
  },
  {
    rule: "windows that end ahead of the source's clock are known",
    file: "src/source/clock.ts",
    from: "Math.max(0, now - Math.floor(last + monotonicMs))",
    to: "0",
    test: "test/source/clock.test.ts",
  },
  {
    rule: "reads look back by what windows were ahead of the source's clock",
    file: "src/reading/outages.ts",
    from: "if (aheadMs > GRAIN_MS) this.#ahead.push({ at: now, aheadMs });",
    to: "",
    test: "test/reading/outages.test.ts",
  },
  {
    rule: "reads look back so for as long as such windows are of interest",
    file: "src/reading/outages.ts",
    from: "now - at < sinceMs + aheadMs",
    to: "now === at",
    test: "test/reading/outages.test.ts",
  },
  {
    rule: "lateness counts from before an outage",
    file: "src/reading/outages.ts",
    from: "Math.min(window.from, outage ?? window.from) - lateness",
    to: "window.from - lateness",
    test: "test/reading/outages.test.ts",
  },
  {
    rule: "attempted windows are read again to the same ends",
    file: "src/exporter/attempts.ts",
    from: "this.#attempted.windows.map(({ to }) => to).filter((to) => to > cursor)",
    to: "[]",
    test: "test/exporter/attempts.test.ts",
  },
  {
    rule: "windows that are read again end where they ended",
    file: "src/reading/schedule.ts",
    from: "const end = reader.ends.find((e) => e > reader.read);",
    to: "const end = undefined as number | undefined;",
    test: "test/reading/schedule.test.ts",
  },
  {
    rule: "what was attempted is saved before the request",
    file: "src/delivery/delivery.ts",
    from: "    this.#announce(job);\n",
    to: "",
    test: "test/exporter/attempts.test.ts",
  },
  {
    rule: "refused samples are found by bisecting the series",
    file: "src/delivery/batch-splitter.ts",
    from: "return halvesBySeries(span);\n",
    to: "return [span];\n",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "an endpoint that refuses a write without samples is held",
    file: "src/delivery/endpoint.ts",
    from: 'if (asked.verdict.kind !== "delivered") return { ...outcome, verdict: asked.verdict };',
    to: "",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "a learned size grows again",
    file: "src/delivery/learned-size.ts",
    from: "if (++this.#deliveries < this.#growAfter) return false;",
    to: "return false;",
    test: "test/delivery/learned-size.test.ts",
  },
  {
    rule: "a size is learned from timeouts",
    file: "src/delivery/delivery.ts",
    from: "this.#requests.tooLarge(job, piece, sent.bytes);",
    to: "",
    test: "test/delivery/learned-size.test.ts",
  },
  {
    rule: "credentials that change are tried at once",
    file: "src/delivery/delivery.ts",
    from: "this.#pace.retryNow(true);\n    this.retryNow();",
    to: "",
    test: "test/delivery/exhausted.test.ts",
  },
  {
    rule: "a series that was refused before is tried first",
    file: "src/delivery/refusals.ts",
    from: " ?? this.#suspectRun(span)",
    to: "",
    test: "test/exporter/refused-series.test.ts",
  },
  {
    rule: "a slow sink sees through what it has begun",
    file: "src/delivery/jobs.ts",
    from: "keepStarted || rest.size === 1",
    to: "rest.size === 1",
    test: "test/delivery/queue.test.ts",
  },
  {
    rule: "names in dead letters are escaped as the sink's are",
    file: "src/deadletter/reading.ts",
    from: "{ ...plainRules, escaping }",
    to: "plainRules",
    test: "test/deadletter/reading.test.ts",
  },
  {
    rule: "an empty write proves nothing at a path that is for something else",
    file: "src/delivery/endpoint.ts",
    from: 'verdict.kind === "bisect" && sender.elsewhere !== undefined && !this.#proved',
    to: "false",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "a probe of a sink that is held for 413 changes nothing",
    file: "src/status/attempts/attempts.ts",
    from: 'if (sink.phase.name === "holding" && sink.phase.message === answer.message) return sink;',
    to: "",
    test: "test/remotewrite/answers.test.ts",
  },
  {
    rule: "no history stands still after a leap of the clock",
    file: "src/status/clock-leap.ts",
    from: "...ringsSetBack(sink, ringsOfSink, at),",
    to: "",
    test: "test/status/history.test.ts",
  },
  {
    rule: "a label set ends at its own brace",
    file: "src/source/scan/usual.ts",
    from: "    if (values === OTHER_LAYOUT) {\n",
    to: "    if (false) {\n",
    test: "test/source/layouts.test.ts",
  },
  {
    rule: "what was passed over does not depend on cuts",
    file: "src/source/scan/usual.ts",
    from: "if (newer === 0) this.#o.passedOver?.(",
    to: "if (newer > 0) this.#o.passedOver?.(",
    test: "test/source/layouts.test.ts",
  },
  {
    rule: "a response that ends with a reset is interrupted",
    file: "src/http/connection.ts",
    from: "if (this.#error === undefined && this.#exchange !== undefined",
    to: "if (this.#exchange !== undefined",
    test: "test/source/faults.test.ts",
  },
  {
    rule: "a forbidden label filters in label_match() too",
    file: "src/metricsql/checks/label-use.ts",
    from: "  label_match: { at: [1] },\n",
    to: "",
    test: "test/metricsql/check.test.ts",
  },
  {
    rule: "a join on a forbidden label filters too",
    file: "src/metricsql/checks/label-use.ts",
    from: 'e.kind === "binaryop" && e.group?.labels.includes(label)',
    to: "false",
    test: "test/metricsql/check.test.ts",
  },
  {
    rule: "401 of a source is about access, not the query",
    file: "src/source/failures.ts",
    from: "    case 401:\n",
    to: "    case 499:\n",
    test: "test/source/faults.test.ts",
  },
  {
    rule: "a redirect of a source says where to",
    file: "src/source/failures.ts",
    from: "!URL.canParse(location, url)",
    to: "true",
    test: "test/source/faults.test.ts",
  },
  {
    rule: "user info in --source-url is refused",
    file: "src/cli/agent/http-clients.ts",
    from: 'if (url.username !== "" || url.password !== "")',
    to: "if (false)",
    test: "test/cli/http-clients.test.ts",
  },
  {
    rule: "an empty bearer file is an error",
    file: "src/cli/agent/http-clients.ts",
    from: 'if (secret === "") throw',
    to: "if (false) throw",
    test: "test/cli/http-clients.test.ts",
  },
  {
    rule: "one set-back an hour without proof",
    file: "src/source/clock.ts",
    from: "const SET_BACK_EVERY_MS = 3_600_000;",
    to: "const SET_BACK_EVERY_MS = 1;",
    test: "test/source/clock.test.ts",
  },
  {
    rule: "replicas are noticed",
    file: "src/source/clock.ts",
    from: "const REPLICA_CHANGES = 3;",
    to: "const REPLICA_CHANGES = 3_000;",
    test: "test/source/clock.test.ts",
  },
  {
    rule: "a failed read waits for the next tick",
    file: "src/reading/schedule.ts",
    from: "reader.notBeforeMs = Math.ceil(mono + waitMs);",
    to: "reader.notBeforeMs = 0;",
    test: "test/reading/windows.test.ts",
  },
  {
    rule: "paths of VictoriaMetrics that are for something else are known",
    file: "src/policy/endpoint.ts",
    from: "return ELSEWHERE.has(plain) ? path : undefined;",
    to: "return undefined;",
    test: "test/policy/documents.test.ts",
  },
  {
    rule: "an asctime date is GMT",
    file: "src/remotewrite/judge.ts",
    from: "ASCTIME.test(text) ?",
    to: "false ?",
    test: "test/remotewrite/judge.test.ts",
  },
  {
    rule: "a client certificate that is missing is ours",
    file: "src/http/failure.ts",
    from: "  if (ABOUT_OURS.test(said))\n",
    to: "  if (false)\n",
    test: "test/http/tls.test.ts",
  },
  {
    rule: "a chain that is too long has its own words",
    file: "src/http/failure.ts",
    from: "if (/PATH_LENGTH_EXCEEDED/.test(code))",
    to: "if (false)",
    test: "test/http/tls.test.ts",
  },
  {
    rule: "name constraints have their own words",
    file: "src/http/failure.ts",
    from: "(permitted|excluded) subtree violation/.test(said)",
    to: "(never)/.test(code)",
    test: "test/http/tls.test.ts",
  },
  {
    rule: "a cause is kept",
    file: "src/http/failure.ts",
    from: "          : message,\n    cause: error,",
    to: "          : message,\n    cause: undefined,",
    test: "test/http/tls.test.ts",
  },
  {
    rule: "a page is reduced to its words",
    file: "src/http/words.ts",
    from: "isPage(text) ? pageWords(text) : text",
    to: "text",
    test: "test/http/words.test.ts",
  },
  {
    rule: "a refusal in gzip is read",
    file: "src/http/answer.ts",
    from: "const isGzip = /^(x-)?gzip$/.test(this.#coding);",
    to: "const isGzip = false;",
    test: "test/http/client.test.ts",
  },
  {
    rule: "what is sent to a source is the printed query",
    file: "src/cli/querycheck.ts",
    from: "return { query: toSafeString(parse(query, { ...LIMITS, fold: false })), extraFilters: [] };",
    to: "return { query, extraFilters: [] };",
    test: "test/cli/querycheck.test.ts",
  },
  {
    rule: "the order of sending follows from all labels",
    file: "src/hotpath/assembly/order.ts",
    from: "return c !== 0 ? c : compareLists(a, b, true);",
    to: "return c;",
    test: "test/series/order.test.ts",
  },
  {
    rule: "windows behind a cursor that may not be saved are known",
    file: "src/exporter/attempts.ts",
    from: "const SETTLED_KEPT = 12;",
    to: "const SETTLED_KEPT = 0;",
    test: "test/exporter/attempts.test.ts",
  },
  {
    rule: "of every series it is remembered what was taken before a restart",
    file: "src/source/scan/fast.ts",
    from: "late === undefined || late.expected !== undefined",
    to: "late?.expected?.(0) !== -1",
    test: "test/reading/source-port.test.ts",
  },
  {
    rule: "series that lose to another one are in the dead letters",
    file: "src/source/scan/usual.ts",
    from: "if (lost !== undefined && fresh > 0) this.collisions.add(lost);",
    to: "",
    test: "test/source/collisions.test.ts",
  },
];

const root = resolve(import.meta.dirname, "..");
const copy = mkdtempSync(join(tmpdir(), "outflow-mutations-"));
for (const part of ["src", "tui", "test", "package.json", "tsconfig.json", "bunfig.toml"])
  cpSync(join(root, part), join(copy, part), { recursive: true });
symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));

let survived = 0;
const wanted = process.argv.slice(2);
for (const { rule, file, from, to, test } of mutations.filter(
  (m) => wanted.length === 0 || wanted.some((rule) => m.rule.startsWith(rule)),
)) {
  const path = join(copy, file);
  const text = readFileSync(path, "utf8");
  if (!text.includes(from)) {
    survived++;
    console.log(
      `| ${rule} | \`${file}\` no longer has \`${from.trim().replaceAll("\n", " ").replaceAll("|", "\\|")}\` | NOT APPLIED |`,
    );
    continue;
  }
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
  const bun = (...args: string[]) => spawnSync(process.execPath, args, { cwd: copy, encoding: "utf8" });
  const assembled = file.startsWith("src/hotpath/");
  if (assembled && bun("src/hotpath/build.ts").status !== 0) throw new Error(`${rule}: it does not compile`);
  const run = bun("test", "--timeout", "60000", test);
  writeFileSync(path, text);
  if (assembled) bun("src/hotpath/build.ts");
  const caught = /^\(fail\) (.*?)(?: \[[\d.]+m?s\])?$/m.exec(run.stderr + run.stdout)?.[1];
  if (caught === undefined) survived++;
  const change = `${from.trim()} → ${to.trim() || "nothing"}`.replaceAll("\n", " ").replaceAll("|", "\\|");
  console.log(`| ${rule} | \`${file}\`: \`${change}\` | ${caught === undefined ? "SURVIVED" : `${test}: ${caught}`} |`);
}
rmSync(copy, { recursive: true });
process.exit(survived > 0 ? 1 : 0);
