// The compiled binary with a real Prometheus as its source: it is found out, every sample arrives once with its labels, timestamp and
// value, a NaN stays a NaN, and a series that ends gets the stale marker that Prometheus keeps to itself.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { needs } from "../servers/found.ts";
import { type Server, startPrometheus, startVictoriaMetrics, type VictoriaMetrics } from "../servers/servers.ts";

describe("a Prometheus as source", needs("prometheus", "victoria-metrics"), () => {
  const dir = tempDir();
  let target = "";
  const exporter = createServer((_request, response) => {
    response.setHeader("content-type", "text/plain; version=0.0.4");
    response.end(target);
  });
  let source: Server;
  let sink: VictoriaMetrics;
  let agent: Running | undefined;

  before(async () => {
    await new Promise<void>((done) => exporter.listen(0, "127.0.0.1", done));
    const { port } = exporter.address() as AddressInfo;
    [source, sink] = await Promise.all([
      startPrometheus(
        undefined,
        `scrape_configs: [{ job_name: fleet, scrape_interval: 1s, scrape_timeout: 1s, static_configs: [{ targets: ["127.0.0.1:${port}"] }] }]`,
      ),
      startVictoriaMetrics(),
    ]);
  });
  after(async () => {
    await agent?.stop("SIGKILL");
    await Promise.all([source.remove(), sink.remove()]);
    exporter.close();
    dir.remove();
  });

  test("samples once and whole; the end of a series as a stale marker", async () => {
    const policy = join(dir.path, "p.yaml");
    writeFileSync(
      policy,
      `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: p }
spec:
  sources: [{ name: fleet, metrics: { metricsql: '{__name__=~"steady|ends",job="fleet"}' } }]
  sinks:
    - name: vm
      sources: [fleet]
      target: { prometheusRemoteWrite: { endpoint: "${sink.writeUrl}", batch: { maxSize: 50, timeout: 500ms } } }
`,
    );
    target = 'steady{host="a \\"b\\" ü"} 1.25\nends 7\n';
    agent = await runAgent([
      "--policies",
      policy,
      "--source-url",
      source.url,
      "--state-dir",
      join(dir.path, "state"),
      "--poll-interval",
      "2s",
      "--settle",
      "1s",
    ]);
    const has = async (name: string, count: number) =>
      [...(await sink.read(`{__name__="${name}"}`)).values()].flat().length >= count;
    await eventually("both series arrive", async () => (await has("ends", 3)) && (await has("steady", 3)), Boolean);
    target = 'steady{host="a \\"b\\" ü"} 2.5\n';
    const ended = await eventually(
      "the end arrives",
      async () => [...(await sink.read('{__name__="ends"}')).values()].flat(),
      (samples) => samples.some(([, value]) => value === "NaN"),
    );
    assert.deepEqual(
      ended.map(([, value]) => value).filter((value, i, all) => value !== all[i - 1]),
      ["7", "NaN"],
      "its samples, then one stale marker",
    );
    const markedAt = ended.at(-1)![0];
    await eventually(
      "the other series continues",
      async () => [...(await sink.read('{__name__="steady"}')).values()].flat().at(-1)![0],
      (newest) => newest > markedAt + 2_000,
    );
    const after = [...(await sink.read('{__name__="ends"}')).values()].flat();
    assert.equal(after.length, ended.length, "one marker only");

    const status = JSON.stringify(await (await fetch(`${agent.adminUrl}/api/v1/snapshot`)).json());
    assert.match(status, /"kind":"prometheus"/);
    assert.equal(await agent.stop(), 0);
    const want = await source.read('{__name__="steady"}');
    const have = await sink.read('{__name__="steady"}');
    const [[labels, samples]] = [...have] as [[string, [number, string][]]];
    assert.equal(labels, [...want.keys()][0]);
    const wanted = new Map([...want.values()].flat());
    assert.deepEqual(
      samples.filter(([ts, value]) => wanted.get(ts) !== value),
      [],
      "each sample is the source's",
    );
    assert.equal(new Set(samples.map(([ts]) => ts)).size, samples.length, "none twice");
    const between = [...wanted.keys()].filter((ts) => ts >= samples[0]![0] && ts <= samples.at(-1)![0]);
    assert.equal(samples.length, between.length, "none is missing");
  });
});
