// A state directory on a file system that is really full, then really read-only: the compiled binary runs on with cursors in memory,
// says so, and saves again when there is room. Mounts a small tmpfs; skipped where that is not allowed.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { fleetPolicy } from "../servers/contents.ts";

const mount = (...args: string[]) => execFileSync("mount", args, { stdio: "pipe" });
const unmount = (path: string) => execFileSync("umount", ["-l", path], { stdio: "pipe" });

const allowed = ((): boolean => {
  const dir = tempDir();
  try {
    mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", dir.path);
    unmount(dir.path);
    return true;
  } catch {
    return false;
  } finally {
    dir.remove();
  }
})();

describe("the state directory", { skip: allowed ? false : "no right to mount a tmpfs" }, () => {
  const dir = tempDir();
  const disk = join(dir.path, "disk");
  const state = join(disk, "state");
  let source: Server;
  let sink: Server;
  let agent: Running | undefined;
  let mounted = false;

  before(async () => {
    mkdirSync(disk);
    mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", disk);
    mounted = true;
    source = createServer(async (request, response) => {
      let body = "";
      for await (const piece of request) body += piece;
      const form = new URLSearchParams(body);
      response.setHeader("x-server-hostname", "disk");
      if (!form.get("query")?.endsWith("ms]"))
        return void response.end('{"status":"success","data":{"resultType":"scalar","result":[0,"1"]}}');
      const series = Array.from(
        { length: 500 },
        (_, i) => `{"metric":{"__name__":"m","i":"${i}"},"values":[[${form.get("time")},"1"]]}`,
      );
      response.end(`{"status":"success","data":{"resultType":"matrix","result":[${series.join(",")}]}}`);
    });
    sink = createServer((request, response) => {
      request.resume();
      request.once("end", () => response.writeHead(204).end());
    });
    await Promise.all([source, sink].map((s) => new Promise<void>((done) => s.listen(0, "127.0.0.1", done))));
  });

  after(async () => {
    await agent?.stop("SIGKILL");
    for (const server of [source, sink]) {
      server.closeAllConnections();
      server.close();
    }
    if (mounted) unmount(disk);
    dir.remove();
  });

  const url = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const delivered = async () =>
    (await agent!.metrics()).get('outflow_sink_samples_delivered_total{policy="default/p",sink="s"}') ?? 0;
  const flows = async (when: string) => {
    const before = await delivered();
    await eventually(`it delivers ${when}`, delivered, (now) => now > before);
  };
  const says = (what: RegExp, from: number) =>
    eventually(
      `the log says ${what}`,
      () => agent!.log.slice(from),
      (log) => what.test(log),
    );

  test("full: it runs on, says so once, and saves again; read-only: it runs with cursors in memory", async () => {
    const file = join(dir.path, "p.yaml");
    writeFileSync(
      file,
      fleetPolicy("m", { s: url(sink) }, "{ maxSize: 500, timeout: 200ms }", "{ maxAttempts: 3, backoffDuration: 1s }"),
    );
    const args = ["--policies", file, "--source-url", url(source), "--state-dir", state, "--poll-interval", "1s"];
    agent = await runAgent(args);
    await eventually("it is up", delivered, () => true);
    await flows("at first");

    const filler = join(disk, "filler");
    try {
      writeFileSync(filler, new Uint8Array(2 << 20));
    } catch (error) {
      assert.equal((error as { code?: string }).code, "ENOSPC");
    }
    let at = 0;
    await says(/in memory only until this is fixed/, at);
    await flows("while the disk is full");
    rmSync(filler);
    at = agent.log.length;
    await says(/State is saved again/, at);
    assert.equal((await agent.metrics()).get("outflow_state_store_up"), 1);

    assert.equal(agent.log.match(/in memory only until this is fixed/g)?.length, 1, "once");
    assert.equal(await agent.stop(), 0);

    mount("-o", "remount,ro", disk);
    agent = await runAgent(args);
    await eventually("it is up on a read-only disk", delivered, () => true);
    await flows("while the disk is read-only");
    await says(/cursors are in memory only/, 0);
    assert.equal((await agent.metrics()).get("outflow_state_store_up"), 0);
    assert.equal(await agent.stop(), 0);

    mount("-o", "remount,rw", disk);
    agent = await runAgent(args); // what was saved before is good
    await eventually("it is up again", delivered, () => true);
    await flows("after all");
    assert.equal((await agent.metrics()).get("outflow_state_store_up"), 1);
    assert.doesNotMatch(agent.log, /damaged|set aside/);
  });
});
