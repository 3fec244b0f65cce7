// The compiled binary between real servers: every sample of every series of the source reaches a Prometheus and a VictoriaMetrics,
// with its labels, timestamp and value; also across a restart, and while a sibling sink is down.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { missing, row, size } from "../servers/contents.ts";
import { needs } from "../servers/found.ts";
import {
  type Row,
  type Server,
  startPrometheus,
  startVictoriaMetrics,
  type VictoriaMetrics,
} from "../servers/servers.ts";

const HARD = 'a "quoted" },"values":[ \\ back\nline ü 日本 🚀';
const HARD_VALUES = [2 ** 53 + 1, 1e-320, -0, 1e300, -1.5, 0.1 + 0.2, "Inf", "-Inf"] as const;
const SELECTOR = '{job="fleet"}';

function policy(sinks: { name: string; url: string; extra?: string }[]): string {
  return `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: p }
spec:
  sources:
    - name: fleet
      metrics: { metricsql: '${SELECTOR} # all of it' }
  sinks:
${sinks.map((s) => `    - name: ${s.name}\n      sources: [fleet]\n      target:\n        prometheusRemoteWrite:\n          endpoint: ${s.url}\n          batch: { maxSize: 50, timeout: 500ms }\n${s.extra ?? ""}`).join("")}`;
}

/** Samples written to the source so far. */
let written = 0;
const samplesIn = (rows: readonly Row[]): number => rows.reduce((n, { samples }) => n + samples.length, 0);

/** Writes to the source for a while: steady series, new ones, two samples a millisecond apart, hard values, late ones. */
async function produce(vm: VictoriaMetrics, seconds: number, tag: string): Promise<void> {
  const late: { due: number; row: Row }[] = [];
  for (let s = 0; s < seconds; s++) {
    const now = Date.now();
    const rows: Row[] = [];
    for (let i = 0; i < 20; i++)
      rows.push(row("steady", { tag, i: String(i), hard: HARD }, [[now, s * 1000 + i + 0.125]]));
    rows.push(row("born", { tag, second: String(s) }, [[now, s]]));
    rows.push(
      row("close", { tag }, [
        [now, 1],
        [now + 1, 2],
      ]),
    );
    // A series each: VictoriaMetrics keeps the values of a block with one exponent, and loses the small ones beside large ones.
    for (const [i, value] of HARD_VALUES.entries()) rows.push(row("value", { tag, i: String(i) }, [[now, value]]));
    // A series whose samples become visible 20 s after their time, as from a pipeline that was cut off.
    if (s % 5 === 0) late.push({ due: s + 20, row: row("late", { tag, second: String(s) }, [[now, s]]) });
    rows.push(...late.filter((l) => l.due === s).map((l) => l.row));
    await vm.import(rows);
    written += samplesIn(rows);
    await new Promise((done) => setTimeout(done, 1000 - (Date.now() - now)));
  }
  const rest = late.filter((l) => l.due >= seconds).map((l) => l.row);
  await vm.import(rest);
  written += samplesIn(rest);
}

async function same(source: Server, sink: Server, what: string): Promise<void> {
  // New series are visible late: what is compared is all that was written.
  const want = await eventually(
    "all that was written is visible at the source",
    () => source.read(SELECTOR),
    (c) => size(c) === written,
  );
  const have = await eventually(
    what,
    () => sink.read(SELECTOR),
    (c) => missing(want, c).length === 0,
    90_000,
  ).catch(async () => sink.read(SELECTOR));
  assert.deepEqual(missing(want, have).slice(0, 5), [], what);
  assert.deepEqual(missing(have, want).slice(0, 5), [], `${what}: nothing made up`);
}

const FLAGS = ["--poll-interval", "2s", "--settle", "2s"];

function balance(metrics: Map<string, number>, sink: string): { read: number; delivered: number; dropped: number } {
  const of = (name: string) => metrics.get(`outflow_sink_samples_${name}{policy="default/p",sink="${sink}"}`)!;
  const dropped = [...metrics]
    .filter(([k]) => k.startsWith("outflow_sink_samples_dropped_total") && k.includes(`sink="${sink}"`))
    .reduce((n, [, v]) => n + v, 0);
  assert.equal(
    of("read_total"),
    of("delivered_total") + dropped + of("returned_total") + of("pending"),
    `the account of ${sink}`,
  );
  return { read: of("read_total"), delivered: of("delivered_total"), dropped };
}

describe("outflow run between real servers", needs("victoria-metrics", "prometheus"), () => {
  const dir = tempDir();
  let source: VictoriaMetrics;
  let vm: Server;
  let prometheus: Server;
  let agent: Running | undefined;

  before(async () => {
    [source, vm, prometheus] = await Promise.all([startVictoriaMetrics(), startVictoriaMetrics(), startPrometheus()]);
  });

  after(async () => {
    await agent?.stop("SIGKILL");
    await Promise.all([source.remove(), vm.remove(), prometheus.remove()]);
    dir.remove();
  });

  test("delivers every sample of every series; a restart leaves no gap and sends nothing twice; a sink that is down disturbs nobody", async () => {
    const file = join(dir.path, "p.yaml");
    const away = await startVictoriaMetrics();
    writeFileSync(
      file,
      policy([
        { name: "vm", url: vm.writeUrl },
        { name: "prometheus", url: prometheus.writeUrl },
        { name: "away", url: away.writeUrl, extra: "          retry: { maxAttempts: 10, backoffDuration: 500ms }\n" },
      ]),
    );
    const args = ["--policies", dir.path, "--source-url", source.url, "--state-dir", join(dir.path, "state"), ...FLAGS];
    agent = await runAgent(args);
    await eventually(
      "the agent is ready",
      () => fetch(`${agent!.adminUrl}/readyz`).then((r) => r.status),
      (s) => s === 200,
    );

    // All up; then the third sink goes away, and the agent is stopped and started in the middle of it.
    await produce(source, 12, "one");
    await eventually(
      "samples arrive",
      () => agent!.ready("vm"),
      (r) => r === "True Delivering",
    );
    await away.stop();
    await produce(source, 8, "two");
    assert.equal(await agent.ready("prometheus"), "True Delivering", "a sibling is not disturbed");
    assert.equal(
      await eventually(
        "the dead sink is noticed",
        () => agent!.ready("away"),
        (r) => r.startsWith("False"),
      ),
      "False EndpointUnreachable",
    );
    const first = await agent.metrics();
    assert.equal(balance(first, "vm").dropped, 0);
    balance(first, "away");
    assert.equal(await agent.stop(), 0, "SIGTERM drains and ends with 0");
    await produce(source, 4, "while down");

    agent = await runAgent(args);
    await produce(source, 6, "three");
    await away.start();
    await produce(source, 8, "four");

    await same(source, vm, "VictoriaMetrics has what the source has");
    await same(source, prometheus, "Prometheus has what the source has");
    await same(source, away, "the sink that was away has caught up");
    assert.equal(await agent.ready("away"), "True Delivering");
    const metrics = await agent.metrics();
    for (const sink of ["vm", "prometheus"])
      assert.equal(
        balance(metrics, sink).dropped,
        0,
        `${sink} dropped nothing: Prometheus refuses what it has, so nothing was sent twice`,
      );
    balance(metrics, "away");
    await agent.stop();
    await away.remove();
  });
});
