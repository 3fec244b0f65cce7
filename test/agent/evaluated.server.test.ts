// Expressions as sources, the compiled binary between real servers: what arrives equals a query_range made afterwards, point for
// point, across an outage of the agent and one of the source; stale markers are exactly where a series ends.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { needs } from "../servers/found.ts";
import {
  type Contents,
  canonical,
  type Row,
  type Server,
  startPrometheus,
  startVictoriaMetrics,
  type VictoriaMetrics,
} from "../servers/servers.ts";

const STEP_MS = 1000;

const EXPRESSIONS: Record<string, string> = {
  rate: 'rate(requests_total{job="e"}[8s])',
  "sum-by": 'sum by (zone) (temperature{job="e"})',
  quantile: 'quantile(0.9, temperature{job="e"})',
  topk: 'topk(2, temperature{job="e"})',
  join: 'temperature{job="e"} * on (i) group_left (team) owner',
  with: 'WITH (f = {job="e"}) max(rate(requests_total{f}[8s])) # a comment',
  subquery: 'max_over_time(sum(temperature{job="e"})[10s:2s])',
  scalar: 'scalar(count(temperature{job="e"}))',
  keep: 'rate(requests_total{job="e"}[8s]) keep_metric_names',
  absent: 'absent(temperature{job="e", i="born"})',
};

const NAMES: Record<string, string> = { keep: "requests_total" };

const policy = (sinks: Record<string, string>): string => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: e }
spec:
  sources:
${Object.entries(EXPRESSIONS)
  .map(([name, query]) => `    - name: ${name}\n      metrics: { metricsql: ${JSON.stringify(query)} }\n`)
  .join("")}  sinks:
