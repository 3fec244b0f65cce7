// A real Prometheus scrapes /metrics: it takes every sample, with the labels, types and helps that were meant.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../servers/binary.ts";
import { needs } from "../servers/found.ts";
import { startPrometheus } from "../servers/servers.ts";
import { sinkInfo } from "../status/scenes.ts";
import { Served } from "./agent.ts";
import { readExposition } from "./exposition.ts";

const STRANGE = 'a"b\\c\nd{e="f"},é';

type Sample = { metric: Record<string, string>; value: [number, string] };

test("every sample of /metrics is in Prometheus", needs("prometheus"), async () => {
  const served = await new Served().load(["default/edge/cloud", "default/edge/strange"]).start();
  served.event({ type: "sink-forgotten", id: "default/edge/strange" });
  served.event({ type: "sink-started", sink: sinkInfo("default/edge/strange", { sink: STRANGE }) });
  const prometheus = await startPrometheus(
    undefined,
    `scrape_configs:\n  - { job_name: outflow, scrape_interval: 1s, static_configs: [{ targets: ["${new URL(served.url).host}"] }] }`,
  );
  try {
    const ask = async (path: string): Promise<unknown> =>
      ((await (await fetch(`${prometheus.url}/api/v1/${path}`)).json()) as { data: unknown }).data;
    const query = async (text: string) =>
      ((await ask(`query?${new URLSearchParams({ query: text })}`)) as { result: Sample[] }).result;
    await eventually(
      "it is scraped",
      () => query("up"),
      ([up]) => up?.value[1] === "1",
    );

    const text = await (await fetch(`${served.url}/metrics`)).text();
    const families = readExposition(text);
    const meant = [...families.values()].flatMap(({ samples }) =>
      samples.map(({ name, labels }) => JSON.stringify([["__name__", name], ...labels].sort())),
    );
    const result = await query('{job="outflow",__name__!~"up|scrape_.*"}');
    const got = result.map(({ metric: { job, instance, ...own } }) => JSON.stringify(Object.entries(own).sort()));
    assert.deepEqual(got.sort(), meant.sort());
    assert.ok(meant.some((labels) => labels.includes(JSON.stringify(STRANGE))));

    const metadata = (await ask("metadata")) as Record<string, unknown>;
    for (const [name, { type, help }] of families) assert.deepEqual(metadata[name], [{ type, help, unit: "" }], name);
  } finally {
    await prometheus.remove();
    await served.stop();
  }
});
