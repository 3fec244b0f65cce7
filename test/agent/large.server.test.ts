// The compiled binary and a window whose answer is 300 MB: it is broken off at --max-window-samples and read in shorter windows, so
// that all of it is exported within 300 MB of memory; with the sink hanging no answer is left standing at the source.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";

const SERIES = 1_000;
/** Over the five minutes before the start; the size of all is what the first read is offered. */
const SPACING_MS = 37.5;
const SPAN_MS = 300_000;
const MiB = 1024 * 1024;

describe("a very large answer", () => {
  const dir = tempDir();
  const end = Math.floor(Date.now() / 15_000) * 15_000;
  let source: Server;
  let sink: Server;
  let offered = 0;
  let open = 0;
  let samples = 0;
  let hang = false;
  let agent: Running | undefined;

  /** The samples of all series on (from, to], as VictoriaMetrics writes them. */
  function* answer(from: number, to: number): Iterable<string> {
    let values = "";
    for (let t = end - SPAN_MS; t <= end; t += SPACING_MS)
      if (t > from && t <= to)
        values += `${values === "" ? "" : ","}[${(Math.round(t) / 1000).toFixed(3)},"0.12345678901234"]`;
    yield '{"status":"success","data":{"resultType":"matrix","result":[';
    if (values !== "")
      for (let i = 0; i < SERIES; i++)
        yield `${i === 0 ? "" : ","}{"metric":{"__name__":"large","instance":"host-${i}"},"values":[${values}]}`;
    yield "]}}";
  }

  before(async () => {
    source = createServer(async (request, response) => {
      let body = "";
      for await (const piece of request) body += piece;
      const form = new URLSearchParams(body);
      const to = Math.round(Number(form.get("time")) * 1000);
      const window = /\[(\d+)ms\]$/.exec(form.get("query") ?? "");
      response.setHeader("x-server-hostname", "large");
      if (window === null)
        return void response.end('{"status":"success","data":{"resultType":"scalar","result":[0,"1"]}}');
      open++;
      response.once("close", () => open--);
      let bytes = 0;
      for (const piece of answer(to - Number(window[1]), to)) {
        bytes += piece.length;
        if (response.destroyed) break;
        if (!response.write(piece))
          await new Promise<void>((done) => {
            response.once("drain", done);
            response.once("close", done);
          });
      }
      offered = Math.max(offered, bytes);
      response.end();
    });
    sink = createServer((request, response) => {
      request.resume();
      request.once("end", () => {
        if (!hang) response.writeHead(204).end();
      });
    });
    await Promise.all([source, sink].map((s) => new Promise<void>((done) => s.listen(0, "127.0.0.1", done))));
  });

  after(async () => {
    await agent?.stop("SIGKILL");
    for (const server of [source, sink]) {
      server.closeAllConnections();
      server.close();
    }
    dir.remove();
  });

  const url = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const start = (name: string): Promise<Running> => {
    const file = join(dir.path, "p.yaml");
    writeFileSync(
      file,
      `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: p }
spec:
  sources: [{ name: large, metrics: { metricsql: large } }]
  sinks:
    - name: s
      sources: [large]
      target: { prometheusRemoteWrite: { endpoint: "${url(sink)}", batch: { maxSize: 5000, timeout: 1s } } }
`,
    );
    return runAgent(
      ["--policies", file, "--source-url", url(source), "--state-dir", join(dir.path, name)].concat([
        "--start",
        "6m",
        "--poll-interval",
        "1s",
        "--on-exhausted",
        "hold",
        "--max-window",
        "6m",
      ]),
    );
  };

  const delivered = (m: Map<string, number>) =>
    m.get('outflow_sink_samples_delivered_total{policy="default/p",sink="s"}') ?? 0;
  const peak = (pid: number) =>
    Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) * 1024;

  test("300 MB, read in shorter windows, are exported within 300 MB of memory", async () => {
    samples = SERIES * (SPAN_MS / SPACING_MS + 1);
    agent = await start("whole");
    await eventually(
      "all samples are delivered",
      () => agent!.metrics(),
      (m) => delivered(m) >= samples,
      60_000,
    );
    const rss = peak(agent.child.pid!);
    assert.ok(rss < 300 * MiB, `peak ${Math.round(rss / MiB)} MiB`);
    console.log(
      `largest answer offered ${Math.round(offered / 1e6)} MB; ${samples} samples; peak ${Math.round(rss / MiB)} MiB`,
    );
    await agent.stop("SIGKILL");
  });

  test("with the only sink hanging no answer is left standing at the source, and memory stays bounded", async () => {
    hang = true;
    agent = await start("hanging");
    await eventually(
      "answers are read and none is left standing",
      async () => ({
        open,
        read: (await agent!.metrics()).get('outflow_sink_samples_read_total{policy="default/p",sink="s"}') ?? 0,
      }),
      (now) => now.read > 100_000 && now.open === 0,
      60_000,
    );
    assert.ok(peak(agent.child.pid!) < 300 * MiB);
    await agent.stop("SIGKILL");
  });
});
