// /metrics: what it says is what the snapshot says; promtool finds nothing; docs, dashboard and alerts name what exists.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { definitions } from "../../src/admin/metrics/definitions.ts";
import { createMetrics, type Metrics } from "../../src/admin/metrics/metrics.ts";
import { observations } from "../../src/admin/metrics/observed.ts";
import { StatusStore } from "../../src/status/store.ts";
import { needs, pathOf } from "../servers/found.ts";
import { sinkInfo } from "../status/scenes.ts";
import { ID, Served } from "./agent.ts";
import { readExposition } from "./exposition.ts";

const root = join(import.meta.dirname, "../..");
const all = [...definitions, ...observations];

let served: Served;
let metrics: Metrics;
before(() => {
  served = new Served();
  metrics = createMetrics(served.store, () => ({
    tableSeries: 1_234,
    apiRequests: [{ verb: "watch", resource: "secrets", code: "200", count: 7 }],
  }));
});
after(() => metrics.close());

const values = async (): Promise<Map<string, number>> =>
  new Map(
    (await metrics.text())
      .split("\n")
      .filter((l) => l !== "" && !l.startsWith("#"))
      .map((l) => [l.slice(0, l.lastIndexOf(" ")), Number(l.slice(l.lastIndexOf(" ") + 1))]),
  );
const at = { policy: "default/edge", sink: "cloud" };
const of = (name: string, more: Record<string, string> = {}) =>
  `${name}{${Object.entries({ ...at, ...more })
    .map(([k, v]) => `${k}="${v}"`)
    .join(",")}}`;

