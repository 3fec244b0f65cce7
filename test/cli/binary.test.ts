// The compiled binary as its users call it: what it prints, where, and with which exit code.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import packageJson from "../../package.json" with { type: "json" };
import { startFakeSource } from "../fakes/source.ts";
import { buildBinary, eventually, runAgent, tempDir } from "../servers/binary.ts";

const dir = tempDir();
after(() => dir.remove());

type Ended = { code: number | null; stdout: string; stderr: string };

/** Runs to its end in a folder of its own, with nothing of this machine's settings. */
function outflow(
  args: string[],
  options: { cwd?: string; env?: Record<string, string>; stdin?: string } = {},
): Promise<Ended> {
  const env = { PATH: process.env.PATH ?? "", HOME: dir.path, ...options.env };
  const child = spawn(buildBinary(), args, { cwd: options.cwd ?? dir.path, env });
  const ended: Ended = { code: null, stdout: "", stderr: "" };
  child.stdout.on("data", (d) => {
    ended.stdout += String(d);
  });
  child.stderr.on("data", (d) => {
    ended.stderr += String(d);
  });
  child.stdin.end(options.stdin ?? "");
  return new Promise((done) => child.once("close", (code) => done({ ...ended, code })));
}

const source = ["--source-url", "http://127.0.0.1:9"];

describe("outflow", () => {
  test("version", async () => {
    for (const args of [["version"], ["--version"]]) {
      const { code, stdout } = await outflow(args);
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`${packageJson.version.replaceAll(".", "\\.")}\n$`));
    }
  });

  test("help lists the commands; the help of each has an example", async () => {
    const { code, stdout } = await outflow(["--help"]);
    assert.equal(code, 0);
    const commands = [...stdout.matchAll(/^ {2}([a-z]+)(?: \[| <| {2,}|$)/gm)]
      .map((m) => m[1]!)
      .filter((c) => c !== "help");
    for (const needed of ["run", "check", "demo", "version"]) assert.ok(commands.includes(needed), needed);
    for (const command of new Set(commands)) {
      const help = await outflow([command, "--help"]);
      assert.equal(help.code, 0, command);
      assert.match(help.stdout, new RegExp(`outflow ${command}`), `${command}: an example`);
      assert.match(help.stdout, /[Ee]xamples?/, `${command}: an example`);
    }
  });

  test("an unknown flag or command: exit 2, and what to do", async () => {
    for (const args of [["run", "--polices", "x"], ["rnu"]]) {
      const { code, stderr, stdout } = await outflow(args);
      assert.equal(code, 2);
      assert.equal(stdout, "");
      assert.match(stderr, /Did you mean|unknown/);
      assert.match(stderr, /outflow( run)? --help lists/);
    }
  });
});

