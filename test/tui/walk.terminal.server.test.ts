// A walk through the faults, as an operator sees them: the compiled agent in a real terminal, a real VictoriaMetrics as source, one
// sink for each fault. What the screen says of each is asserted; WALK=FILE writes the screens down.
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import snappy from "snappyjs";
import { buildBinary } from "../servers/binary.ts";
import { needs } from "../servers/found.ts";
import { freePort, startVictoriaMetrics } from "../servers/servers.ts";
import { haveTmux, Terminal } from "./tmux.ts";

const LIMIT = { timeout: 400_000 };

/** A receiver in all its moods, by path. */
class Receiver {
  /** Paths that answer as they should. */
  readonly well = new Set<string>();
  #turn: Promise<void> = Promise.resolve();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  async start(): Promise<number> {
    await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces);
    const path = (request.url ?? "").split("/")[1] ?? "";
    const say = (status: number, text = "", headers = {}) => void response.writeHead(status, headers).end(text);
    if (this.well.has(path) && path !== "behind") return say(204);
    switch (path) {
      case "auth":
        return say(401, "wrong password");
      case "path":
        return say(404, "page not found");
      case "limited":
        return say(429, "slow down", { "retry-after": "30" });
      case "small":
        return body.length > 400 ? say(413, "request entity too large") : say(204);
      case "picky":
        return (snappy.uncompress(body) as Buffer).includes("cpu7")
          ? say(400, 'series "load7" is not allowed here')
          : say(204);
      case "behind": {
        if (!this.well.has(path)) return say(503, "down for maintenance");
        // One after the other: it catches up in seconds, not at once.
        const turn = this.#turn;
        this.#turn = turn.then(() => pause(500));
        await this.#turn;
        return say(204);
      }
      default:
        return say(204);
    }
  }
}

const NAMES = ["gone", "auth", "path", "limited", "small", "picky", "behind", "well"] as const;

const policy = (port: number, closed: number) => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: walk }
spec:
  sources:
    - name: metrics
      metrics: { metricsql: '{job="node"}' }
  sinks:
${NAMES.map(
  (name) => `    - name: ${name}
      sources: [metrics]
      target:
        prometheusRemoteWrite:
          endpoint: http://127.0.0.1:${name === "gone" ? closed : port}/${name}/api/v1/write
          batch: { maxSize: 40, timeout: 500ms }
          retry: { maxAttempts: 10, backoffDuration: 1s }
`,
).join("")}`;

describe("a walk through the faults", { skip: needs("victoria-metrics").skip || !haveTmux }, () => {
  test("what the screen says of each", LIMIT, async () => {
    const vm = await startVictoriaMetrics();
    const receiver = new Receiver();
    const port = await receiver.start();
    const dir = mkdtempSync(join(tmpdir(), "outflow-walk-"));
    const file = join(dir, "walk.yaml");
    const good = policy(port, await freePort());
    writeFileSync(file, good);
    const feeding = new AbortController();
    const feed = async () => {
      for (; !feeding.signal.aborted; await pause(500)) {
        const ts = Date.now();
        const series = Array.from({ length: 20 }, (_, i) => ({
          labels: { __name__: `load${i}`, job: "node", cpu: `cpu${i}` },
          samples: [[ts, i]] as [number, number][],
        }));
        await vm.import(series).catch(() => {}); // it is away later on
      }
    };
    const fed = feed();
    const terminal = new Terminal(120, 40);
    const walk = process.env.WALK;
    const note = (title: string, screen: string) => {
      if (walk !== undefined) appendFileSync(walk, `## ${title}\n\n${screen.trimEnd()}\n\n`);
    };
    /** The row, and `w` on it; esc goes back. */
    const looks = async (name: string, row: RegExp, why: RegExp) => {
      const list = await terminal.shows(row, 90_000);
      terminal.type(`:why walk/${name}`);
      terminal.press("Enter");
      const screen = await terminal.shows(why, 60_000);
      note(name, `${list.split("\n").find((l) => row.test(l)) ?? ""}\n${screen}`);
      terminal.press("Escape");
      await terminal.shows(/condition +status/);
      terminal.press("Escape");
      await terminal.shows(/state|sink +reason/);
    };
    try {
      const flags = `--policies ${dir} --state-dir ${dir}/s --source-url ${vm.url} --listen off --poll-interval 1s --settle 1s --ready-lag 6s --max-window 10s`;
      terminal.run(`clear; XDG_CONFIG_HOME=${dir}/cfg ${buildBinary()} run ${flags}; echo "exit $?"`);
      await terminal.shows(/default\/walk\/well +Delivering/, 90_000);
      await looks(
        "gone",
        /✗.*default\/walk\/gone +EndpointUnreachable/,
        /EndpointUnreachable[\s\S]*Cause +[^\n]*ECONNREFUSED[\s\S]*At risk +No data[\s\S]*Next +Attempt \d+ of 10/,
      );
      await looks(
        "auth",
        /✗.*default\/walk\/auth +AuthenticationRejected .*held/,
        /Cause +[^\n]*401[\s\S]*wrong\s+password[\s\S]*Next [\s\S]*probe[\s\S]*To do/,
      );
      await looks(
        "path",
        /✗.*default\/walk\/path +NotFound .*held/,
        /Cause +[^\n]*404[\s\S]*To do +[\s\S]*\/api\/v1\/write/,
      );
      await looks("limited", /default\/walk\/limited +RateLimited/, /Cause +[^\n]*429[\s\S]*30 s[\s\S]*Next +Attempt/);
      await looks(
        "small",
        /●.*default\/walk\/small +Delivering/,
        /Why is default\/walk\/small[\s\S]*Evidence [\s\S]*status 204/,
      );
      await looks(
        "picky",
        /●.*default\/walk\/picky +Delivering +[1-9]/,
        /(?=[\s\S]*Rejected [\s\S]*load7)(?=[\s\S]*not\s+allowed\s+here)[\s\S]*samples?\s+dropped\s+since\s+outflow\s+started:\s+rejected/,
      );

      await terminal.shows(/✗.*default\/walk\/behind +ServerError/, 60_000);
      // Long enough that it takes some seconds to catch up.
      await terminal.shows(/default\/walk\/behind +ServerError +0 +(3\d|[45]\d)s/, 90_000);
      receiver.well.add("behind");
      terminal.type(":retry walk/behind");
      terminal.press("Enter");
      await terminal.shows("Retry default/walk/behind now?");
      terminal.press("y");
      const catching = await terminal.shows(/◐.*default\/walk\/behind +(CatchingUp|\d+s behind)/, 60_000);
      note("catching up", catching);
      note(
        "catching up, later",
        await terminal.shows(/default\/walk\/behind +\d+s behind, [\d.]+k?\/s, \d+s left/, 60_000),
      );
      await terminal.shows(/●.*default\/walk\/behind +Delivering/, 120_000);

      terminal.type(":pause walk/well");
      terminal.press("Enter");
      await terminal.shows("Pause default/walk/well?");
      terminal.press("y");
      await looks("well", /=.*default\/walk\/well +Paused/, /paused\s+by\s+a\s+user[\s\S]*Next [\s\S]*resumed/);
      terminal.type(":resume walk/well");
      terminal.press("Enter");
      await terminal.shows("Resume default/walk/well?");
      terminal.press("y");
      await terminal.shows(/default\/walk\/well +(Delivering|CatchingUp|\d+s behind|Pending|Idle)/, 60_000);

      writeFileSync(file, good.replace("sources: [metrics]", "sources: [metrcs]"));
      terminal.press("4");
      const problems = await terminal.shows(
        /1 problem[\s\S]*walk\.yaml:\d+:\d+[\s\S]*metrcs[\s\S]*did you mean "metrics"\?/,
        60_000,
      );
      note("policy error on reload", problems);
      assert.match(problems, /the last good version runs/);
      writeFileSync(file, good);
      await terminal.hides("1 problem in policies");
      terminal.press("1");

      await vm.stop();
      const away = await terminal.shows(/✗ source http\S+ +SourceUnavailable for \d+s: /, 90_000);
      assert.match(away, /Connection refused|ECONNREFUSED/);
      note("source away", await terminal.shows(/SourceUnavailable for [1-9]\d*s/, 60_000));
      terminal.press("<");
      await terminal.shows(/◀ \d\d:\d\d:\d\dZ, \d+s ago/);
      terminal.press("Escape");
      terminal.press("q");
      await terminal.shows("exit 0", 60_000);
      assert.deepEqual(terminal.modes(), { alternate: false, cursor: true });
    } finally {
      feeding.abort();
      await fed;
      terminal.close();
      receiver.close();
      await vm.remove();
      rmSync(dir, { recursive: true, force: true });
      rmSync(terminal.dir, { recursive: true, force: true });
    }
  });
});