describe("a sink's life", () => {
  test("each of its series is there with 0 from the moment it exists", async () => {
    served.load();
    const v = await values();
    for (const name of [
      "samples_read_total",
      "samples_delivered_total",
      "samples_returned_total",
      "samples_pending",
      "skipped_seconds_total",
      "retries_total",
      "sent_bytes_total",
      "send_duration_seconds_count",
      "batch_samples_sum",
    ])
      assert.equal(v.get(of(`outflow_sink_${name}`)), 0, name);
    assert.equal(v.get(of("outflow_source_late_samples_total", { source: "metrics" })), 0);
    for (const reason of ["exhausted", "rejected", "too_large", "conflict", "refused_replay", "invalid_name"])
      assert.equal(v.get(of("outflow_sink_samples_dropped_total", { reason })), 0, reason);
    for (const result of ["delivered", "Timeout", "AuthenticationRejected"])
      assert.equal(v.get(of("outflow_sink_attempts_total", { result })), 0, result);
    assert.equal(v.get(of("outflow_sink_condition", { type: "Ready", status: "Unknown" })), 1);
    assert.equal(v.get(of("outflow_sink_phase", { phase: "starting" })), 1);
    assert.equal(v.get(of("outflow_sink_condition_info", { type: "Ready", status: "Unknown", reason: "Pending" })), 1);
    assert.equal(
      v.get(of("outflow_sink_condition_info", { type: "Accepted", status: "True", reason: "SinkConfigured" })),
      1,
    );
    assert.equal(
      v.get(
        of("outflow_sink_info", { endpoint: "https://cloud.example.com/api/v1/write", auth: "basic", generation: "1" }),
      ),
      1,
    );
    assert.equal(v.get("outflow_policy_last_reload_timestamp_seconds"), served.now / 1000);
    assert.ok((v.get("process_open_fds") ?? 0) > 3);
    for (const name of ["outflow_source_lag_seconds", "outflow_source_cursor_timestamp_seconds"])
      assert.equal(v.get(of(name, { source: "metrics" })), undefined, `${name}: nothing was read yet`);
  });
  test("events move them, and the account balances", async () => {
    const event = served.event.bind(served);
    event({
      type: "window-read",
      id: ID,
      source: "metrics",
      from: 0,
      to: 1,
      read: 100,
      series: 40,
      bytes: 4_000,
      durationMs: 30,
      sourceNow: 1,
      dropped: { invalid_name: 3 },
    });
    const first = await values();
    assert.equal(first.get(of("outflow_sink_lag_seconds")), 0.001, "lag is there from the first read");
    assert.equal(first.get(of("outflow_source_lag_seconds", { source: "metrics" })), 0.001);
    assert.equal(first.get(of("outflow_source_cursor_timestamp_seconds", { source: "metrics" })), 0);
    event({ type: "attempt-started", id: ID, attempt: 1, samples: 97, bytes: 900, inFlight: 1, concurrency: 2 });
    assert.equal((await values()).get(of("outflow_sink_in_flight_requests")), 1);
    event({
      type: "attempt-ended",
      id: ID,
      attempt: 1,
      maxAttempts: 3,
      samples: 97,
      bytes: 900,
      durationMs: 300,
      inFlight: 0,
      result: { kind: "failed", reason: "ServerError", status: 503, message: "It failed." },
    });
    event({
      type: "attempt-ended",
      id: ID,
      attempt: 2,
      maxAttempts: 3,
      samples: 97,
      bytes: 900,
      durationMs: 40,
      inFlight: 0,
      result: { kind: "delivered", status: 204 },
    });
    event({ type: "cursor-moved", id: ID, source: "metrics", cursor: served.now - 7_000, sourceNow: served.now });
    event({ type: "skipped", id: ID, source: "metrics", from: 0, to: 60_000, why: "old" });
    event({ type: "late", id: ID, source: "metrics", from: 0, to: 1, samples: 5, remedy: "outflow replay" });
    const v = await values();
    const account = ["delivered_total", "returned_total", "pending"].map((n) => v.get(of(`outflow_sink_samples_${n}`)));
    assert.deepEqual(account, [97, 0, 0]);
    assert.equal(v.get(of("outflow_sink_samples_dropped_total", { reason: "invalid_name" })), 3);
    assert.equal(v.get(of("outflow_sink_samples_read_total")), 100);
    assert.equal(v.get(of("outflow_sink_attempts_total", { result: "ServerError" })), 1);
    assert.equal(v.get(of("outflow_sink_attempts_total", { result: "delivered" })), 1);
    assert.equal(v.get(of("outflow_sink_retries_total")), 1);
    assert.equal(v.get(of("outflow_sink_sent_bytes_total")), 1_800);
    assert.equal(v.get(of("outflow_sink_read_bytes_total")), 4_000);
    assert.equal(v.get(of("outflow_sink_lag_seconds")), 7);
    assert.equal(v.get(of("outflow_sink_skipped_seconds_total")), 60);
    assert.equal(v.get(of("outflow_source_late_samples_total", { source: "metrics" })), 5);
    const bucket = (le: string) =>
      v.get(`outflow_sink_send_duration_seconds_bucket{le="${le}",policy="default/edge",sink="cloud"}`);
    assert.deepEqual([bucket("0.01"), bucket("0.05"), bucket("0.25"), bucket("0.5"), bucket("+Inf")], [0, 1, 1, 2, 2]);
    assert.equal(v.get(of("outflow_sink_condition", { type: "Ready", status: "True" })), 1);
    assert.equal(v.get(of("outflow_source_series", { source: "metrics" })), 40);
    assert.equal(v.get("outflow_series_table_series"), 1_234);
  });
  test("a label value is escaped", async () => {
    const store = new StatusStore();
    const own = createMetrics(store, () => ({ tableSeries: undefined, apiRequests: [] }));
    store.dispatch({ type: "sink-started", at: 1, sink: sinkInfo("default/p/s", { sink: 'a"b\\c\nd' }) });
    assert.ok(
      (await own.text()).includes('outflow_sink_samples_read_total{policy="default/p",sink="a\\"b\\\\c\\nd"} 0\n'),
    );
    own.close();
  });
  test("a sink that is gone takes its series with it", async () => {
    served.event({ type: "sink-forgotten", id: ID });
    assert.deepEqual(
      [...(await values()).keys()].filter((k) => k.includes('sink="cloud"')),
      [],
    );
    served.event({ type: "sink-started", sink: sinkInfo(ID) });
    assert.equal((await values()).get(of("outflow_sink_sent_bytes_total")), 0);
  });
});

