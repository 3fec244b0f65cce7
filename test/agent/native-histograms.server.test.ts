// The compiled binary with a real Prometheus that stores native histograms beside floats: every float arrives, every histogram is
// counted and named in log, status and metrics, and the source never stands still.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { startHistogramTarget } from "../fakes/histogram-target.ts";
import { binary, eventually, runAgent, tempDir } from "../servers/binary.ts";
import { needs } from "../servers/found.ts";
import { startPrometheus, startVictoriaMetrics } from "../servers/servers.ts";

test("all floats arrive, histograms are counted and said", needs("prometheus", "victoria-metrics"), async () => {
  const dir = tempDir();
  const target = await startHistogramTarget(20, 5);
  const [source, sink] = await Promise.all([
    startPrometheus(
      undefined,
      `scrape_configs: [{ job_name: fleet, scrape_interval: 1s, scrape_timeout: 1s, static_configs: [{ targets: ["127.0.0.1:${target.port}"] }] }]`,
      "--enable-feature=native-histograms",
    ),
    startVictoriaMetrics(),
  ]);
  after(async () => {
    await Promise.all([source.remove(), sink.remove()]);
    target.close();
    dir.remove();
  });
  const policy = join(dir.path, "p.yaml");
  writeFileSync(
    policy,
    `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: p }
spec:
  sources: [{ name: fleet, metrics: { metricsql: '{job="fleet"}' } }]
  sinks:
    - name: vm
      sources: [fleet]
      target: { prometheusRemoteWrite: { endpoint: "${sink.writeUrl}", batch: { maxSize: 500, timeout: 500ms } } }
`,
  );
  const flags = ["--policies", policy, "--source-url", source.url, "--state-dir", join(dir.path, "state")];
  const agent = await runAgent([...flags, "--poll-interval", "2s", "--settle", "1s"]);
  try {
    const floats = async () => [...(await sink.read('{__name__="steady"}')).values()];
    await eventually(
      "20 series with 5 samples each arrive",
      floats,
      (series) => series.length === 20 && series.every((s) => s.length >= 5),
    );
    const dropped = 'outflow_sink_samples_dropped_total{policy="default/p",sink="vm",reason="native_histogram"}';
    const metrics = await eventually(
      "the histograms are counted",
      () => agent.metrics(),
      (m) => (m.get(dropped) ?? 0) >= 25,
    );
    assert.equal(metrics.get(dropped)! % 5, 0, "each of five series alike");
    assert.match(
      agent.log,
      /Native histograms of \{job=\\"fleet\\"\} are not exported: remote write 1\.0 carries floats only/,
    );
    assert.equal(agent.log.match(/Native histograms of/g)?.length, 1);
    assert.doesNotMatch(agent.log, /cannot be read/);
    const out = await new Promise<string>((done) =>
      execFile(binary, ["status", "--explain", "p/vm", "--url", agent.adminUrl], (_, stdout) => done(stdout)),
    );
    assert.match(out, /native_histogram \d+/);
    // What the source has of the time that was read is at the sink, value by value.
    const there = await source.read('steady{job="fleet"}');
    const here = await sink.read('steady{job="fleet"}');
    for (const [series, samples] of here) {
      const from = samples[0]![0];
      const to = samples.at(-1)![0];
      assert.deepEqual(
        samples,
        there.get(series)!.filter(([ts]) => ts >= from && ts <= to),
        series,
      );
    }
  } finally {
    await agent.stop("SIGKILL");
  }
});
