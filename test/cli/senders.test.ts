// Each sink has connections of its own: two at one origin, and the one that hangs holds up nobody but itself.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { planner } from "../../src/cli/agent/plan.ts";
import { queryRules } from "../../src/cli/querycheck.ts";
import type { Settings } from "../../src/config/settings.ts";
import { createHttpClient } from "../../src/http/client.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { loadText } from "../../src/policy/load.ts";

test("two sinks at one origin: one hangs with all its connections, the other delivers; the client ends with its sender", async () => {
  let hanging = 0;
  let closed = 0;
  let arrived: () => void = () => {};
  const hangs = new Promise<void>((done) => {
    arrived = done;
  });
  const server = createServer((request, response) => {
    if (request.url === "/ok") return void response.writeHead(204).end();
    hanging++;
    arrived();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sink = (name: string) =>
    `    - { name: ${name}, sources: [m], target: { prometheusRemoteWrite: { endpoint: "${origin}/${name}" } } }\n`;
  const rules = queryRules({ enforceFilter: [], forbidLabel: [] });
  const { policies } = loadText(
    "p.yaml",
    `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: p, annotations: { outflow/max-concurrency: "1" } }
spec:
  sources: [{ name: m, metrics: { metricsql: up } }]
  sinks:
${sink("hang")}${sink("ok")}`,
    rules.check,
  );
  const asked: number[] = [];
  const client = (connections: number) => {
    asked.push(connections);
    const http = createHttpClient({ connectMs: 5_000, connections });
    return {
      ...http,
      close: (how?: "gracefully") => {
        closed++;
        return http.close(how);
      },
    };
  };
  const plan = planner(SETTINGS, client, systemClock, rules);
  const [slow, quick] = policies[0]!.sinks.map((s) => plan(policies[0]!, s, 1).makeSender());
  const stop = new AbortController();
  const body = new Uint8Array([0]);
  const hung = [slow!.post(body, stop.signal), slow!.post(body, stop.signal)];
  await hangs;
  assert.equal((await quick!.post(body, stop.signal)).verdict.kind, "delivered");
  assert.equal(hanging, 1);
  assert.deepEqual(asked, [1, 1]);
  stop.abort();
  await Promise.all(hung);
  slow!.close();
  quick!.close();
  assert.equal(closed, 2);
  server.closeAllConnections();
  server.close();
});

const SETTINGS = {
  sendTimeout: 60_000,
  maxConcurrency: 8,
  onExhausted: "drop",
  pollInterval: 15_000,
  settle: 5_000,
  lateWindow: 30_000,
  maxWindow: 300_000,
  externalLabel: [] as [string, string][],
  forceLabel: [] as [string, string][],
  dropLabel: [] as string[],
} as unknown as Settings;
