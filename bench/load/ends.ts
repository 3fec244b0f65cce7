// A source and a sink that cost next to nothing: each raw window has one new sample of each series, each request is taken.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { labelsOf, sampleOf } from "./fleet.ts";

/** `delivered` is called after each request that the sink has taken. */
export async function startEnds(
  series: number,
  delivered: () => void = () => {},
): Promise<{ source: string; sink: string }> {
  const source = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    const form = new URLSearchParams(body);
    response.setHeader("x-server-hostname", "bench");
    const at = Math.floor(Number(form.get("time")));
    const raw = /\[\d+ms\]$/.test(form.get("query") ?? "");
    response.end(
      raw
        ? `{"status":"success","data":{"resultType":"matrix","result":[${Array.from({ length: series }, (_, i) => `{"metric":${JSON.stringify(labelsOf(i))},"values":[[${at},"${sampleOf(i, at)}"]]}`).join()}]}}`
        : '{"status":"success","data":{"resultType":"scalar","result":[0,"1"]}}',
    );
  });
  const sink = createServer((request, response) => {
    request.resume();
    request.once("end", () => {
      response.writeHead(204).end();
      delivered();
    });
  });
  // A busy machine may keep a client from asking for longer than Node waits.
  for (const server of [source, sink]) server.keepAliveTimeout = 0;
  await Promise.all([source, sink].map((s) => new Promise<void>((done) => s.listen(0, "127.0.0.1", done))));
  const url = (s: Server) => `http://127.0.0.1:${(s.address() as AddressInfo).port}`;
  return { source: url(source), sink: url(sink) };
}

/** A policy with `sinks` sinks of the address, as lines of YAML. */
export function policyYaml(name: string, sinks: number, sink: string): string {
  const own = Array.from(
    { length: sinks },
    (_, i) =>
      `    - { name: s${i}, sources: [m], target: { prometheusRemoteWrite: { endpoint: "${sink}/w", batch: { maxSize: 500, timeout: 1s }, retry: { maxAttempts: 3, backoffDuration: 1s } } } }`,
  );
  return `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: ${name} }
spec:
  sources: [{ name: m, metrics: { metricsql: m } }]
  sinks:
${own.join("\n")}
`;
}
