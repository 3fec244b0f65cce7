// The compiled binary and answers of 300 MB. One of many samples is broken off at --max-window-samples and read in shorter windows, one
// of 900,000 series is read in one piece: all of it is exported within 300 MiB of memory, and with the sink hanging no answer is left
// standing at the source.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { unsnappy } from "../fakes/wire.ts";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";

const SERIES = 1_000;
/** Over the five minutes before the start; the size of all is what the first read is offered. */
const SPACING_MS = 37.5;
const SPAN_MS = 300_000;
const MiB = 1024 * 1024;

const url = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const listening = (...servers: Server[]) =>
  Promise.all(servers.map((s) => new Promise<void>((done) => s.listen(0, "127.0.0.1", done))));

function closeAll(...servers: Server[]): void {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
}

/** Writes as fast as the other side reads, and ends; how many bytes that were. */
async function stream(response: ServerResponse, pieces: Iterable<string>): Promise<number> {
  let bytes = 0;
  for (const piece of pieces) {
    bytes += piece.length;
    if (response.destroyed) break;
    if (response.write(piece)) continue;
    await new Promise<void>((done) => {
      const on = () => {
        response.off("drain", on).off("close", on);
        done();
      };
      response.on("drain", on).on("close", on);
    });
  }
  response.end();
  return bytes;
}

/** The window that a request asks for, undefined where it asks for something else. */
async function windowOf(asked: IncomingMessage): Promise<{ from: number; to: number } | undefined> {
  let body = "";
  for await (const piece of asked) body += piece;
  const form = new URLSearchParams(body);
  const to = Math.round(Number(form.get("time")) * 1000);
  const window = /\[(\d+)ms\]$/.exec(form.get("query") ?? "");
  return window === null ? undefined : { from: to - Number(window[1]), to };
}

const ONE = '{"status":"success","data":{"resultType":"scalar","result":[0,"1"]}}';

/** One sink, one source. */
function startAgent(dir: string, name: string, source: Server, sink: Server, flags: string[]): Promise<Running> {
  const file = join(dir, `${name}.yaml`);
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
    ["--policies", file, "--source-url", url(source), "--state-dir", join(dir, name), "--on-exhausted", "hold"].concat(
      flags,
    ),
  );
}

const counted = (m: Map<string, number>, what: "read" | "delivered") =>
  m.get(`outflow_sink_samples_${what}_total{policy="default/p",sink="s"}`) ?? 0;
const peak = (pid: number) => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) * 1024;

describe("an answer of very many samples", () => {
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
    source = createServer(async (asked, response) => {
      const window = await windowOf(asked);
      response.setHeader("x-server-hostname", "large");
      if (window === undefined) return void response.end(ONE);
      open++;
      response.once("close", () => open--);
      offered = Math.max(offered, await stream(response, answer(window.from, window.to)));
    });
    sink = createServer((request, response) => {
      request.resume();
      request.once("end", () => {
        if (!hang) response.writeHead(204).end();
      });
    });
    await listening(source, sink);
  });

  after(async () => {
    await agent?.stop("SIGKILL");
    closeAll(source, sink);
    dir.remove();
  });

  const start = (name: string): Promise<Running> =>
    startAgent(dir.path, name, source, sink, ["--start", "6m", "--poll-interval", "1s", "--max-window", "6m"]);

  test("300 MB, read in shorter windows, are exported within 300 MB of memory", async () => {
    samples = SERIES * (SPAN_MS / SPACING_MS + 1);
    agent = await start("whole");
    await eventually(
      "all samples are delivered",
      () => agent!.metrics(),
      (m) => counted(m, "delivered") >= samples,
      200_000,
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
        read: counted(await agent!.metrics(), "read"),
      }),
      (now) => now.read > 100_000 && now.open === 0,
      60_000,
    );
    assert.ok(peak(agent.child.pid!) < 300 * MiB);
    await agent.stop("SIGKILL");
  });
});

const MANY = 900_000;

const METRICS = 50;
const metricOf = (i: number) => `node_metric_number_${i}_total`;
/** The other nine labels of the `METRICS` series of a host. */
const labelsOf = (host: number): [string, string][] => [
  ["cluster", "prod-eu-west-1"],
  ["container", "node-exporter"],
  ["instance", `host-${host}.dc1.example.internal:9100`],
  ["job", "fleet"],
  ["namespace", "monitoring"],
  ["pod", `node-exporter-${host.toString(16)}`],
  ["region", "eu-west-1"],
  ["resource_kind", "Gateway"],
  ["service_name", "networking.example.com"],
];

/** As remote write 1.0 has it, one character a byte. */
const varint = (n: number): string =>
  n < 0x80 ? String.fromCharCode(n) : String.fromCharCode((n % 0x80) | 0x80) + varint(Math.floor(n / 0x80));
const field = (tag: number, text: string): string => String.fromCharCode(tag) + varint(text.length) + text;
const label = (name: string, value: string): string => field(0x0a, field(0x0a, name) + field(0x12, value));
const double = (n: number): string => Buffer.from(Float64Array.of(n).buffer).toString("latin1");
const metricLabels = Array.from({ length: METRICS }, (_, i) => label("__name__", metricOf(i)));

