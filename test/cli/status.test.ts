// outflow status as its users call it: the compiled binary against an admin server that is told what happened.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { loadText } from "../../src/policy/load.ts";
import { policyYaml } from "../../src/policy/print.ts";
import { dropReasons } from "../../src/status/events.ts";
import { Served } from "../admin/agent.ts";
import { buildBinary, eventually, tempDir } from "../servers/binary.ts";
import { sinkInfo, unauthorized } from "../status/scenes.ts";

const A = "default/edge/cloud";
const B = "default/edge/archive";
const text = `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: edge, annotations: { outflow/start: 1h } }
spec:
  sources:
    - name: metrics
      metrics: { metricsql: '{job="node",path=~"a\\\\b"} # all' }
  sinks:
    - name: cloud
      sources: [metrics]
      target: { prometheusRemoteWrite: { endpoint: "http://h/api/v1/write?tenant=secret" } }
    - name: archive
      sources: [metrics]
      target: { prometheusRemoteWrite: { endpoint: "http://h2/api/v1/write" } }
`;
const policy = loadText("edge.yaml", text, () => ({ ok: true, kind: "raw", warnings: [] })).policies[0]!;

let served: Served;
const dir = tempDir();
before(() => void buildBinary());
after(() => dir.remove());
beforeEach(async () => {
  served = new Served();
  served.event({ type: "agent-started", version: "0.1.0", sourceUrl: "http://vm:8428/", stateDir: "/s", listen: "x" });
  await served.start();
});
afterEach(() => served.stop());

function load(): void {
  served.event({
    type: "policies-loaded",
    policies: [{ id: "default/edge", generation: 3, file: "edge.yaml", sinks: [A, B], yaml: policyYaml(policy) }],
    problems: [],
    files: 1,
    ok: true,
  });
  for (const id of [A, B]) served.event({ type: "sink-started", sink: sinkInfo(id, { generation: 3 }) });
}

function delivers(id: string): void {
  const more = { id, samples: 10, bytes: 90, inFlight: 0 };
  served.event({
    type: "window-read",
    id,
    source: "metrics",
    from: 0,
    to: 1,
    read: 10,
    series: 10,
    bytes: 9,
    durationMs: 3,
    sourceNow: 1,
    dropped: {},
  });
  served.event({
    type: "attempt-ended",
    ...more,
    attempt: 1,
    maxAttempts: 3,
    durationMs: 5,
    result: { kind: "delivered", status: 204 },
  });
  served.event({ type: "cursor-moved", id, source: "metrics", cursor: served.now - 5_000, sourceNow: served.now });
}

function holds(id: string): void {
  served.event({
    type: "attempt-ended",
    id,
    samples: 10,
    bytes: 90,
    inFlight: 0,
    attempt: 1,
    maxAttempts: 3,
    durationMs: 5,
    result: { kind: "failed", ...unauthorized },
  });
  served.event({
    type: "holding",
    id,
    since: served.now,
    probeAt: served.now + 60_000,
    reason: unauthorized.reason,
    message: unauthorized.message,
  });
}

type Ended = { code: number | null; out: string; err: string };
type Started = { child: ChildProcess; ended: Promise<Ended>; soFar: Ended };

function start(...args: string[]): Started {
  const child = spawn(buildBinary(), ["status", "--url", served.url, ...args], {
    env: { PATH: process.env.PATH ?? "", HOME: dir.path },
  });
  const soFar: Ended = { code: null, out: "", err: "" };
  child.stdout.on("data", (d) => {
    soFar.out += String(d);
  });
  child.stderr.on("data", (d) => {
    soFar.err += String(d);
  });
  const ended = new Promise<Ended>((done) => child.once("close", (code) => done({ ...soFar, code })));
  return { child, ended, soFar };
}
const status = (...args: string[]) => start(...args).ended;

