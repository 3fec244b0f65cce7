// Names that remote write 1.0 does not allow, through the compiled binary: series that become one by escaping are named wherever a user
// looks, and with utf8 all of them arrive.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { binary, eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { fleetPolicy, missing, row, size } from "../servers/contents.ts";
import { needs } from "../servers/found.ts";
import { type Server, startVictoriaMetrics, type VictoriaMetrics } from "../servers/servers.ts";

const SELECTOR = '{job="fleet"}';
const NAMES = ["http_requests", "http.requests", "日本", "中国"];

describe("names that have to be escaped", needs("victoria-metrics"), () => {
  const dir = tempDir();
  let source: VictoriaMetrics;
  let sink: Server;
  let agent: Running | undefined;

  before(async () => {
    [source, sink] = await Promise.all([startVictoriaMetrics(), startVictoriaMetrics()]);
    const now = Date.now() - 60_000;
    await source.import(NAMES.map((name) => row(name, {}, [[now, 1]])));
    await eventually(
      "the samples are visible",
      () => source.read(SELECTOR),
      (c) => size(c) === NAMES.length,
    );
    writeFileSync(
      join(dir.path, "p.yaml"),
      fleetPolicy(
        SELECTOR,
        { s: sink.writeUrl },
        "{ maxSize: 100, timeout: 1s }",
        "{ maxAttempts: 3, backoffDuration: 1s }",
      ),
    );
  });

  after(async () => {
    await agent?.stop("SIGKILL");
    await Promise.all([source.remove(), sink.remove()]);
    dir.remove();
  });

  const run = (state: string, ...flags: string[]) =>
    runAgent([
      ...["--policies", join(dir.path, "p.yaml"), "--source-url", source.url, "--poll-interval", "1s", "--start", "5m"],
      ...["--state-dir", join(dir.path, state), "--dead-letter-dir", join(dir.path, "letters"), ...flags],
    ]);

  test("those that become one are named in the log, in --explain and in the dead letters, with the remedy", async () => {
    agent = await run("a");
    await eventually(
      "what is not lost arrives",
      () => sink.read(SELECTOR),
      (c) => c.size === 2,
    );
    const remedy =
      'The series http.requests{job="fleet"} is dropped (name_collision): another one becomes http_requests{job="fleet"} already. Rename one, or keep both with --name-escaping utf8 or values.';
    const said = await eventually(
      "said",
      () => ({
        log: agent!.log,
        explain: execFileSync(binary, ["status", "--explain", "--url", agent!.adminUrl], { encoding: "utf8" }),
        letters: readFileSync(join(dir.path, "letters/default/p/s/index.jsonl"), "utf8"),
      }),
      ({ letters }) => letters.trimEnd().split("\n").length >= 2,
    );
    assert.ok(said.log.includes(JSON.stringify(remedy).slice(1, -1)), said.log);
    assert.ok(said.explain.replace(/\s+/g, " ").includes(remedy), said.explain);
    const entries = said.letters
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { reason: string; message: string; lost: string });
    assert.deepEqual(
      entries.filter(({ lost }) => lost.startsWith("http")).map(({ reason, message }) => ({ reason, message })),
      [{ reason: "name_collision", message: remedy }],
    );
    assert.equal(entries.length, 2, "one of the two that become __ is lost as well");
    assert.equal(await agent.stop(), 0);
  });

  test("with --name-escaping utf8 all of them arrive as they are", async () => {
    agent = await run("b", "--name-escaping", "utf8");
    const want = await source.read(SELECTOR);
    await eventually(
      "all are there",
      () => sink.read(SELECTOR),
      (have) => missing(want, have).length === 0,
    );
    assert.ok(!agent.log.includes("name_collision"), agent.log);
    assert.equal(await agent.stop(), 0);
  });
});
