// 50 readers of a real agent's event stream, 10 of them stuck: exports continue, memory stays, the 40 see everything.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { eventually, FRESH, runAgent, tempDir } from "../servers/binary.ts";
import { needs } from "../servers/found.ts";
import { startVictoriaMetrics } from "../servers/servers.ts";

const SINKS = 30;
const READERS = 50;
const STUCK = 10;

const policy = (name: string, url: string) => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: ${name} }
spec:
  sources: [{ name: m, metrics: { metricsql: '{job="node"}' } }]
  sinks:
${Array.from({ length: SINKS / 2 }, (_, i) => `    - { name: s${i}, sources: [m], target: { prometheusRemoteWrite: { endpoint: "${url}?n=${name}${i}", batch: { maxSize: 5, timeout: 100ms }, retry: { maxAttempts: 3, backoffDuration: 1s } } } }`).join("\n")}
`;

test("50 readers, 10 of them stuck: memory and exports are undisturbed", needs("victoria-metrics"), async () => {
  const dir = tempDir();
  const [source, receiver] = await Promise.all([startVictoriaMetrics(), startVictoriaMetrics()]);
  for (const name of ["a", "b"]) writeFileSync(join(dir.path, `${name}.yaml`), policy(name, receiver.writeUrl));
  const write = () =>
    source.import(
      Array.from({ length: 50 }, (_, i) => ({
        labels: { __name__: "load", job: "node", i: String(i) },
        samples: [[Date.now(), i]] as [number, number][],
      })),
    );
  await write();
  const writing = setInterval(() => void write().catch(() => {}), 500);
  const agent = await runAgent([
    ...["--policies", dir.path, "--source-url", source.url, "--state-dir", join(dir.path, "state")],
    ...["--poll-interval", "1s", "--settle", "1s", "--late-window", "1s"],
  ]);
  const sockets: { socket: Socket; stuck: boolean; bytes: number; closed: boolean }[] = [];
  const delivered = async () =>
    [...(await agent.metrics())]
      .filter(([k]) => k.startsWith("outflow_sink_samples_delivered_total"))
      .map(([, v]) => v);
  const memory = async () => (await agent.metrics()).get("process_resident_memory_bytes") ?? 0;
  try {
    await eventually("data flows to all", delivered, (all) => all.length === SINKS && all.every((n) => n > 100));
    const before = await eventually("a scrape", memory, () => true);
    const { hostname, port } = new URL(agent.adminUrl);
    for (let i = 0; i < READERS; i++) {
      const reader = { socket: connect(Number(port), hostname), stuck: i < STUCK, bytes: 0, closed: false };
      reader.socket.on("error", () => {});
      reader.socket.on("close", () => {
        reader.closed = true;
      });
      if (reader.stuck) reader.socket.pause();
      else
        reader.socket.on("data", (d) => {
          reader.bytes += d.length;
        });
      reader.socket.write("GET /api/v1/events HTTP/1.0\r\nHost: localhost\r\n\r\n");
      sockets.push(reader);
    }
    const start = await eventually("a scrape", delivered, () => true);
    // Each of the 40 reads several MB: the stuck ones would have as much waiting for them.
    await eventually(
      "the 40 read on",
      () => Math.min(...sockets.filter((s) => !s.stuck).map((s) => s.bytes)),
      (n) => n > 4_000_000,
      200_000,
    );
    const now = await eventually("a scrape", delivered, () => true);
    assert.ok(
      now.every((n, i) => n > start[i]! + 100),
      "every sink delivered meanwhile",
    );
    // On a machine with much else to do data is late at times; it must not stay so.
    await eventually(
      "all are ready",
      async () => {
        const { sinks } = (await (await fetch(`${agent.adminUrl}/api/v1/snapshot`, FRESH)).json()) as Snapshot;
        return sinks.filter((s) => s.conditions[1].status !== "True").map((s) => s.id);
      },
      (unready) => unready.length === 0,
    );
    assert.ok(
      sockets.every((s) => s.stuck || !s.closed),
      "nobody who reads is cut",
    );
    const grown = (await eventually("a scrape", memory, () => true)) - before;
    // A young process grows as much with one reader: measured 51 MB, 40 MB with 50, 48 MB with 10 of 50 stuck. That stuck ones are cut,
    // events.test.ts shows with more data than kernel buffers take.
    assert.ok(grown < 150e6, `${Math.round(grown / 1e6)} MB more`);
  } catch (error) {
    throw new Error(`${String(error)}\n${agent.log.slice(-3_000)}`);
  } finally {
    clearInterval(writing);
    for (const { socket } of sockets) socket.destroy();
    await agent.stop();
    await Promise.all([source.remove(), receiver.remove()]);
    dir.remove();
  }
});
