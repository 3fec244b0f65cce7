// outflow plan on real servers: what it forecasts is what a following run sends (bench/plan.ts is the long version), what it warns of, and
// that it sends nothing.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Forecast } from "../../src/cli/forecast/forecast.ts";
import { buildBinary, eventually, runAgent, tempDir } from "../servers/binary.ts";
import { row } from "../servers/contents.ts";
import { forecastAgainstRun } from "../servers/forecasted.ts";
import { needs } from "../servers/found.ts";
import { startVictoriaMetrics, type VictoriaMetrics } from "../servers/servers.ts";

const { skip } = needs("victoria-metrics");

test("the forecast is within 5 % of what a run sends, raw and evaluated", { skip }, async () => {
  const { compared } = await forecastAgainstRun({ polls: ["10s"], overMs: 120_000, runMs: 60_000, instances: 20 });
  assert.equal(compared.length, 4);
  assert.deepEqual(
    compared.filter(({ off }) => off > 0.05),
    [],
  );
});

describe("outflow plan", { skip }, () => {
  let source: VictoriaMetrics;
  let sink: VictoriaMetrics;
  const dir = tempDir();
  const file = join(dir.path, "p.yaml");

  before(async () => {
    buildBinary();
    [source, sink] = await Promise.all([startVictoriaMetrics(), startVictoriaMetrics()]);
    const now = Date.now();
    const wide = Array.from({ length: 1_500 }, (_, i) => row("wide", { id: `user-${i}` }, [[now - 30_000, i]]));
    const old = row("old", { job: "old" }, [[now - 400_000, 1]]);
    await source.import([...wide, old]);
    await eventually(
      "all of it is visible",
      () => source.read("wide"),
      (c) => c.size === 1_500,
    );
  });
  after(async () => {
    await Promise.all([source?.remove(), sink?.remove()]);
    dir.remove();
  });

  const write = (sources: string, more = "", retry = "") =>
    writeFileSync(
      file,
      `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: p }
spec:
  sources:
${sources}
  sinks:
    - name: cloud
      sources: [a]
      target: { prometheusRemoteWrite: { endpoint: "${sink.writeUrl}"${more}${retry} } }
`,
    );
  const plan = (...args: string[]) => planOf(file, ...args);
  const planOf = (policies: string, ...args: string[]) =>
    spawnSync(buildBinary(), ["plan", "--policies", policies, "--source-url", source.url, ...args], {
      encoding: "utf8",
      env: { PATH: process.env.PATH ?? "", HOME: dir.path },
    });
  const forecast = (...args: string[]) =>
    JSON.parse(plan("-o", "json", ...args).stdout) as Forecast & { version: number };

  test("series, rates, age, widest labels; what batch and retry mean; other poll intervals; and nothing was sent", async () => {
    write("    - { name: a, metrics: { metricsql: wide } }", ", batch: { maxSize: 1000, timeout: 5s }");
    const { version, sources, sinks, intervals, warnings } = forecast();
    assert.equal(version, 1);
    const [a] = sources as Extract<Forecast["sources"][number], { ok: true }>[];
    assert.equal(a!.series, 1_500);
    assert.deepEqual(a!.labels[0], { name: "id", values: 1_500 });
    assert.ok(a!.newestAgeSeconds! >= 30 && a!.newestAgeSeconds! < 300, `${a!.newestAgeSeconds}`);
    assert.equal(sinks[0]!.activeSeries, 1_500);
    assert.equal(Math.round(sinks[0]!.samplesPerSecond * 300), 1_500);
    assert.equal(Math.round(sinks[0]!.requestsPerMinute * 5), 2, "1,000 and 500");
    assert.match(sinks[0]!.batch, /at most 1,000 samples each, or what has waited for 5s/);
    assert.match(sinks[0]!.retry, /^3 attempts within about 15s, then the batch is dropped/);
    assert.deepEqual(
      intervals.map((i) => i.pollInterval),
      ["5s", "15s", "30s", "1m", "5m"],
    );
    assert.deepEqual(
      intervals.map((i) => i.queriesPerMinute),
      [12, 4, 2, 1, 0.2],
    );
    assert.ok(warnings.some((w) => /the label id has 1,500 values in 1,500 series: drop it \(--drop-label\)/.test(w)));
    assert.ok(
      warnings.some((w) => /of an outage of 10m it may lose 3,000 samples at worst/.test(w)),
      warnings.join("\n"),
    );
    assert.equal((await sink.read('{__name__=~"wide|old"}')).size, 0);
    const text = plan();
    assert.equal(text.status, 0);
    assert.match(text.stdout, /^Nothing was sent\./);
    assert.match(text.stdout, /default\/p, source a \(raw\)\n {4}1,500 series, 5 samples\/s, newest sample \d+ s old/);
  });

  test("no series", () => {
    write("    - { name: a, metrics: { metricsql: nothing } }");
    assert.ok(
      forecast().warnings.includes(
        "default/p, source a: selects no series: check the query at the source, and that its data is recent",
      ),
    );
  });

  test("a query that the source refuses: said, exit 1", async () => {
    const strict = await startVictoriaMetrics("-search.maxQueryLen=8");
    try {
      write("    - { name: a, metrics: { metricsql: wide } }");
      const { status, stdout } = plan("--source-url", strict.url);
      assert.equal(status, 1);
      assert.match(stdout, /source a \(raw\)\n {4}cannot be read: The source refused the query/);
    } finally {
      await strict.remove();
    }
  });

  test("the difference to a running agent", async () => {
    write("    - { name: a, metrics: { metricsql: old } }");
    const agent = await runAgent([
      "--policies",
      file,
      "--source-url",
      source.url,
      "--state-dir",
      join(dir.path, "state"),
    ]);
    try {
      await eventually(
        "its policies are loaded",
        () => agent.ready("cloud"),
        (ready) => !ready.startsWith("undefined"),
      );
      assert.deepEqual(forecast("--url", agent.adminUrl).difference, []);
      const other = join(dir.path, "other.yaml");
      const text = `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: p }
spec:
  sources:
    - { name: a, metrics: { metricsql: wide } }
  sinks:
    - name: cloud
      sources: [a]
      target: { prometheusRemoteWrite: { endpoint: "${sink.writeUrl}", batch: { maxSize: 50, timeout: 5s } } }
    - name: second
      sources: [a]
      target: { prometheusRemoteWrite: { endpoint: "${sink.writeUrl}" } }
`;
      writeFileSync(other, text);
      assert.deepEqual(
        (JSON.parse(planOf(other, "-o", "json", "--url", agent.adminUrl).stdout) as Forecast).difference,
        ["~ default/p/cloud: batch.maxSize 500 -> 50, the query of source a changes", "+ default/p/second: is new"],
      );
    } finally {
      await agent.stop();
    }
  });

  test("no agent at --url: 2", () => {
    write("    - { name: a, metrics: { metricsql: wide } }");
    const { status, stderr } = plan("--url", "http://127.0.0.1:1");
    assert.equal(status, 2);
    assert.match(stderr, /no state from http:\/\/127\.0\.0\.1:1: connection refused/);
  });
});
