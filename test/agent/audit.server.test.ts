// Samples that come later than the late window: the audit reports them, and the command that it prints repairs the sink.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { binary, eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { needs } from "../servers/found.ts";
import {
  type Contents,
  type Row,
  type Server,
  startVictoriaMetrics,
  type VictoriaMetrics,
} from "../servers/servers.ts";

const SELECTOR = '{job="late"}';

const rows = (contents: Contents): string[] =>
  [...contents].flatMap(([series, samples]) => samples.map(([ts, v]) => `${series} ${ts} ${v}`));

describe("the audit of late samples", needs("victoria-metrics"), () => {
  const dir = tempDir();
  const producing = new AbortController();
  let source: VictoriaMetrics;
  let sink: Server;
  let agent: Running | undefined;

  before(async () => {
    [source, sink] = await Promise.all([startVictoriaMetrics(), startVictoriaMetrics()]);
  });

  after(async () => {
    producing.abort();
    await agent?.stop("SIGKILL");
    await Promise.all([source.remove(), sink.remove()]);
    dir.remove();
  });

  const row = (i: number, ts: number, value: number): Row => ({
    labels: { __name__: "m", job: "late", i: String(i), spaced: 'it\'s a "label"' },
    samples: [[ts, value]],
  });

  async function produce(): Promise<void> {
    for (let s = 0; !producing.signal.aborted; s++) {
      const now = Date.now();
      await source.import([0, 1, 2].map((i) => row(i, now, s)));
      await new Promise((done) => setTimeout(done, 1000 - (Date.now() - now)));
    }
  }

  test("late samples are reported with a command that repairs the sink; nothing else is", async () => {
    const file = join(dir.path, "p.yaml");
    writeFileSync(
      file,
      `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: late }
spec:
  sources:
    - name: all
      metrics: { metricsql: '${SELECTOR} # all' }
  sinks:
    - name: vm
      sources: [all]
      target: { prometheusRemoteWrite: { endpoint: "${sink.writeUrl}", batch: { maxSize: 100, timeout: 300ms } } }
`,
    );
    const producer = produce();
    const state = ["--state-dir", join(dir.path, "the state")];
    const flags = ["--poll-interval", "1s", "--settle", "1s", "--late-window", "1s", "--audit-interval", "10s"];
    agent = await runAgent(["--policies", file, "--source-url", source.url, ...state, ...flags]);
    await eventually(
      "samples arrive",
      () => sink.read(SELECTOR),
      (c) => c.size === 3 && rows(c).length > 24,
    );
    // Five seconds late: beyond the late window, and long before their stretch is audited.
    const ts = Date.now() - 5_000;
    const late = [0, 1, 2].map((i) => row(i, ts + i, 0.5));
    await source.import(late);
    const log = await eventually(
      "the audit reports them",
      () => agent!.log,
      (text) => text.includes("arrived too late to be read"),
    );
    const metrics = await agent.metrics();
    const counted = [...metrics].filter(([name]) => name.includes("late_samples_total"));
    assert.deepEqual(
      counted.map(([, n]) => n),
      [3],
      "exactly these",
    );
    const lateRows = async () => rows(await sink.read(SELECTOR)).filter((r) => r.endsWith(" 0.5"));
    assert.deepEqual(await lateRows(), [], "they were not sent");

    const command = / (outflow replay .*?)"/.exec(
      JSON.parse(
        `${JSON.stringify(
          log
            .split("\n")
            .find((l) => l.includes("too late"))!
            .replaceAll('\\"', ""),
        )}`,
      ) as string,
    )![1]!;
    const { stdout } = await promisify(execFile)("sh", ["-c", command.replace(/^outflow/, binary)]);
    assert.match(stdout, /^default\/late\/vm: read (\d+) = delivered \1 \+/);
    await eventually("the sink is repaired", lateRows, (found) => found.length === 3);
    producing.abort();
    await producer;
    assert.equal([...(await agent.metrics())].find(([name]) => name.includes("late_samples_total"))![1], 3);
  });
});