describe("a start that cannot be: one clear line, exit 2", () => {
  const cases: [string, string[], RegExp][] = [
    ["no policies anywhere", ["run", ...source], /no policies: .*--policies/],
    [
      "a policy path that does not exist",
      ["run", "--policies", "/nowhere/p.yaml", ...source],
      /\/nowhere\/p\.yaml does not exist/,
    ],
    ["no source", ["run", "--policies", "."], /no source: .*--source-url.*OUTFLOW_SOURCE_URL/],
    [
      "a source that is not a URL",
      ["run", "--policies", ".", "--source-url", "vm:8428"],
      /--source-url: not a valid http or https URL/,
    ],
    [
      "a duration without a unit",
      ["run", "--policies", ".", ...source, "--poll-interval", "15"],
      /--poll-interval: "15" is not a valid duration/,
    ],
    ["too short a poll interval", ["run", "--policies", ".", ...source, "--poll-interval", "100ms"], /at least 1s/],
    ["an invalid address", ["run", "--policies", ".", ...source, "--listen", "here"], /HOST:PORT/],
  ];
  for (const [name, args, line] of cases) {
    test(name, async () => {
      const { code, stderr, stdout } = await outflow([...args, "--no-tui"]);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, line);
      assert.doesNotMatch(stderr, /\n\s+at /, "no stack");
    });
  }

  test("a port that is taken", async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    await new Promise((done) => holder.once("listening", done));
    const { port } = holder.address() as AddressInfo;
    const args = ["run", "--no-tui", "--policies", dir.path, ...source, "--listen", `127.0.0.1:${port}`];
    const { code, stderr } = await outflow(args);
    holder.close();
    assert.equal(code, 2);
    assert.match(
      stderr,
      new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}: the address is in use by another process`),
    );
  });

  test("a state directory that another agent holds", async () => {
    const policies = join(dir.path, "held");
    mkdirSync(policies, { recursive: true });
    const args = ["--policies", policies, ...source, "--state-dir", join(dir.path, "held-state")];
    const first = await runAgent(args);
    await eventually(
      "the first agent lives",
      () => fetch(`${first.adminUrl}/healthz`).then((r) => r.status),
      (s) => s === 200,
    );
    const { code, stderr } = await outflow(["run", "--no-tui", "--listen", "off", ...args]);
    await first.stop();
    assert.equal(code, 2, stderr);
    assert.match(stderr, /state directory .*held-state/);
  });
});

describe("outflow run", () => {
  test("an empty policy directory idles, says so and what to do; SIGTERM ends it with 0", async () => {
    const empty = join(dir.path, "empty");
    mkdirSync(empty, { recursive: true });
    const agent = await runAgent(["--policies", empty, ...source, "--state-dir", join(dir.path, "s1")]);
    await eventually(
      "it says so",
      () => agent.log,
      (log) => /no polic/i.test(log),
    );
    assert.equal((await fetch(`${agent.adminUrl}/healthz`)).status, 200);
    assert.equal(await agent.stop("SIGTERM"), 0);
    assert.match(agent.log, /outflow is stopping: [\s\S]*outflow has stopped; everything that was read is settled\./);
  });

  test("a second signal ends at once, in the middle of a drain; state is in $XDG_STATE_HOME/outflow, for its user only", async () => {
    const folder = join(dir.path, "second");
    mkdirSync(folder, { recursive: true });
    const fake = await startFakeSource();
    const now = Date.now();
    const samples = Array.from({ length: 600 }, (_, i): [number, string] => [now - 540_000 + i * 1_000, "1"]);
    fake.rows.push({ labels: { __name__: "m" }, samples });
    let asked = 0;
    const silent = createServer(() => void asked++);
    await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
    const { port } = silent.address() as AddressInfo;
    const target = `{ prometheusRemoteWrite: { endpoint: "http://127.0.0.1:${port}/write" } }`;
    writeFileSync(
      join(folder, "p.yaml"),
      `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: a }
spec:
  sources: [{ name: m, metrics: { metricsql: m } }]
  sinks: [{ name: s, sources: [m], target: ${target} }]
`,
    );
    const agent = await runAgent(
      [
        "--policies",
        folder,
        "--source-url",
        fake.url,
        "--start",
        "5m",
        "--poll-interval",
        "1s",
        "--drain-timeout",
        "10m",
      ],
      { XDG_STATE_HOME: dir.path },
    );
    await eventually(
      "the sink is asked",
      () => asked,
      (n) => n > 0,
    );
    agent.child.kill("SIGTERM");
    await eventually(
      "it drains",
      () => agent.log,
      (log) => /outflow is stopping/.test(log),
    );
    assert.equal(agent.child.exitCode, null, "the sink holds up the drain");
    assert.equal(await agent.stop("SIGINT"), 1);
    assert.equal(statSync(join(dir.path, "outflow")).mode & 0o777, 0o700);
    assert.ok(statSync(join(dir.path, "outflow", "state.sqlite")).size > 0);
    silent.closeAllConnections();
    silent.close();
    await fake.close();
  });

  test("a warning of the policies is printed once, a problem at each load", async () => {
    const folder = join(dir.path, "warned");
    mkdirSync(folder, { recursive: true });
    const target = "{ prometheusRemoteWrite: { endpoint: http://127.0.0.1:9/write } }";
    writeFileSync(
      join(folder, "a.yaml"),
      `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: a }
