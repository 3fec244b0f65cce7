// The whole agent with its screen, compiled, in a terminal: a real VictoriaMetrics as source, a receiver that is broken and fixed.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { buildBinary } from "../servers/binary.ts";
import { needs } from "../servers/found.ts";
import { startVictoriaMetrics } from "../servers/servers.ts";
import { haveTmux, Terminal } from "./tmux.ts";

const LIMIT = { timeout: 200_000 };

const policy = (endpoint: string) => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: edge }
spec:
  sources:
    - name: metrics
      metrics: { metricsql: '{job="node"}' }
  sinks:
    - name: cloud
      sources: [metrics]
      target:
        prometheusRemoteWrite:
          endpoint: ${endpoint}
          batch: { maxSize: 100, timeout: 500ms }
          retry: { maxAttempts: 5, backoffDuration: 3s }
`;

describe("outflow run in a terminal", { skip: needs("victoria-metrics").skip || !haveTmux }, () => {
  test("delivering, broken, fixed, resized, quit: each is seen, and the terminal is as before", LIMIT, async () => {
    const vm = await startVictoriaMetrics();
    const dir = mkdtempSync(join(tmpdir(), "outflow-screen-"));
    let broken = false;
    const receiver = createServer((request, response) => {
      request.resume().on("end", () => response.writeHead(broken ? 503 : 204).end(broken ? "out of order today" : ""));
    });
    await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
    const { port } = receiver.address() as AddressInfo;
    writeFileSync(join(dir, "edge.yaml"), policy(`http://127.0.0.1:${port}/write`));
    const feeding = new AbortController();
    const feed = async () => {
      while (!feeding.signal.aborted) {
        await vm.import([{ labels: { __name__: "load", job: "node", cpu: "0" }, samples: [[Date.now(), 1]] }]);
        await new Promise((done) => setTimeout(done, 500));
      }
    };
    const fed = feed();
    const terminal = new Terminal(120, 32);
    try {
      const before = await terminal.settings();
      const flags = `--policies ${dir} --state-dir ${dir}/s --source-url ${vm.url} --listen off --poll-interval 1s --settle 1s`;
      terminal.run(`clear; ${buildBinary()} run ${flags}; echo "exit $?"`);
      await terminal.shows(/● +(ready +)?default\/edge\/cloud +Delivering/, 60_000);
      broken = true;
      await terminal.shows(/✗ +(not ready +)?default\/edge\/cloud +ServerError .*\d\/5 in \d+s/, 60_000);
      terminal.press("w");
      await terminal.shows(/Cause +The endpoint [\s\S]*out of order today[\s\S]*Next +Attempt \d of 5 in \d+s/);
      terminal.press("Escape");
      terminal.resize(70, 18);
      await terminal.shows(/✗ +default\/edge\/cloud +ServerError/);
      broken = false;
      terminal.press("R");
      await terminal.shows("Retry default/edge/cloud now?");
      terminal.press("y");
      await terminal.shows(/● +default\/edge\/cloud +(Delivering|CatchingUp)/, 60_000);
      terminal.resize(120, 32);
      terminal.press("y");
      await terminal.shows("kind: ExportPolicy");
      terminal.press("Escape", "q");
      await terminal.shows("exit 0", 30_000);
      assert.deepEqual(terminal.modes(), { alternate: false, cursor: true });
      assert.equal(await terminal.settings(), before);
    } finally {
      feeding.abort();
      await fed;
      terminal.close();
      receiver.closeAllConnections();
      receiver.close();
      await vm.remove();
      rmSync(dir, { recursive: true, force: true });
      rmSync(terminal.dir, { recursive: true, force: true });
    }
  });
});