describe("exit code and table", () => {
  test("all ready: 0", async () => {
    load();
    delivers(A);
    delivers(B);
    served.now += 65_000;
    served.event({ type: "tick" });
    const { code, out } = await status();
    assert.equal(code, 0);
    assert.equal(
      out,
      `SINK                   READY   REASON       SINCE   LAG
default/edge/cloud     True    Delivering   1m05s   1m10s
default/edge/archive   True    Delivering   1m05s   1m10s
All 2 sinks are ready.
`,
    );
  });
  test("one is not: 1; wide says more", async () => {
    load();
    delivers(A);
    holds(B);
    const { code, out } = await status("--output", "wide");
    assert.equal(code, 1);
    assert.match(
      out,
      /^default\/edge\/archive +False +AuthenticationRejected +0s +- +holding +0 +0 +0 +0 +3 +https:\/\/archive/m,
    );
  });
  test("worst first, a summary with each cause once; --sort and --not-ready", async () => {
    load();
    delivers(A);
    holds(B);
    const first = (out: string) =>
      out
        .split("\n")
        .slice(1, -1)
        .map((line) => line.split(/ {2,}/)[0]);
    const cause = `  ${B}: AuthenticationRejected for 0s: ${unauthorized.message}`;
    assert.deepEqual(
      (await status()).out
        .split("\n")
        .slice(1)
        .map((line) => line.replace(/ {3,}.*/, "")),
      [B, A, "1 of 2 sinks ready, 1 not ready.", cause, ""],
    );
    assert.deepEqual(first((await status("--sort", "rate")).out).slice(0, 2), [A, B]);
    assert.deepEqual(first((await status("--not-ready")).out)[0], B);
    assert.doesNotMatch((await status("--not-ready")).out, new RegExp(`^${A}`, "m"));
    assert.equal((await status("--not-ready")).code, 1);
  });
  test("only what is named counts", async () => {
    load();
    delivers(A);
    holds(B);
    for (const name of ["edge/cloud", "default/edge/cloud", "cloud"]) assert.equal((await status(name)).code, 0, name);
    for (const name of ["edge", "default/edge", "edge/archive"]) assert.equal((await status(name)).code, 1, name);
    const nothing = await status("edge/nowhere");
    assert.equal(nothing.code, 2);
    assert.match(nothing.err, /no policy or sink is named edge\/nowhere/);
  });
  test("nobody there: 2, and what to do", async () => {
    await served.stop();
    const { code, err, out } = await status();
    assert.deepEqual([code, out], [2, ""]);
    assert.match(err, /no state from http:.*connection refused \(ECONNREFUSED\): is outflow running/);
  });
  test("problems of the policies are told, beside the answer", async () => {
    load();
    delivers(A);
    delivers(B);
    const place = { file: "edge.yaml", line: 1, column: 1, path: "spec" };
    served.event({
      type: "policies-loaded",
      policies: [{ id: "default/edge", generation: 3, file: "edge.yaml", sinks: [A, B] }],
      problems: [{ severity: "problem", ...place, message: "no" }],
      files: 1,
      ok: false,
    });
    const { code, err } = await status();
    assert.equal(code, 0);
    assert.match(err, /1 problem in the policies: the last good version keeps running; --explain shows it\.\n$/);
    assert.match(
      (await status("--explain")).err,
      /: the last good version keeps running\.\n {2}edge\.yaml:1:1: spec: no\n$/,
    );
  });
  test("no sink at all: 1, never that all are ready; the problems say why", async () => {
    const place = { file: "edge.yaml", line: 9, column: 35, path: "spec" };
    served.event({
      type: "policies-loaded",
      policies: [],
      problems: [{ severity: "problem", ...place, message: "no" }],
      files: 1,
      ok: false,
    });
    const nothing = "No sinks: no policy is loaded.\n";
    const problem = "outflow: 1 problem in the policies: nothing runs.\n  edge.yaml:9:35: spec: no\n";
    assert.deepEqual(await status("--explain"), { code: 1, out: nothing, err: problem });
    assert.equal((await status("--wait", "--timeout", "300ms")).code, 1);
  });
});

describe("--explain", () => {
  test("without a name: all that are not ready", async () => {
    load();
    delivers(A);
    holds(B);
    const { code, out } = await status("--explain");
    assert.equal(code, 1);
    assert.match(
      out,
      /^default\/edge\/archive: Not ready for 0s: AuthenticationRejected\n {2}Cause {5}The endpoint rejected the credentials \(401\)/,
    );
    assert.match(out, /^ {2}To do {5}Correct username and password/m);
    assert.doesNotMatch(out, /edge\/cloud/);
  });
  test("with a name: that one, ready or not; all ready: says so", async () => {
    load();
    delivers(A);
    delivers(B);
    assert.match((await status("--explain", "edge/cloud")).out, /^default\/edge\/cloud: Ready for 0s: Delivering\n/);
    assert.equal((await status("--explain")).out, "All 2 sinks are ready.\n");
  });
});