${Object.entries(sinks)
  .map(
    ([name, url]) =>
      `    - name: ${name}\n      sources: [${Object.keys(EXPRESSIONS)}]\n      target: { prometheusRemoteWrite: { endpoint: "${url}", batch: { maxSize: 500, timeout: 300ms } } }\n`,
  )
  .join("")}`;

/** Values whose sums are exact in any order: VictoriaMetrics adds up in another one each time. Seconds relative to `t0`. One series ends, one is born, one pauses: each while somebody is away. */
function data(t0: number): Row[] {
  const rows: Row[] = [];
  const span = (from: number, to: number) => Array.from({ length: to - from }, (_, k) => from + k);
  const add = (i: string, seconds: number[], counted = seconds) => {
    const n = [...i].reduce((sum, c) => sum + c.charCodeAt(0), 0); // another one for each: no ties for topk
    const labels = { job: "e", i, zone: n % 2 === 0 ? "a" : "b" };
    rows.push(
      {
        labels: { __name__: "temperature", ...labels },
        samples: seconds.map((s) => [t0 + s * 1000, 20 + Math.round(Math.sin(s * n) * 12) / 4 + n / 1024]),
      },
      {
        labels: { __name__: "requests_total", ...labels },
        samples: counted.map((s) => [t0 + s * 1000, 1e6 + s * n * 0.5 + Math.floor(s / 3)]),
      },
      {
        labels: { __name__: "owner", i, team: `team ${i}` },
        samples: seconds.map((s): [number, number] => [t0 + s * 1000, 1]),
      },
    );
  };
  add("steady", span(-700, 90));
  add("second", span(-700, 90));
  add("ends", [...span(-650, -500), ...span(-400, 9)]); // while the agent is down
  add("born", span(12, 90)); // so absent() ends
  // Only the gauge: what VictoriaMetrics answers for a rate in a gap depends on where the range ends.
  add("pauses", [...span(-60, 20), ...span(31, 90)], span(-60, 90)); // while the source is down
  return rows;
}

/** The expression at every grid time, with the name that the agent gives it. */
async function afterwards(source: Server, name: string, from: number, to: number): Promise<Contents> {
  const answer = await fetch(`${source.url}/api/v1/query_range`, {
    method: "POST",
    body: new URLSearchParams({
      query: EXPRESSIONS[name] ?? '{__name__=~"temperature|requests_total|owner"}',
      start: String(from / 1000),
      end: String(to / 1000),
      step: "1s",
      nocache: "1",
      latency_offset: "1ms",
    }),
  });
  const { data: found } = (await answer.json()) as {
    data: { result: { metric: Record<string, string>; values: [number, string][] }[] };
  };
  return new Map(
    found.result.map(({ metric, values }) => [
      canonical({ __name__: name.replaceAll("-", "_"), ...metric }),
      values.map(([ts, v]): [number, string] => [Math.round(ts * 1000), String(Number(v))]),
    ]),
  );
}

/** Where a series is absent for the first time. */
function ends(contents: Contents, to: number): string[] {
  return [...contents].flatMap(([series, samples]) =>
    samples
      .filter(([ts], i) => samples[i + 1]?.[0] !== ts + STEP_MS && ts < to)
      .map(([ts]) => `${series} ${ts + STEP_MS}`),
  );
}

const points = (contents: Contents, from: number, to: number): string[] =>
  [...contents].flatMap(([series, samples]) =>
    samples.filter(([ts]) => ts >= from && ts <= to).map(([ts, v]) => `${series} ${ts} ${v}`),
  );

/** Series and samples that pass. */
const only = (
  contents: Contents,
  series: (key: string) => boolean,
  sample: (s: [number, string]) => boolean = () => true,
): Contents =>
  new Map([...contents].filter(([key]) => series(key)).map(([key, samples]) => [key, samples.filter(sample)]));

function same(have: readonly string[], want: readonly string[], what: string): void {
  const [h, w] = [new Set(have), new Set(want)];
  const difference = { missing: want.filter((x) => !h.has(x)), extra: have.filter((x) => !w.has(x)) };
  assert.deepEqual(difference, { missing: [], extra: [] }, `${what} (${have.length} of ${want.length})`);
}

/** All expressions, values at Prometheus (exact) and stale markers at VictoriaMetrics (which shows them); how many series ended. */
async function compare(source: Server, vm: Server, prometheus: Server, begun: number, to: number): Promise<number> {
  let ended = 0;
  for (const name of Object.keys(EXPRESSIONS)) {
    const want = await afterwards(source, name, begun, to);
    assert.ok(want.size > 0, `${name} has a result`);
    ended += ends(want, to).length;
    // Results that keep the name of their metric share it with others: those are told apart by their labels.
    const metric = [...want.keys()].some((k) => k.includes('"temperature"')) ? "temperature" : NAMES[name];
    const selector = `{__name__="${metric ?? name.replaceAll("-", "_")}"}`;
    const exact = await prometheus.read(selector);
    const stored = await vm.read(selector);
    const mine = (series: string) => want.has(series);
    same(points(only(exact, mine), begun, to), points(want, begun, to), name);
    const markers = points(
      only(stored, mine, ([, value]) => value === "NaN"),
      begun + STEP_MS,
      to,
    );
    same(
      markers.map((m) => m.replace(/ NaN$/, "")),
      ends(want, to),
      `${name}: stale markers`,
    );
  }
  return ended;
}

describe("expressions between real servers", needs("victoria-metrics", "prometheus"), () => {
  const dir = tempDir();
  let source: VictoriaMetrics;
  let vm: Server;
  let prometheus: Server;
  let agent: Running | undefined;

  before(async () => {
    // By default VictoriaMetrics writes older values over the points of the last 30 s: that is what --eval-delay is for.
    [source, vm, prometheus] = await Promise.all([
      startVictoriaMetrics("-search.latencyOffset=1s"),
      startVictoriaMetrics(),
      startPrometheus(),
    ]);
  });

  after(async () => {
    await agent?.stop("SIGKILL");
    await Promise.all([source.remove(), vm.remove(), prometheus.remove()]);
    dir.remove();
  });

  test("ten expressions equal a query_range made afterwards, across an outage of the agent and of the source", async () => {
    // The first samples of new series are visible to queries only after some ten seconds.
    const t0 = Math.ceil(Date.now() / 1000) * 1000 + 16_000;
    await source.import(data(t0));
    await eventually(
      "the source shows all series to a query",
      () => afterwards(source, "all", t0 - 60_000, t0 + 80_000),
      (c) => c.size === 15,
    );
    await eventually(
      "it is time to begin",
      () => Date.now(),
      (now) => now > t0,
    );
    writeFileSync(join(dir.path, "p.yaml"), policy({ vm: vm.writeUrl, prometheus: prometheus.writeUrl }));
    const args = [
      "--policies",
      join(dir.path, "p.yaml"),
      "--source-url",
      source.url,
      "--state-dir",
      join(dir.path, "state"),
    ];
    const flags = ["--poll-interval", "1s", "--eval-delay", "2s"];
    agent = await runAgent([...args, ...flags]);
    const cursors = async () =>
      [...(await agent!.metrics())]
        .filter(([k]) => k.startsWith("outflow_source_cursor_timestamp_seconds"))
        .map(([, v]) => v * 1000);
    const passed = (second: number) =>
      eventually(
        `all cursors are past second ${second}`,
        cursors,
        (c) => c.length === 20 && c.every((at) => at >= t0 + second * 1000),
        60_000,
      ).catch((error: Error) => assert.fail(`${error.message}\n${agent!.log}`));
    const begun = Math.max(...(await passed(5)));

    assert.equal(await agent.stop(), 0);
    await eventually(
      "the agent is away while a series ends and one begins",
      () => Date.now(),
      (now) => now > t0 + 15_000,
    );
    agent = await runAgent([...args, ...flags]);
    await passed(17);

    await source.stop();
    await eventually(
      "the source is away while a series pauses",
      () => Date.now(),
      (now) => now > t0 + 29_000,
    );
    await source.start();
    await passed(33);
    const to = t0 + 32_000;

    const ended = await eventually(
      "all is equal",
      () => compare(source, vm, prometheus, begun, to),
      () => true,
      15_000,
    );
    assert.ok(ended >= 4, `${ended} series ended meanwhile`);
  });

  test("ten missed minutes are one query_range, equal to one made afterwards", async () => {
    await agent?.stop();
    const [vm2, prometheus2] = await Promise.all([startVictoriaMetrics(), startPrometheus()]);
    const file = join(dir.path, "long.yaml");
    writeFileSync(file, policy({ vm: vm2.writeUrl, prometheus: prometheus2.writeUrl }));
    const started = Math.floor(Date.now() / 1000) * 1000;
    const args = ["--policies", file, "--source-url", source.url, "--state-dir", join(dir.path, "another")];
    agent = await runAgent([...args, "--poll-interval", "1s", "--eval-delay", "2s", "--start", "10m"]);
    const cursors = await eventually(
      "all have caught up",
      async () =>
        [...(await agent!.metrics())].filter(([k]) => k.startsWith("outflow_source_cursor_timestamp_seconds")),
      (c) => c.length === 20 && c.every(([, at]) => at * 1000 >= started),
    );
    assert.equal(cursors.length, 20);
    await agent.stop();
    // What was taken just now is visible after a second.
    const ended = await eventually(
      "all is equal",
      () => compare(source, vm2, prometheus2, started - 590_000, started),
      () => true,
      15_000,
    );
    assert.ok(ended >= 8, `${ended} series ended meanwhile`);
    await Promise.all([vm2.remove(), prometheus2.remove()]);
  });
});
