// What `outflow plan` says, and what a following run of the binary then sends, on a real VictoriaMetrics: a fleet whose samples were
// imported for the past and continue to be written.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildBinary, eventually, type Running, runAgent, tempDir } from "./binary.ts";
import { row } from "./contents.ts";
import { type Row, startVictoriaMetrics } from "./servers.ts";

export type Compared = {
  poll: string;
  sink: string;
  what: "samples" | "bytes";
  forecast: number;
  sent: number;
  off: number;
};

const SINKS = ["raw", "evaluated"] as const;
const EVERY_MS = 10_000;
/** A delivery is over when nothing more is counted for this long: longer than batch.timeout, shorter than a poll. */
const QUIET_MS = 4_000;

const policy = (url: string) => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: p, annotations: { outflow/on-exhausted: hold } }
spec:
  sources:
    - name: fleet
      metrics: { metricsql: '{job="fleet"}' }
    - name: rates
      metrics: { metricsql: 'sum by (instance, method) (rate(requests_total[1m]))' }
  sinks:
    - name: raw
      sources: [fleet]
      target: { prometheusRemoteWrite: { endpoint: "${url}", batch: { maxSize: 500, timeout: 1s } } }
    - name: evaluated
      sources: [rates]
      target: { prometheusRemoteWrite: { endpoint: "${url}", batch: { maxSize: 100, timeout: 1s } } }
`;

/** For each poll interval an agent of its own; all of them run at the same time, each for `runMs` (whole polls of all intervals). */
export async function forecastAgainstRun(o: {
  polls: readonly string[];
  overMs: number;
  runMs: number;
  instances: number;
}): Promise<{ compared: Compared[]; text: string }> {
  const { path: dir, remove } = tempDir();
  const [source, sink] = await Promise.all([startVictoriaMetrics(), startVictoriaMetrics()]);
  const values = new Map<string, number>();
  const rows = (at: number): Row[] =>
    Array.from({ length: o.instances }, (_, i) =>
      ["get", "post", "put"].flatMap((method) =>
        [
          ["requests_total", 20],
          ["bytes_total", 90_000],
          ["in_flight", 0],
        ].map(([name, step]) => {
          const key = `${name}${i}${method}`;
          const value =
            step === 0
              ? Math.floor(Math.random() * 30)
              : (values.get(key) ?? 0) + Math.floor(Math.random() * (step as number));
          values.set(key, value);
          return row(name as string, { instance: `host-${i}.example.com:9100`, method }, [[at, value]]);
        }),
      ),
    ).flat();
  const write = (at: number) => source.import(rows(at));
  const writing = new AbortController();
  const agents: Running[] = [];
  try {
    writeFileSync(join(dir, "p.yaml"), policy(sink.writeUrl));
    const first = Math.ceil((Date.now() - o.overMs - 120_000) / EVERY_MS) * EVERY_MS;
    let next = first;
    for (; next <= Date.now(); next += EVERY_MS) await write(next);
    const written = (async () => {
      for (; !writing.signal.aborted; next += EVERY_MS) {
        await pause(next - Date.now());
        if (!writing.signal.aborted) await write(next);
      }
    })();
    const common = ["--policies", join(dir, "p.yaml"), "--source-url", source.url];
    await eventually(
      "the past is visible",
      () => source.read("in_flight"),
      (c) => c.size === o.instances * 3,
    );
    await pause(15_000); // series that are new become visible after about ten seconds
    const plan = (...args: string[]) =>
      execFileSync(buildBinary(), ["plan", ...common, "--over", `${o.overMs / 1000}s`, ...args], { encoding: "utf8" });
    const forecasts = o.polls.map((poll) => ({
      poll,
      sinks: (JSON.parse(plan("--poll-interval", poll, "-o", "json")) as Document).sinks,
    }));
    const text = plan();
    for (const poll of o.polls)
      agents.push(
        await runAgent([
          ...common,
          "--state-dir",
          join(dir, `state-${poll}`),
          "--poll-interval",
          poll,
          "--audit-interval",
          "0",
        ]),
      );
    const compared = await Promise.all(
      forecasts.flatMap(({ poll, sinks }, i) =>
        SINKS.map(async (name): Promise<Compared[]> => {
          const before = await whenQuiet(agents[i]!, name);
          const startedMs = performance.now();
          await pause(o.runMs);
          const after = await count(agents[i]!, name);
          const seconds = Math.round((performance.now() - startedMs) / 1000);
          const forecast = sinks.find(({ id }) => id === `default/p/${name}`)!;
          return [
            comparison(poll, name, "samples", forecast.samplesPerSecond * seconds, after.samples - before.samples),
            comparison(poll, name, "bytes", forecast.bytesPerSecond * seconds, after.bytes - before.bytes),
          ];
        }),
      ),
    );
    writing.abort();
    await written;
    return { compared: compared.flat(), text };
  } finally {
    writing.abort();
    await Promise.all(agents.map((agent) => agent.stop()));
    await Promise.all([source.remove(), sink.remove()]);
    remove();
  }
}

type Document = { sinks: { id: string; samplesPerSecond: number; bytesPerSecond: number }[] };

const comparison = (poll: string, sink: string, what: Compared["what"], forecast: number, sent: number): Compared => ({
  ...{ poll, sink, what, forecast: Math.round(forecast), sent },
  off: sent === 0 ? Number.POSITIVE_INFINITY : Math.abs(forecast / sent - 1),
});

async function count(agent: Running, sink: string): Promise<{ samples: number; bytes: number }> {
  const metrics = await agent.metrics();
  const of = (name: string) => metrics.get(`outflow_sink_${name}{policy="default/p",sink="${sink}"}`) ?? 0;
  return { samples: of("samples_delivered_total"), bytes: of("sent_bytes_total") };
}

/** After a delivery, and before the next: then a whole number of polls fits into a run of whole intervals. */
async function whenQuiet(agent: Running, sink: string): Promise<{ samples: number; bytes: number }> {
  let last = await eventually(
    "the first deliveries",
    () => count(agent, sink),
    (c) => c.samples > 0,
    180_000,
  );
  // The first windows may hold more than one interval.
  for (let deliveries = 0; deliveries < 2; ) {
    const now = await count(agent, sink);
    if (now.samples !== last.samples) deliveries++;
    last = now;
    await pause(250);
  }
  for (let sinceMs = performance.now(); performance.now() - sinceMs < QUIET_MS; ) {
    await pause(250);
    const now = await count(agent, sink);
    if (now.samples !== last.samples) sinceMs = performance.now();
    last = now;
  }
  return last;
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, Math.max(0, ms)));
