// The compiled binary through outages between real servers: a sink that was away while half an hour of data came, and a source that
// was away while its producer buffered.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { fleetPolicy, missing, size } from "../servers/contents.ts";
import { needs } from "../servers/found.ts";
import {
  type Row,
  type Server,
  startPrometheus,
  startVictoriaMetrics,
  type VictoriaMetrics,
} from "../servers/servers.ts";

const policy = (selector: string, sinks: Record<string, string>): string =>
  fleetPolicy(selector, sinks, "{ maxSize: 5000, timeout: 500ms }", "{ maxAttempts: 2, backoffDuration: 500ms }");

async function same(selector: string, source: Server, written: number, sinks: readonly Server[]): Promise<void> {
  const want = await eventually(
    "all that was written is visible at the source",
    () => source.read(selector),
    (c) => size(c) === written,
  );
  for (const sink of sinks) {
    const have = await eventually(
      "the sink has all",
      () => sink.read(selector),
      (c) => missing(want, c).length === 0,
    ).catch(() => sink.read(selector));
    assert.deepEqual(missing(want, have).slice(0, 5), []);
    assert.deepEqual(missing(have, want).slice(0, 5), []);
  }
}

describe("outages between real servers", needs("victoria-metrics", "prometheus"), () => {
  const dir = tempDir();
  let source: VictoriaMetrics;
  let vm: Server;
  let prometheus: Server;
  let agent: Running | undefined;

  before(async () => {
    [source, vm, prometheus] = await Promise.all([
      startVictoriaMetrics(),
      startVictoriaMetrics(),
      startPrometheus("1h"),
    ]);
  });

  after(async () => {
    await agent?.stop("SIGKILL");
    await Promise.all([source.remove(), vm.remove(), prometheus.remove()]);
    dir.remove();
  });

  /** A new sink begins at the source's now of its first response: what is written before that is not its business. */
  const start = async (name: string, text: string, flags: string[]): Promise<Running> => {
    const file = join(dir.path, `${name}.yaml`);
    writeFileSync(file, text);
    const state = join(dir.path, `${name}-state`);
    const started = await runAgent([
      ...["--policies", file, "--source-url", source.url, "--state-dir", state, "--poll-interval", "2s"],
      ...flags,
    ]);
    await eventually(
      "the source responds",
      () => started.log,
      (log) => log.includes("The source responds"),
    );
    return started;
  };

  test("a sink that was away for 30 minutes of data gets all of it, also with drop: it reads nothing while it fails, memory stays flat", async () => {
    const selector = '{job="away"}';
    const now = Date.now();
    const rows = Array.from(
      { length: 50 },
      (_, i): Row => ({
        labels: { __name__: "away", job: "away", i: String(i) },
        samples: Array.from({ length: 180 }, (_, k) => [now - 1_800_000 + k * 10_000 + i, k]),
      }),
    );
    await source.import(rows);
    await eventually(
      "the data are visible at the source",
      () => source.read(selector),
      (c) => size(c) === 9_000,
    );
    await vm.stop();
    agent = await start("away", policy(selector, { vm: vm.writeUrl }), ["--start", "31m"]);
    const down = await eventually(
      "the dead sink is noticed",
      () => agent!.ready("vm"),
      (r) => r.startsWith("False"),
    );
    assert.equal(down, "False EndpointUnreachable");
    const metrics = await agent.metrics();
    const read = metrics.get('outflow_sink_samples_read_total{policy="default/p",sink="vm"}')!;
    assert.ok(
      read < 8_000,
      `${read} of 9000 samples were read: what was on its way when it failed, and what to try it with`,
    );
    await vm.start();
    const end = await eventually(
      "it has caught up",
      () => agent!.metrics(),
      (m) => m.get('outflow_sink_samples_pending{policy="default/p",sink="vm"}') === 0 && size0(m) >= 9_000,
    );
    const of = (key: string) => [...end].filter(([k]) => k.startsWith(key)).reduce((n, [, v]) => n + v, 0);
    const dropped = of('outflow_sink_samples_dropped_total{policy="default/p",sink="vm"');
    const want = await source.read(selector);
    const have = await eventually(
      "what is not dropped is there",
      () => vm.read(selector),
      (c) => size(c) >= 9_000 - dropped,
    );
    assert.equal(
      missing(want, have).length,
      dropped,
      "the sink lacks what was dropped after maxAttempts, and nothing else",
    );
    await agent.stop();
  });

  test("a source that was away while its producer buffered: what comes afterwards, oldest first or not, arrives", async () => {
    const selector = '{job="buffered"}';
    agent = await start("buffered", policy(selector, { vm: vm.writeUrl, prometheus: prometheus.writeUrl }), [
      ...["--settle", "2s", "--on-exhausted", "hold"],
    ]);
    let written = 0;
    const make = (now: number, n: number): Row[] =>
      Array.from({ length: 30 }, (_, i) => ({
        labels: { __name__: "buffered", job: "buffered", i: String(i) },
        samples: [[now, n]],
      }));
    const write = async (rows: Row[]) => {
      await source.import(rows);
      written += rows.length;
    };
    const second = () => new Promise((done) => setTimeout(done, 1_000)); // the producer's own pace
    for (let n = 0; n < 12; n++) {
      await write(make(Date.now(), n));
      await second();
    }
    await source.stop();
    const buffer: Row[][] = [];
    for (let n = 0; n < 8; n++) {
      buffer.push(make(Date.now(), 100 + n));
      await second();
    }
    await source.start();
    // Two queues, as vmagent has: the live one overtakes the other.
    for (let n = 0; n < 12; n++) {
      await write(make(Date.now(), 200 + n));
      const old = n < 4 ? [] : buffer.splice(0, 1);
      for (const rows of old) await write(rows);
      await second();
    }
    assert.deepEqual(buffer, []);
    await same(selector, source, written, [vm, prometheus]);
    await agent.stop();
  });
});

const size0 = (m: Map<string, number>): number =>
  m.get('outflow_sink_samples_read_total{policy="default/p",sink="vm"}') ?? 0;
