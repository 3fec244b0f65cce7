// A log that cannot be written never ends the agent, and output that nobody reads changes no verdict: the compiled binary with a full
// device, a reader that has ended and one that does not read.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { logOutput } from "../../src/cli/log-output.ts";
import { buildBinary, eventually, runAgent, tempDir } from "../servers/binary.ts";
import { freePort } from "../servers/servers.ts";

const dir = tempDir();
after(() => dir.remove());
mkdirSync(join(dir.path, "policies"));

type Snapshot = { log?: { state: string; message: string }; stateStore: { state: string; message: string } };

/** `outflow run` with its stderr on `target`; a shell opens it. */
async function start(name: string, target: string, before = "") {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = `run --no-tui --log-level debug --listen 127.0.0.1:${port} --policies ${dir.path}/policies --source-url http://127.0.0.1:9 --state-dir ${dir.path}/${name} --poll-interval 1s`;
  const child = spawn("bash", ["-c", `${before} exec "$0" ${args} ${target}`, buildBinary()], {
    stdio: "ignore",
    env: { PATH: process.env.PATH ?? "", HOME: dir.path },
  });
  const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  const snapshot = () => fetch(`${url}/api/v1/snapshot`).then((r) => r.json() as Promise<Snapshot>);
  const reload = () => fetch(`${url}/-/reload`, { method: "POST" });
  return { child, ended, snapshot, reload, url };
}

describe("a log that cannot be written: the agent runs, says so in its status, and SIGTERM ends it with 0", () => {
  const cases: [name: string, target: string, said: RegExp][] = [
    ["a full disk", "2>/dev/full", /The log cannot be written \(ENOSPC\)/],
    ["a reader that has ended", "2> >(exit 0)", /The log cannot be written \(EPIPE\)/],
  ];
  for (const [name, target, said] of cases)
    test(name, async () => {
      const agent = await start(name.replaceAll(" ", "-"), target);
      const { log } = await eventually(
        "it says so",
        async () => {
          await agent.reload(); // a line of the log
          return agent.snapshot();
        },
        (s) => s.log?.state === "failing",
      );
      assert.match(log!.message, said);
      const { stderr, status } = spawnSync(buildBinary(), ["status", "--url", agent.url], { encoding: "utf8" });
      assert.match(stderr, said, "outflow status says it");
      assert.equal(status, 1, "no sink is ready");
      agent.child.kill("SIGTERM");
      assert.equal(await agent.ended, 0);
    });

  test("a pipe that is full and that nobody reads", async () => {
    const fifo = join(dir.path, "fifo");
    execFileSync("mkfifo", [fifo]);
    const holder = openSync(fifo, "r+"); // holds it open, reads nothing
    const fill = `dd if=/dev/zero of=${fifo} bs=65536 count=1 oflag=nonblock 2>/dev/null;`;
    const agent = await start("full-pipe", `2>${fifo}`, fill);
    await eventually(
      "it lives",
      () => fetch(`${agent.url}/healthz`).then((r) => r.status),
      (s) => s === 200,
    );
    for (let i = 0; i < 20; i++) await agent.reload();
    agent.child.kill("SIGTERM");
    const before = performance.now();
    assert.equal(await agent.ended, 0);
    assert.ok(performance.now() - before < 60_000);
    assert.ok(holder > 0);
  });
});

