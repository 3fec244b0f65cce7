// outflow top, compiled, on a real agent: it attaches, acts, survives the agent's end as often as that comes, and prints for scripts.
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { strFromU8, unzipSync } from "fflate";
import type { FleetStatus } from "../../src/status/fleet.ts";
import { spellings } from "../platform/spellings.ts";
import { buildBinary } from "../servers/binary.ts";
import { freePort } from "../servers/servers.ts";
import { sinkInfo } from "../status/scenes.ts";
import { AgentServer } from "./agent-server.ts";
import { fleet, fleetInTrouble } from "./frames.tsx";
import { haveTmux, Terminal } from "./tmux.ts";

const LIMIT = { timeout: 200_000 };
const run = promisify(execFile);

const POLICY = `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: edge }
spec:
  sources:
    - name: metrics
      metrics: { metricsql: '{job="node"}' }
  sinks:
    - name: cloud
      sources: [metrics]
      target: { prometheusRemoteWrite: { endpoint: "http://127.0.0.1:9/write" } }
`;

/** An agent whose source is away: enough for everything a screen shows but throughput. */
class RealAgent {
  readonly dir = mkdtempSync(join(tmpdir(), "outflow-top-"));
  url = "";
  #child: ChildProcess | undefined;

  async start(...flags: string[]): Promise<this> {
    writeFileSync(join(this.dir, "edge.yaml"), POLICY);
    if (this.url === "") this.url = `127.0.0.1:${await freePort()}`;
    const args = ["run", "--no-tui", "--listen", this.url, "--policies", this.dir, "--state-dir", join(this.dir, "s")];
    this.#child = spawn(buildBinary(), [...args, "--source-url", "http://127.0.0.1:9", ...flags], { stdio: "ignore" });
    const end = performance.now() + 30_000;
    for (;;) {
      const answer = await fetch(`http://${this.url}/healthz`).catch(() => undefined);
      if (answer?.ok) return this;
      assert.ok(performance.now() < end, "the agent does not start");
      await pause(50);
    }
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

const top = async (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
  try {
    return { code: 0, ...(await run(buildBinary(), ["top", ...args])) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
};

describe("outflow top for scripts", () => {
  test("--once prints the state, --json the snapshot, -n as often", LIMIT, async () => {
    await using agent = await new RealAgent().start();
    const once = await top(agent.url, "--once");
    assert.equal(once.code, 0, once.stderr);
    assert.match(once.stdout, /^outflow \d[\s\S]*edge\/cloud/);
    assert.doesNotMatch(once.stdout, /\x1b|q quit/);
    const json = await top(`http://${agent.url}/`, "--json");
    const snapshot = JSON.parse(json.stdout) as { sinks: { id: string }[]; actions: boolean };
    assert.deepEqual(
      snapshot.sinks.map((s) => s.id),
      ["default/edge/cloud"],
    );
    const twice = await top(agent.url, "-n", "2", "--interval", "100ms");
    assert.equal(twice.stdout.match(/^outflow \d/gm)?.length, 2);
    const lines = await top(agent.url, "--json", "-n", "3", "--interval", "100ms");
    assert.equal(
      lines.stdout
        .trimEnd()
        .split("\n")
        .map((l) => JSON.parse(l)).length,
      3,
    );
  });

  test("no agent: one clear line, exit 2", LIMIT, async () => {
    const { code, stdout, stderr } = await top(`127.0.0.1:${await freePort()}`, "--once");
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /^outflow: no state from http:\/\/127\.0\.0\.1:\d+: connection refused \(ECONNREFUSED\).*\n$/);
  });

  test("a token is asked for, and read from --token-file", LIMIT, async () => {
    const agent = new RealAgent();
    const file = join(agent.dir, "token.txt");
    writeFileSync(file, "long-enough-token-for-a-test-0123456789\n", { mode: 0o600 });
    await using _ = await agent.start("--admin-token-file", file);
    const refused = await top(agent.url, "--once");
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /--token-file/);
    assert.equal((await top(agent.url, "--once", "--token-file", file)).code, 0);
  });
});

describe("outflow top in a terminal", { skip: !haveTmux }, () => {
  let terminal: Terminal;
  beforeEach(() => {
    terminal = new Terminal(110, 30);
  });
  afterEach(() => {
    terminal.close();
    rmSync(terminal.dir, { recursive: true });
  });

  test(
    "an agent that is killed and started again five times: it says so and continues automatically",
    LIMIT,
    async () => {
      await using agent = await new RealAgent().start();
      terminal.run(`clear; ${buildBinary()} top ${agent.url}; echo "exit $?"`);
      await terminal.shows(/at http:\/\/127[\s\S]*edge\/cloud/);
      for (let round = 1; round <= 5; round++) {
        await agent.kill();
        const screen = await terminal.shows("RECONNECTING");
        assert.match(screen, /edge\/cloud/, "the last known state stays");
        assert.match(terminal.styled(), /\x1b\[2m(?:(?!\x1b\[0)[\s\S])*edge\/cloud/, "and is greyed");
        await agent.start();
        await terminal.hides("RECONNECTING");
        await terminal.shows("edge/cloud");
      }
      terminal.press("q");
      await terminal.shows("exit 0");
      assert.deepEqual(terminal.modes(), { alternate: false, cursor: true });
    },
  );

  test("an agent that is not there: said, with what to check, and shown as soon as it is there", LIMIT, async () => {
    const agent = new RealAgent();
    agent.url = `127.0.0.1:${await freePort()}`;
    terminal.run(`clear; ${buildBinary()} top ${agent.url}; echo "exit $?"`);
    const screen = await terminal.shows(/No agent at http:\/\/127\.0\.0\.1:\d+: connection refused \(ECONNREFUSED\)/);
    assert.match(screen, /NOT CONNECTED for \d+s, (next attempt in|connecting now)/);
    assert.match(screen, /This screen keeps trying/);
    await using _ = await agent.start();
    await terminal.shows(/default\/edge\/cloud/);
    await terminal.hides("NOT CONNECTED");
    terminal.press("q");
    await terminal.shows("exit 0");
  });

  test("a fleet: in the header, on 6, a member opens, and a hand-over is seen", LIMIT, async () => {
    const agent = await new AgentServer().start();
    try {
      const { snapshot } = fleet();
      const as = (status: FleetStatus | undefined) => {
        assert.ok(status);
        agent.event({ type: "fleet", fleet: { ...status, validUntil: Date.now() + 3_600_000 } });
      };
      agent.event({
        ...{ type: "agent-started", version: "9.9.9", sourceUrl: "http://127.0.0.1:8428", stateDir: "/s" },
        listen: "off",
      });
      as(snapshot.fleet);
      terminal.run(`clear; ${buildBinary()} top ${agent.url}; echo "exit $?"`);
      await terminal.shows(/● fleet 3 members/);
      terminal.press("6");
      await terminal.shows(/● this agent +edge-1-9f3a77b1 +24 .*\d+m\d\ds left/);
      terminal.press("Down");
      await terminal.shows(/› ● member +edge-2-0c41d2e8[\s\S]*✗ +default\/region-4\/warehouse +EndpointUnreachable/);
      terminal.press("Enter");
      await terminal.shows(/Shards +1, 4, 7[\s\S]*esc close/);
      terminal.press("Escape");
      as(fleetInTrouble().snapshot.fleet);
      await terminal.shows(/✗ fleet +this agent may not export: [\s\S]*✗ silent +edge-3-b7756a10 +15/);
      terminal.press("/");
      terminal.type("leaving");
      terminal.press("Enter");
      await terminal.shows(/› ◐ leaving +edge-2-0c41d2e8/);
      await terminal.hides("edge-3-b7756a10 ");
      terminal.press("q");
      await terminal.shows("exit 0");
    } finally {
      await agent.stop();
    }
  });

  test(
    "what is chosen is kept for the next session; a message hides neither filter nor keys; Q leaves the frame",
    LIMIT,
    async () => {
      const agent = await new AgentServer().start();
      try {
        agent.event({
          ...{ type: "agent-started", version: "9.9.9", sourceUrl: "http://127.0.0.1:8428", stateDir: "/s" },
          listen: "off",
        });
        agent.event({ type: "sink-started", sink: sinkInfo("default/edge/cloud") });
        agent.event({ type: "sink-started", sink: sinkInfo("default/edge/archive") });
        const command = `XDG_CONFIG_HOME=${terminal.dir}/config ${buildBinary()} top ${agent.url}`;
        // Incident files are saved in the working directory.
        terminal.run(`cd ${terminal.dir}; clear; ${command}; echo "first $?"`);
        await terminal.shows(/sink +reason +dropped/);
        const steps: [keys: string[], wanted: RegExp][] = [
          [["c"], /\[x\] dropped/],
          [["j", "j", "j", "Space"], /\[ \] dropped/],
          [["Escape"], /sink +reason +lag/],
          [[":", "t", "h", "e", "m", "e", " ", "c", "o", "n", "t", "r", "a", "s", "t", "Enter"], /q quit/],
          [["/", "a", "r", "c", "h", "Enter"], /\/arch +1 of 2/],
          [["C-s"], /Saved as [\s\S]*\/arch +1 of 2/],
        ];
        for (const [keys, wanted] of steps) {
          for (const key of keys) terminal.press(key);
          await terminal.shows(wanted);
        }
        const contrast = /\x1b\[[0-9;]*97m/;
        const end = performance.now() + 40_000;
        while (!contrast.test(terminal.styled())) {
          assert.ok(performance.now() < end, terminal.styled());
          await pause(40);
        }
        terminal.press("Q");
        const left = await terminal.shows("first 0");
        assert.match(left, /default\/edge\/archive/, "Q leaves the last frame");
        terminal.run(`clear; ${command}; echo "second $?"`);
        await terminal.shows(/sink +reason +lag/);
        terminal.press("q");
        await terminal.shows("second 0");
      } finally {
        await agent.stop();
      }
    },
  );

  test("a dumb terminal prints plain text and waits for an agent", LIMIT, async () => {
    await using agent = await new RealAgent().start();
    terminal.run(`clear; TERM=dumb ${buildBinary()} top ${agent.url} --interval 200ms | cat -v | head -30`);
    const screen = await terminal.shows("default/edge/cloud");
    assert.doesNotMatch(screen, /\^\[/, "no code of any kind");
  });

  test("an incident file opens elsewhere, shows each moment, and has no planted secret in it", LIMIT, async () => {
    const dir = mkdtempSync(join(tmpdir(), "outflow-incident-"));
    const password = "hunter2-pl4nted-Pa55word";
    const authorization = Buffer.from(`agent:${password}`).toString("base64");
    const spelled = Object.values(spellings);
    // It says back what it was sent, as some proxies do in their error pages: to each sink in another spelling.
    const echo = createServer((request, response) => {
      const spell = spelled[Number((request.url ?? "").split("/").at(-1))] ?? String;
      const text = `no: ${spell(password)}; ${spell(request.headers.authorization ?? "")}`;
      request.resume().on("end", () => response.writeHead(401).end(text));
    });
    await new Promise<void>((done) => echo.listen(0, "127.0.0.1", done));
    const { port } = echo.address() as AddressInfo;
    const source = createServer((request, response) => {
      let body = "";
      request.on("data", (piece) => {
        body += String(piece);
      });
      request.on("end", () => {
        const form = new URLSearchParams(body === "" ? (request.url ?? "").split("?")[1] : body);
        const time = Number(form.get("time") ?? Date.now() / 1000);
        const windowed = /\[\d+ms\]/.test(form.get("query") ?? "");
        const values = windowed
          ? `{"metric":{"__name__":"load","job":"node"},"values":[[${(time - 0.5).toFixed(3)},"1"]]}`
          : "";
        response.writeHead(200, { "content-type": "application/json" });
        response.end(
          `{"status":"success","data":{"resultType":"${windowed ? "matrix" : "vector"}","result":[${windowed ? values : `{"metric":{},"value":[${time},"1"]}`}]}}`,
        );
      });
    });
    await new Promise<void>((done) => source.listen(0, "127.0.0.1", done));
    const from = source.address() as AddressInfo;
    writeFileSync(
      join(dir, "edge.yaml"),
      `${spelled
        .map((_, i) =>
          POLICY.replace("name: edge", `name: edge${i}`).replace(
            /target:.*\n/,
            `target:
        prometheusRemoteWrite:
          endpoint: http://127.0.0.1:${port}/write/${i}
          authentication: { basicAuth: { secretRef: { name: cloud } } }
          batch: { maxSize: 100, timeout: 500ms }
---
`,
          ),
        )
        .join("")}apiVersion: v1
kind: Secret
metadata: { name: cloud }
type: kubernetes.io/basic-auth
stringData: { username: agent, password: ${password} }
`,
    );
    writeFileSync(join(dir, "password"), password, { mode: 0o600 });
    try {
      const flags = `--policies ${dir} --state-dir ${dir}/s --source-url http://127.0.0.1:${from.port} --source-username someone --source-password-file ${dir}/password --source-kind victoriametrics --listen off --poll-interval 1s --settle 1s`;
      terminal.run(`cd ${terminal.dir}; clear; XDG_CONFIG_HOME=${dir}/c ${buildBinary()} run ${flags}; echo "exit $?"`);
      const first = await terminal.shows(new RegExp(`✗ ${spelled.length} auth|exit \\d`), 60_000);
      assert.match(first, /auth/);
      terminal.press("C-s");
      await terminal.shows(/Saved as .*outflow-incident-.*\.zip/);
      terminal.press("q");
      await terminal.shows("exit 0");
      const [name] = readdirSync(terminal.dir).filter((f) => f.endsWith(".zip"));
      const file = join(terminal.dir, name ?? "");
      const entries = unzipSync(readFileSync(file));
      const whole = Object.entries(entries).map(([n, bytes]) => `${n}\n${strFromU8(bytes)}`);
      assert.match(whole.join("\n"), /AuthenticationRejected[\s\S]*secretRef/);
      // Whatever stands between its letters and digits, and without the ends, which may depend on neighbours.
      const letters = (text: string) => text.replace(/[^A-Za-z0-9]/g, "");
      const searched = whole.map(letters);
      for (const secret of [password, authorization])
        for (const [name, spell] of Object.entries(spellings)) {
          const core = letters(spell(secret)).slice(8, -8);
          for (const [i, text] of searched.entries())
            assert.ok(!text.includes(core), `${name}: ${core} in ${whole[i]?.slice(0, 40)}`);
        }
      terminal.run(`clear; ${buildBinary()} top ${file}; echo "closed $?"`);
      await terminal.shows(/recording outflow-inc[\s\S]*default\/edge0\/cloud +AuthenticationRejected/);
      terminal.press("{");
      await terminal.shows(/The recording begins at|◀ \d\d:\d\d:\d\dZ, \d+s ago/);
      await terminal.shows(/default\/edge0\/cloud +Pending|no state yet|no sinks yet/);
      terminal.press("p");
      await terminal.shows("Actions are disabled: this is a recording.");
      terminal.press("q");
      await terminal.shows("closed 0");
      const once = await top(file, "--once");
      assert.match(once.stdout, /default\/edge0\/cloud +AuthenticationRejected/);
      const missing = await top(join(dir, "none.zip"), "--once");
      assert.equal(missing.code, 2);
      assert.match(missing.stderr, /cannot open .*none\.zip \(ENOENT\)/);
    } finally {
      for (const server of [echo, source]) {
        server.closeAllConnections();
        server.close();
      }
      rmSync(dir, { recursive: true, force: true });
    }
  });

  test("actions: asked first, done by the agent, seen by everybody", LIMIT, async () => {
    await using agent = await new RealAgent().start("--allow-actions");
    terminal.run(`clear; ${buildBinary()} top ${agent.url}; echo "ended $?"`);
    await terminal.shows("edge/cloud");
    terminal.press("p");
    await terminal.shows("Pause default/edge/cloud?");
    terminal.press("y");
    await terminal.shows(/› += +(paused +)?default\/edge\/cloud/);
    const json = await top(agent.url, "--json");
    assert.equal(JSON.parse(json.stdout).sinks[0].phase.name, "paused");
    terminal.press("p", "y");
    await terminal.shows("continues where it stopped");
    terminal.press("q");
    await terminal.shows("ended 0");
  });

  test("an agent that allows no actions: said, nothing asked", LIMIT, async () => {
    await using agent = await new RealAgent().start();
    terminal.run(`clear; ${buildBinary()} top ${agent.url}; echo "over $?"`);
    await terminal.shows("edge/cloud");
    terminal.press("p");
    assert.doesNotMatch(await terminal.shows("--allow-actions"), /Pause edge/);
    terminal.press("q");
    await terminal.shows("over 0");
  });
});
