// One series of 50 that a receiver refuses, and a backlog of three hours, with the compiled binary and real servers: only its samples
// are dropped, and it costs few requests. The receivers: a plain Prometheus that has a newer sample of the series already, and a
// VictoriaMetrics behind a proxy that refuses every request with this series in it. Beside each its like that refuses nothing.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { decodeWriteRequest, unsnappy } from "../fakes/wire.ts";
import { unbalanced } from "../servers/account.ts";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { fleetPolicy, missing, row, size } from "../servers/contents.ts";
import { needs } from "../servers/found.ts";
import {
  type Contents,
  canonical,
  type Server,
  startPrometheus,
  startVictoriaMetrics,
  type VictoriaMetrics,
} from "../servers/servers.ts";

const SELECTOR = '{job="fleet"}';
const REFUSED = { __name__: "m", job: "fleet", i: "42" };
const SERIES = 50;
const EVERY_MS = 15_000;
const BACKLOG_MS = 3 * 3_600_000;
const EXTRA_REQUESTS = 40;

type Proxy = { url: string; requests: number; close(): void };

/** Passes writes on and counts them; one that `refuses` says no to gets 400, and nothing of it arrives. */
async function proxyTo(receiver: Server, refuses: (labels: Record<string, string>) => boolean): Promise<Proxy> {
  const server = createServer(async (req, res) => {
    const pieces: Buffer[] = [];
    for await (const piece of req) pieces.push(piece);
    const body = Buffer.concat(pieces);
    const series = decodeWriteRequest(unsnappy(body));
    proxy.requests++;
    if (series.some(({ labels }) => refuses(Object.fromEntries(labels)))) return res.writeHead(400).end("not this one");
    const passed = request(receiver.writeUrl, { method: "POST", headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(res);
    });
    passed.on("error", () => res.destroy());
    passed.end(body);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const proxy: Proxy = {
    url: `http://127.0.0.1:${port}/api/v1/write`,
    requests: 0,
    close: () => server.close(),
  };
  return proxy;
}

describe("one refused series in a backlog of three hours", needs("victoria-metrics", "prometheus"), () => {
  const dir = tempDir();
  const receivers: Record<string, Server> = {};
  const proxies: Record<string, Proxy> = {};
  let source: VictoriaMetrics;
  let want: Contents;
  let agent: Running | undefined;

  const run = (name: string, policy: string, ...flags: string[]): Promise<Running> => {
    writeFileSync(join(dir.path, `${name}.yaml`), policy);
    return runAgent([
      ...["--policies", join(dir.path, `${name}.yaml`), "--source-url", source.url],
      ...["--state-dir", join(dir.path, name), "--poll-interval", "2s", "--settle", "2s", "--on-exhausted", "hold"],
      ...flags,
    ]);
  };
  const policy = (selector: string, sinks: readonly string[]): string =>
    fleetPolicy(
      selector,
      Object.fromEntries(sinks.map((name) => [name, proxies[name]!.url])),
      "{ maxSize: 500, timeout: 5s }",
      "{ maxAttempts: 3, backoffDuration: 5s }",
    );
  /** What the receiver lacks, once all that it would take is there. */
  const lacks = async (name: string, othersThan: string): Promise<string[]> =>
    eventually(
      `${name} has all but the refused series`,
      async () => missing(want, await receivers[name]!.read(SELECTOR)),
      (lost) => lost.every((sample) => sample.startsWith(othersThan)),
      180_000,
    );

  before(async () => {
    // A block of two days: else a Prometheus that has a sample of now refuses whatever is an hour older.
    const plain = () => startPrometheus(undefined, "", "--storage.tsdb.min-block-duration=48h");
    const [from, vm, vmAll, strict, strictAll] = await Promise.all([
      startVictoriaMetrics(),
      startVictoriaMetrics(),
      startVictoriaMetrics(),
      plain(),
      plain(),
    ]);
    source = from;
    Object.assign(receivers, { vm, "vm-all": vmAll, strict, "strict-all": strictAll });
    for (const [name, receiver] of Object.entries(receivers))
      proxies[name] = await proxyTo(receiver, ({ i }) => name === "vm" && i === REFUSED.i);
    const end = Math.floor(Date.now() / 1_000) * 1_000 - 10_000;
    await source.import(
      Array.from({ length: SERIES }, (_, i) =>
        row(
          "m",
          { i: String(i) },
          Array.from({ length: BACKLOG_MS / EVERY_MS }, (_, k) => [end - BACKLOG_MS + (k + 1) * EVERY_MS, k]),
        ),
      ),
    );
    want = await eventually(
      "the backlog is visible",
      () => source.read(SELECTOR),
      (c) => size(c) === (SERIES * BACKLOG_MS) / EVERY_MS,
    );
  });

  after(async () => {
    await agent?.stop("SIGKILL");
    for (const proxy of Object.values(proxies)) proxy.close();
    await Promise.all([source, ...Object.values(receivers)].map((server) => server.remove()));
    dir.remove();
  });

  test(`only its samples are dropped, each counted and the series named, with at most ${EXTRA_REQUESTS} requests more`, async () => {
    // The newest sample of the series is at the strict Prometheus already: it refuses all older ones, and every request with one.
    const first = await run("first", policy(`m{i="${REFUSED.i}"}`, ["strict"]), "--start", "30s");
    await eventually(
      "its newest sample is there",
      () => receivers.strict!.read(SELECTOR),
      (c) => c.size === 1,
    );
    assert.equal(await first.stop(), 0);
    proxies.strict!.requests = 0;

    agent = await run("all", policy(SELECTOR, Object.keys(proxies)), "--start", "3h10m");
    const refused = canonical(REFUSED);
    const lost = new Map<string, number>();
    for (const name of Object.keys(receivers)) lost.set(name, (await lacks(name, refused)).length);
    const dropped = (sink: string, metrics: ReadonlyMap<string, number>, ...reasons: string[]) =>
      reasons.reduce((n, reason) => {
        const key = `outflow_sink_samples_dropped_total{policy="default/p",sink="${sink}",reason="${reason}"}`;
        return n + (metrics.get(key) ?? 0);
      }, 0);
    const metrics = await eventually(
      "all is settled",
      () => agent!.metrics(),
      (m) => ["vm", "strict"].every((sink) => dropped(sink, m, "rejected", "refused_replay") >= lost.get(sink)!),
    );
    for (const kind of ["vm", "strict"]) {
      const [one, all] = [proxies[kind]!, proxies[`${kind}-all`]!];
      console.log(
        `${kind}: ${one.requests} requests, ${all.requests} where nothing is refused; ${lost.get(kind)} dropped`,
      );
      assert.equal(lost.get(`${kind}-all`), 0);
      assert.ok(lost.get(kind)! > 700, `${lost.get(kind)} of 720 are refused`);
      // Where it takes the newest sample of the series and refuses older ones, these count as refused_replay.
      const rejected = dropped(kind, metrics, "rejected");
      assert.ok(rejected > 300 && rejected <= lost.get(kind)!, `${rejected} rejected`);
      assert.equal(dropped(`${kind}-all`, metrics, "rejected", "refused_replay"), 0);
      assert.ok(one.requests <= all.requests + EXTRA_REQUESTS, `${one.requests} requests, ${all.requests} without it`);
    }
    assert.deepEqual(unbalanced(metrics), []);
    assert.match(agent.log, /default\/p\/vm: the endpoint refuses m\{i=\\"42\\", job=\\"fleet\\"\}/);
    for (const sink of Object.keys(receivers)) assert.match(await agent.ready(sink), /^True /);
    assert.equal(await agent.stop(), 0);
  });
});