describe("promtool", () => {
  test("check metrics: clean", needs("promtool"), async () => {
    const out = execFileSync(pathOf("promtool")!, ["check", "metrics"], {
      input: await metrics.text(),
      encoding: "utf8",
    });
    assert.equal(out, "");
  });
  test("check rules: clean", needs("promtool"), () => {
    const out = execFileSync(
      pathOf("promtool")!,
      ["check", "rules", "--lint=all", "--lint-fatal", join(root, "packaging/alerts.yaml")],
      { encoding: "utf8" },
    );
    assert.match(out, /SUCCESS: \d+ rules found/);
  });
});

describe("what names metrics names real ones", () => {
  const derived = (m: (typeof all)[number]) =>
    m.type === "histogram" ? ["_bucket", "_sum", "_count"].map((s) => m.name + s) : [m.name];
  const known = new Set(all.flatMap((m) => [m.name, ...derived(m)]));
  for (const file of ["packaging/alerts.yaml", "packaging/grafana-dashboard.json"])
    test(file, () => {
      const names =
        readFileSync(join(root, file), "utf8").match(/\b(outflow|process)_[a-z_]+[a-z]\b(?=[{ )[\\])/g) ?? [];
      assert.ok(names.length > 8, `${names.length} names`);
      assert.deepEqual(
        names.filter((n) => !known.has(n)),
        [],
      );
    });
  test("every metric has a family of its own in the text, and its samples the labels it says", async () => {
    const families = readExposition(await metrics.text());
    assert.equal(families.size, all.length);
    for (const { name, type, help, labels } of all) {
      const family = families.get(name);
      assert.deepEqual([family?.type, family?.help], [type, help], name);
      for (const sample of family!.samples)
        assert.deepEqual(
          sample.labels.map(([label]) => label).filter((label) => label !== "le"),
          labels,
        );
    }
  });
});

describe("docs/metrics.md", () => {
  test("is what the definitions say", () => {
    const file = join(root, "docs/metrics.md");
    const rows = all.map(
      ({ name, type, labels, help }) =>
        `| \`${name}\` | ${type} | ${labels.map((l) => `\`${l}\``).join(", ")} | ${help.replaceAll("|", "\\|")} |`,
    );
    const page = `# Metrics

\`GET /metrics\` on \`--listen\`, in Prometheus' text format. This page is generated from the tables in \`src/admin/metrics\`. \`policy\` is
namespace/name. All series of a sink exist (with 0) from the moment the sink exists until it is removed. Gauges are read at the scrape from the
snapshot that \`outflow status\`, the screen and the API show.

\`packaging/alerts.yaml\` has alert rules, \`packaging/grafana-dashboard.json\` a dashboard. For every sink, at every moment:
read = delivered + dropped (all reasons) + returned + pending.

| metric | type | labels | what it is |
| --- | --- | --- | --- |
${rows.join("\n")}

Reasons of dropped samples: \`exhausted\` (maxAttempts failed), \`rejected\` (the receiver does not take them), \`too_large\`, \`conflict\`
(409), \`refused_replay\` (a window that may have been sent before), \`invalid_name\`, \`invalid_labels\`, \`name_collision\`
(another series becomes the same one), \`native_histogram\`
(remote write 1.0 carries floats only).
`;
    if (process.env.UPDATE_DOCS === "1") writeFileSync(file, page);
    assert.equal(readFileSync(file, "utf8"), page, "run UPDATE_DOCS=1 npm test -- test/admin/metrics.test.ts");
  });
});
