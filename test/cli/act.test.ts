// outflow pause, resume, retry and reload as scripts call them: the compiled binary against an admin server that records what it is asked.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { ID, Served } from "../admin/agent.ts";
import { buildBinary, tempDir } from "../servers/binary.ts";
import { freePort } from "../servers/servers.ts";

const OTHER = "default/edge/archive";
let served: Served;
const dir = tempDir();
before(() => void buildBinary());
after(() => dir.remove());
beforeEach(async () => {
  served = new Served();
  served.load([ID, OTHER]);
  await served.start();
});
afterEach(() => served.stop());

function outflow(args: string[], env: Record<string, string> = { OUTFLOW_URL: served.url }) {
  const child = spawn(buildBinary(), args, { env: { PATH: process.env.PATH ?? "", HOME: dir.path, ...env } });
  const soFar = { out: "", err: "" };
  child.stdout.on("data", (d) => {
    soFar.out += String(d);
  });
  child.stderr.on("data", (d) => {
    soFar.err += String(d);
  });
  return new Promise<{ code: number | null; out: string; err: string }>((done) =>
    child.once("close", (code) => done({ ...soFar, code })),
  );
}

describe("pause, resume, retry", () => {
  for (const action of ["pause", "resume", "retry"])
    test(`${action}: a sink by its short name; exit 0`, async () => {
      assert.deepEqual(await outflow([action, "edge/cloud"]), { code: 0, out: `${ID} done.\n`, err: "" });
      assert.deepEqual(served.acts, [`${action} ${ID}`]);
    });

  test("a policy is all of its sinks, each once; what was not done is on stderr, exit 1", async () => {
    const { code, out, err } = await outflow(["pause", "edge", ID]);
    assert.deepEqual(served.acts, [`pause ${ID}`, `pause ${OTHER}`]);
    assert.deepEqual([code, out, err], [1, `${ID} done.\n`, `outflow: ${OTHER}: no such sink runs.\n`]);
  });

  test("--all", async () => {
    assert.equal((await outflow(["retry", "--all"])).code, 1);
    assert.deepEqual(served.acts, [`retry ${ID}`, `retry ${OTHER}`]);
  });

  test("a name that nothing has: 2, and nothing is done, of the others neither", async () => {
    const { code, err } = await outflow(["pause", "edge/cloud", "edge/clod"]);
    assert.deepEqual([code, err], [2, "outflow: no policy or sink is named edge/clod: outflow status lists them.\n"]);
    assert.deepEqual(served.acts, []);
  });

  test("neither a name nor --all, or both: 2", async () => {
    for (const args of [["pause"], ["pause", "--all", "edge"]]) {
      const { code, err } = await outflow(args);
      assert.equal(code, 2);
      assert.match(err, /name the sinks or policies, or --all, and not both/);
    }
    assert.deepEqual(served.acts, []);
  });

  test("an agent without --allow-actions: 1, and what to do", async () => {
    await served.stop();
    await served.start({ allowActions: false });
    const { code, err } = await outflow(["pause", "edge/cloud"]);
    assert.deepEqual([code, err], [1, "outflow: actions are off: start outflow with --allow-actions.\n"]);
  });
});

describe("reload", () => {
  test("the agent's answer; exit 0", async () => {
    assert.deepEqual(await outflow(["reload"]), { code: 0, out: "Loaded 1 policy.\n", err: "" });
  });

  test("policies with problems: 1", async () => {
    await served.stop();
    const message = "1 problem in the policies; the last good version keeps running.";
    const actions = { act: async () => ({ ok: true, message: "" }), reload: async () => ({ ok: false, message }) };
    await served.start({ actions });
    assert.deepEqual(await outflow(["reload"]), { code: 1, out: "", err: `outflow: ${message}\n` });
  });

  test("with a token", async () => {
    await served.stop();
    await served.start({ token: () => "a-right-token" });
    writeFileSync(join(dir.path, "token"), "a-right-token\n");
    assert.equal((await outflow(["reload", "--token-file", join(dir.path, "token")])).code, 0);
    const { code, err } = await outflow(["reload"]);
    assert.equal(code, 2);
    assert.match(err, /it requires a token: use --token-file/);
  });
});

describe("one way to name an agent", () => {
  const asking = [["status"], ["top", "--once"], ["reload"], ["pause", "edge/cloud"]];

  for (const args of asking)
    test(`${args[0]}: --url, OUTFLOW_URL, and OUTFLOW_STATUS_URL where OUTFLOW_URL is not set`, async () => {
      const nobody = `http://127.0.0.1:${await freePort()}`;
      const reached = async (more: string[], env: Record<string, string>) =>
        !/connection refused/.test((await outflow([...args, ...more], env)).err);
      assert.ok(await reached(["--url", served.url], { OUTFLOW_URL: nobody, OUTFLOW_STATUS_URL: nobody }), "--url");
      assert.ok(await reached([], { OUTFLOW_URL: served.url, OUTFLOW_STATUS_URL: nobody }), "OUTFLOW_URL");
      assert.ok(await reached([], { OUTFLOW_STATUS_URL: served.url }), "OUTFLOW_STATUS_URL");
      assert.ok(!(await reached([], { OUTFLOW_URL: nobody })), "another agent's address is not the default");
    });
});