describe("one answer of 900,000 series", () => {
  const dir = tempDir();
  let source: Server;
  let sink: Server;
  let at = 0;
  /** How long each answer with the series took, from the request to its last byte, ms. */
  let took: number[] = [];
  let open = 0;
  let hang = false;
  const seen = new Uint8Array(MANY);
  const strange: string[] = [];
  let agent: Running | undefined;

  function* answer(from: number, to: number): Iterable<string> {
    yield '{"status":"success","data":{"resultType":"matrix","result":[';
    let text = "";
    for (let host = 0; host < MANY / METRICS && at > from && at <= to; host++) {
      const labels = labelsOf(host).map(([name, value]) => `"${name}":"${value}"`);
      const rest = `,${labels.join(",")}},"values":[[${at / 1000},"`;
      for (let metric = 0, i = host * METRICS; metric < METRICS; metric++, i++)
        text += `${i === 0 ? "" : ","}{"metric":{"__name__":"${metricOf(metric)}"${rest}${i}"]]}`;
      if (text.length < 100_000) continue;
      yield text;
      text = "";
    }
    yield `${text}]}}`;
  }

  let lastHost = { host: -1, labels: "" };
  /** The TimeSeries of series `i`, by remote write 1.0. */
  function expected(i: number): string {
    const host = Math.floor(i / METRICS);
    if (host !== lastHost.host)
      lastHost = {
        host,
        labels: labelsOf(host)
          .map(([name, value]) => label(name, value))
          .join(""),
      };
    return metricLabels[i % METRICS] + lastHost.labels + field(0x12, `\x09${double(i)}\x10${varint(at)}`);
  }

  /** Marks the series of a request, each of which is to come once, with exactly its labels and its one sample. */
  function take(raw: Uint8Array): void {
    const text = Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString("latin1");
    for (let next = 0; next < text.length; ) {
      let length = 0;
      next++; // tag
      for (let shift = 0; ; shift += 7) {
        const byte = text.charCodeAt(next++);
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      const series = text.slice(next, next + length);
      next += length;
      const i = Number(/host-(\d+)\./.exec(series)?.[1]) * METRICS + Number(/number_(\d+)_/.exec(series)?.[1]);
      if (series === expected(i) && seen[i] === 0) seen[i] = 1;
      else strange.push(JSON.stringify(series));
    }
  }

  before(async () => {
    source = createServer(async (asked, response) => {
      const startedMs = performance.now();
      const window = await windowOf(asked);
      response.setHeader("x-server-hostname", "large");
      if (window === undefined) return void response.end(ONE);
      open++;
      response.once("close", () => open--);
      const bytes = await stream(response, answer(window.from, window.to));
      if (bytes > MiB) response.once("close", () => took.push(performance.now() - startedMs));
    });
    sink = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece) => pieces.push(piece));
      request.once("end", () => {
        if (hang) return;
        take(unsnappy(Buffer.concat(pieces)));
        response.writeHead(204).end();
      });
    });
    await listening(source, sink);
  });

  after(async () => {
    await agent?.stop("SIGKILL");
    closeAll(source, sink);
    dir.remove();
  });

  const start = async (name: string): Promise<Running> => {
    await agent?.stop("SIGKILL");
    at = Math.floor(Date.now() / 1000) * 1000 - 30_000;
    took = [];
    return startAgent(dir.path, name, source, sink, ["--start", "1m"]);
  };

  test("300 MB in one piece are exported within 300 MiB of memory: all samples and nothing else", async () => {
    agent = await start("one");
    await eventually(
      "all samples are delivered",
      () => agent!.metrics(),
      (m) => counted(m, "delivered") >= MANY,
      200_000,
    );
    const rss = peak(agent.child.pid!);
    await agent.stop("SIGKILL");
    assert.deepEqual(strange.slice(0, 3), []);
    assert.equal(
      seen.reduce((a, b) => a + b, 0),
      MANY,
    );
    assert.ok(rss < 300 * MiB, `peak ${Math.round(rss / MiB)} MiB`);
    console.log(`${MANY} series in one answer: peak ${Math.round(rss / MiB)} MiB`);
  });

  /** A client that only counts. */
  const download = () =>
    new Promise<number>((done, fail) => {
      const asked = request(`${url(source)}/api/v1/query`, { method: "POST" }, (response) => {
        let bytes = 0;
        response.on("data", (piece: Buffer) => {
          bytes += piece.length;
        });
        response.once("end", () => done(bytes));
      });
      asked.once("error", fail);
      asked.end(new URLSearchParams({ query: "large\n[60000ms]", time: String(at / 1000 + 1) }).toString());
    });

  test("with the only sink hanging the source is free again when the answer has been downloaded, in bounded memory", async () => {
    hang = true;
    agent = await start("hanging");
    await eventually(
      "the answer is read and none is left standing",
      async () => ({ open, read: counted(await agent!.metrics(), "read") }),
      (now) => now.read >= MANY && now.open === 0,
      200_000,
    );
    const readMs = took[0]!;
    const rss = peak(agent.child.pid!);
    await agent.stop("SIGKILL");
    took = [];
    const bytes = await download();
    await eventually(
      "the plain client's connection is free",
      async () => took,
      (now) => now.length > 0,
      10_000,
    );
    const plainMs = took[0]!;
    assert.ok(rss < 300 * MiB, `peak ${Math.round(rss / MiB)} MiB`);
    console.log(
      `${Math.round(bytes / 1e6)} MB read in ${Math.round(readMs)} ms with the sink hanging, by a plain client in ${Math.round(plainMs)} ms; peak ${Math.round(rss / MiB)} MiB`,
    );
  });
});
