// The compiled binary with a wrong path at VictoriaMetrics, which answers it with 400: nothing is dropped, also over a kill, and all
// of it arrives once the policy is corrected.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { binary, eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { fleetPolicy, missing, row, size } from "../servers/contents.ts";
import { needs } from "../servers/found.ts";
import { type Server, startVictoriaMetrics, type VictoriaMetrics } from "../servers/servers.ts";

const SELECTOR = '{job="fleet"}';

const policy = (url: string): string =>
  fleetPolicy(SELECTOR, { vm: url }, "{ maxSize: 50, timeout: 500ms }", "{ maxAttempts: 3, backoffDuration: 500ms }");

type Seen = {
  phase: { name: string };
  account: { dropped: Record<string, number> };
  conditions: { type: string; status: string; reason: string; message: string }[];
};

describe("a wrong path at VictoriaMetrics", needs("victoria-metrics"), () => {
  const dir = tempDir();
  let source: VictoriaMetrics;
  let vm: Server;
  let agent: Running | undefined;

  before(async () => {
    [source, vm] = await Promise.all([startVictoriaMetrics(), startVictoriaMetrics()]);
  });
  after(async () => {
    await agent?.stop("SIGKILL");
    await Promise.all([source.remove(), vm.remove()]);
    dir.remove();
  });

  test("is held with what to do, also by the next life after a kill; once corrected all samples arrive and none was dropped", async () => {
    const file = join(dir.path, "p.yaml");
    writeFileSync(file, policy(`${vm.url}/api/v1/wirte`));
    const start = () =>
      runAgent(
        ["--policies", file, "--source-url", source.url, "--state-dir", join(dir.path, "state")].concat([
          "--poll-interval",
          "2s",
          "--settle",
          "2s",
          "--start",
          "1m",
        ]),
      );
    const sink = async () =>
      ((await (await fetch(`${agent!.adminUrl}/api/v1/snapshot`)).json()) as { sinks: [Seen] }).sinks[0];
    const holds = () => eventually("the sink holds", sink, ({ phase }) => phase.name === "holding");
    let written = 0;
    const write = async () => {
      const rows = Array.from({ length: 120 }, (_, i) => row("m", { i: String(i) }, [[Date.now(), i]]));
      await source.import(rows);
      written += rows.length;
    };

    await write();
    agent = await start();
    const { conditions } = await holds();
    const ready = conditions.find((c) => c.type === "Ready");
    assert.match(ready?.message ?? "", /check the path of endpoint.*unsupported path requested: "\/api\/v1\/wirte"/);
    await write();
    await agent.stop("SIGKILL");
    await write();
    agent = await start();
    await holds();
    await write();
    const want = await eventually(
      "all is visible at the source",
      () => source.read(SELECTOR),
      (c) => size(c) === written,
    );
    const replay = ["replay", "--policies", file, "--source-url", source.url, "--state-dir", join(dir.path, "replay")];
    const { status, stdout, stderr } = spawnSync(binary, [...replay, "--policy", "p", "--from", "1m", "--to", "now"], {
      encoding: "utf8",
    });
    assert.equal(status, 1, stdout);
    assert.match(stdout, /delivered 0 \+ dropped 0 \+ returned/, "nor does a replay drop anything");
    assert.match(stderr, /check the path of endpoint.*The same command continues from there/);

    writeFileSync(file, policy(vm.writeUrl));
    await eventually(
      "all samples are at the sink",
      () => vm.read(SELECTOR),
      (have) => missing(want, have).length === 0,
    );
    const { account } = await sink();
    assert.deepEqual(
      Object.values(account.dropped).filter((n) => n > 0),
      [],
    );
  });
});