describe("--output yaml and json", () => {
  test("a valid ExportPolicyList with status, without secrets", async () => {
    load();
    delivers(A);
    holds(B);
    const { out } = await status("-o", "yaml");
    assert.doesNotMatch(out, /secret/);
    const list = parse(out) as {
      kind: string;
      items: {
        spec: object;
        status: { conditions: { type: string }[]; sinks: { name: string; conditions: object[] }[] };
      }[];
    };
    assert.equal(list.kind, "ExportPolicyList");
    const again = loadText("list.yaml", out, () => ({ ok: true, kind: "raw", warnings: [] }));
    assert.deepEqual(
      again.problems.filter((p) => p.severity === "problem"),
      [],
    );
    assert.deepEqual(
      again.policies[0]?.sources.map((s) => s.query),
      policy.sources.map((s) => s.query),
    );
    const [item] = list.items;
    assert.deepEqual(
      item?.status.conditions.map((c) => c.type),
      ["Ready"],
    );
    assert.deepEqual(
      item?.status.sinks.map((s) => s.name),
      ["cloud", "archive"],
    );
    assert.deepEqual(item?.status.sinks[0]?.conditions[1], {
      type: "Ready",
      status: "True",
      reason: "Delivering",
      message: "Data is arriving: the endpoint accepts the batches.",
      lastTransitionTime: "2026-11-23T14:00:00Z",
      observedGeneration: 3,
    });
    const { version, sinks, causes } = (list as unknown as { status: Record<string, unknown> }).status;
    assert.deepEqual([version, sinks], [1, { total: 2, ready: 1, notReady: 1, pending: 0 }]);
    assert.deepEqual(causes, [
      {
        kind: "sinks",
        status: "False",
        reason: "AuthenticationRejected",
        message: unauthorized.message,
        since: "2026-11-23T14:00:00Z",
        sinks: [B],
      },
    ]);
    const { conditions: _, ...cloud } = item!.status.sinks[0] as Record<string, unknown>;
    assert.deepEqual(cloud, {
      name: "cloud",
      phase: "flowing",
      reason: "Delivering",
      lagSeconds: 5,
      samplesPerSecond: 0,
      lastSuccessTime: "2026-11-23T14:00:00Z",
      failedAttemptsInRow: 0,
      samples: {
        read: 10,
        delivered: 10,
        dropped: Object.fromEntries(dropReasons.map((reason) => [reason, 0])),
        returned: 0,
        pending: 0,
        late: 0,
      },
      skippedSeconds: 0,
      sources: [{ name: "metrics", series: 10, lagSeconds: 5, cursor: "2026-11-23T13:59:55.000Z" }],
    });
    assert.deepEqual(JSON.parse((await status("-o", "json")).out), list);
    assert.deepEqual(await (await fetch(`${served.url}/api/v1/status`)).json(), list);
  });
});

describe("--wait", () => {
  test("until all are ready, also until the policies are loaded", async () => {
    const waiting = start("--wait");
    await served.looked(2);
    load();
    delivers(A);
    await served.looked(2);
    assert.equal(waiting.child.exitCode, null);
    delivers(B);
    const { code, out } = await waiting.ended;
    assert.equal(code, 0);
    assert.match(out, /archive +True/);
    assert.deepEqual(waiting.soFar.err.split("\n"), [
      "outflow: waiting for the agent to load its policies",
      `outflow: waiting for 1 of 2 sinks: ${B} (Pending)`,
      "",
    ]);
  });
  test("not within --timeout: 1, with what is", async () => {
    load();
    const { code, out, err } = await status("--wait", "--timeout", "300ms");
    assert.equal(code, 1);
    assert.match(out, /cloud +Unknown +Pending/);
    assert.match(err, /\noutflow: not within 300ms \(--timeout\)\n$/);
  });
});

describe("what has no effect is refused", () => {
  const cases: [string[], string][] = [
    [["--timeout", "1s"], "--timeout has no effect without --wait: remove it, or add --wait."],
    [
      ["-o", "json", "--sort", "lag"],
      "--sort orders the rows of a table and has no effect with --output json: remove it.",
    ],
    [["--explain", "-o", "json"], "--explain and --output: use one of them."],
    [["--explain", "--not-ready"], "--explain and --not-ready: use one of them."],
    [["--explain", "--fleet"], "--explain and --fleet: use one of them."],
    [["--explain", "edge", "edge"], "--explain: name the policy or sink once."],
    [["--fleet", "--sort", "lag"], "--fleet and --sort: use one of them."],
    [["--fleet", "edge"], "--fleet shows the whole fleet: remove the name."],
  ];
  for (const [args, message] of cases)
    test(args.join(" "), async () => {
      const { code, out, err } = await status(...args);
      assert.deepEqual([code, out, err], [2, "", `outflow: ${message}\n(outflow status --help lists the flags)\n`]);
    });
});

describe("--watch", () => {
  test("continues with what changed; ends with the last state's code", async () => {
    load();
    delivers(A);
    delivers(B);
    const watching = start("--watch");
    await eventually(
      "the table",
      () => watching.soFar.out,
      (out) => out.split("\n").length === 5,
    );
    holds(B);
    await eventually(
      "the row that changed",
      () => watching.soFar.out,
      (out) => /archive +False +AuthenticationRejected/.test(out),
    );
    assert.equal(watching.soFar.out.split("\n").length, 6);
    watching.child.kill("SIGINT");
    assert.equal((await watching.ended).code, 1);
  });
  test("yaml: documents", async () => {
    load();
    delivers(A);
    const watching = start("--watch", "-o", "yaml");
    await eventually(
      "the first",
      () => watching.soFar.out,
      (out) => out.includes("Pending"),
    );
    delivers(B);
    await eventually(
      "the second",
      () => watching.soFar.out,
      (out) => out.includes("AllSinksReady"),
    );
    watching.child.kill("SIGTERM");
    const { code, out } = await watching.ended;
    assert.equal(code, 0);
    assert.equal(parseAllDocuments(out).length, 2);
  });
});

test("a token", async () => {
  await served.stop();
  await served.start({ token: () => "a-right-token" });
  load();
  delivers(A);
  delivers(B);
  const file = join(dir.path, "token");
  writeFileSync(file, "a-right-token\n");
  assert.equal((await status("--token-file", file)).code, 0);
  const { code, err } = await status();
  assert.equal(code, 2);
  assert.match(err, /it requires a token: use --token-file/);
});