describe("logOutput()", () => {
  const lines: { text: string; done: (error?: Error) => void }[] = [];
  const stream = { write: (text: string, done: (error?: Error) => void) => void lines.push({ text, done }) };

  test("holds at most a megabyte for a reader that does not read; says what was lost when it reads again", () => {
    const states: string[] = [];
    const log = logOutput(stream);
    log.follow(({ message }) => states.push(message));
    const line = "x".repeat(1023);
    for (let i = 0; i < 2000; i++) log.write(`${line}\n`);
    assert.equal(lines.length, 1024);
    assert.match(states.join(), /^The log cannot be written \(its reader does not read\)/);
    for (const { done } of lines.splice(0)) done();
    assert.equal(states.at(-1), "The log is written again; 976 lines were lost.");
    log.write("next\n");
    assert.equal(lines[0]?.text, "next\n");
    lines.splice(0)[0]!.done();
  });

  test("end() waits for what is written, and not for what never will be", async () => {
    const log = logOutput(stream);
    assert.equal(await log.end(new Promise(() => {})), true, "nothing waits");
    log.write("a");
    assert.equal(await log.end(Promise.resolve()), false);
    const ending = log.end(new Promise(() => {}));
    lines.splice(0)[0]!.done();
    assert.equal(await ending, true);
    log.write("b");
    lines.splice(0)[0]!.done(Object.assign(new Error("full"), { code: "ENOSPC" }));
    log.write("c");
    assert.equal(await log.end(new Promise(() => {})), false, "lines are lost anyway");
  });

  test("who follows late hears that lines are lost", () => {
    lines.length = 0;
    const log = logOutput(stream);
    log.write("a");
    lines.splice(0)[0]!.done(Object.assign(new Error("full"), { code: "ENOSPC" }));
    const states: string[] = [];
    log.follow(({ state }) => states.push(state));
    assert.deepEqual(states, ["failing"]);
  });
});

describe("output that nobody reads", () => {
  test("outflow check BAD | head -1 keeps its verdict", () => {
    writeFileSync(join(dir.path, "bad.yaml"), "kind: ExportPolicy\n---\n".repeat(2000));
    writeFileSync(join(dir.path, "good.yaml"), "");
    for (const reader of ["head -1", "true", "head -c 10"]) {
      const pipe = `"$0" check ${dir.path}/bad.yaml 2>&1 | ${reader} >/dev/null; echo \${PIPESTATUS[0]}`;
      assert.equal(execFileSync("bash", ["-c", pipe, buildBinary()], { encoding: "utf8" }), "1\n", reader);
    }
    const json = `"$0" check --format json ${dir.path}/bad.yaml | head -c 10 >/dev/null; echo \${PIPESTATUS[0]}`;
    assert.equal(execFileSync("bash", ["-c", json, buildBinary()], { encoding: "utf8" }), "1\n");
  });

  test("everything is written before the process ends: a slow reader gets it all", () => {
    const target = "{ prometheusRemoteWrite: { endpoint: https://example.com/write } }";
    const policy = (i: number) => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: p${i} }
spec:
  sources: [{ name: m, metrics: { metricsql: up } }]
  sinks: [{ name: s, sources: [m], target: ${target} }]
---
`;
    writeFileSync(join(dir.path, "many.yaml"), Array.from({ length: 900 }, (_, i) => policy(i)).join(""));
    const slow = `"$0" check --print ${dir.path}/many.yaml 2>/dev/null | (sleep 1; wc -c)`;
    const quick = `"$0" check --print ${dir.path}/many.yaml 2>/dev/null | wc -c`;
    const bytes = (command: string) =>
      Number(execFileSync("bash", ["-c", command, buildBinary()], { encoding: "utf8" }));
    const all = bytes(quick);
    assert.ok(all > 200_000); // more than a pipe holds
    assert.equal(bytes(slow), all);
  });
});

describe("the state directory", () => {
  test("is deleted while outflow runs: it is noticed, said and made again", async () => {
    const state = join(dir.path, "deleted");
    const args = ["--policies", join(dir.path, "policies"), "--source-url", "http://127.0.0.1:9", "--state-dir", state];
    const agent = await runAgent(args);
    await eventually(
      "it lives",
      () => fetch(`${agent.adminUrl}/healthz`).then((r) => r.status),
      (s) => s === 200,
    );
    rmSync(state, { recursive: true });
    await eventually(
      "it says so",
      () => agent.log,
      (log) => /was deleted while outflow runs: it is made again/.test(log),
    );
    assert.ok(existsSync(join(state, "state.sqlite")));
    assert.equal(await agent.stop(), 0);
  });
});