spec:
  sources: [{ name: m, metrics: { metricsql: up } }]
  sinks: [{ name: s, sources: [m], target: ${target} }]
`,
    );
    writeFileSync(join(folder, "b.yaml"), "kind: ExportPolicy\n");
    const agent = await runAgent(["--policies", folder, ...source, "--state-dir", join(dir.path, "s-warned")]);
    const said = (what: RegExp) => agent.log.split("\n").filter((l) => what.test(l)).length;
    await eventually(
      "the first load",
      () => said(/b\.yaml:1/),
      (n) => n > 0,
    );
    const problems = said(/b\.yaml:1/);
    const reloaded = await fetch(`${agent.adminUrl}/-/reload`, { method: "POST" });
    assert.equal(reloaded.status, 422);
    await eventually(
      "the second",
      () => said(/b\.yaml:1/),
      (n) => n === 2 * problems,
    );
    assert.equal(said(/a\.yaml:.*gives up after/), 1);
    assert.equal(await agent.stop("SIGTERM"), 0);
  });

  test("SIGINT ends it with 0 too", async () => {
    const empty = join(dir.path, "empty");
    mkdirSync(empty, { recursive: true });
    const agent = await runAgent(["--policies", empty, ...source, "--state-dir", join(dir.path, "s2")]);
    await eventually(
      "it lives",
      () => fetch(`${agent.adminUrl}/healthz`).then((r) => r.status),
      (s) => s === 200,
    );
    assert.equal(await agent.stop("SIGINT"), 0);
  });

  test(".env and bunfig.toml in the working directory have no effect", async () => {
    const cwd = join(dir.path, "trap");
    mkdirSync(cwd, { recursive: true });
    writeFileSync(join(cwd, ".env"), "OUTFLOW_SOURCE_URL=http://127.0.0.1:9\nOUTFLOW_POLICIES=/nowhere/from-dotenv\n");
    writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
    writeFileSync(join(cwd, "preload.ts"), 'console.log("preloaded");\nprocess.exit(9);\n');
    const { code, stdout, stderr } = await outflow(["run", "--no-tui", "--policies", "."], { cwd });
    assert.equal(code, 2);
    assert.doesNotMatch(stdout + stderr, /preloaded|from-dotenv/);
    assert.match(stderr, /no source/);
  });

  test("no terminal: headless without the flag, and one line says so; with --no-tui it does not", async () => {
    const { stderr } = await outflow(["run", "--policies", ".", ...source, "--listen", "here"]);
    assert.match(stderr, /^outflow: headless: .* is not a terminal/m);
    const quiet = await outflow(["run", "--no-tui", "--policies", ".", ...source, "--listen", "here"]);
    assert.doesNotMatch(quiet.stderr, /headless/);
  });
});

describe("outflow demo", () => {
  test("ends on its own, balances and says so", async () => {
    const { code, stdout, stderr } = await outflow(["demo", "--for", "12s", "--no-tui"]);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /Everything balances/);
    for (const sink of ["steady", "flaky", "limited", "small", "picky", "locked"])
      assert.match(stdout, new RegExp(`^${sink} +[1-9]\\d* +[1-9]`, "m"));
  });

  test("SIGTERM in the middle drains and still balances", async () => {
    const child = spawn(buildBinary(), ["demo", "--no-tui"], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH ?? "", HOME: dir.path },
    });
    let out = "";
    let log = "";
    child.stdout.on("data", (d) => {
      out += String(d);
    });
    child.stderr.on("data", (d) => {
      log += String(d);
    });
    const closed = new Promise((done) => child.once("close", done));
    // Of whichever sink: those that become ready at one time share a line.
    await eventually(
      "data arrives",
      () => log,
      (l) => l.includes(": ready (Delivering)"),
    );
    child.kill("SIGTERM");
    assert.equal(await closed, 0, out + log);
    assert.match(out, /Everything balances/);
  });
});
