// The compiled binary is killed with SIGKILL 20 times while its source is written to, new series appear and sinks restart: at the end
// VictoriaMetrics, and Prometheus with an out-of-order window, have every sample. A plain Prometheus takes a series in order only: it
// has every sample of the steady series, and lacks nothing that it would take now (bench/kills.ts: 1,000 series at 1 s).
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { scrape } from "../servers/account.ts";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { fleetPolicy, missing, row, size } from "../servers/contents.ts";
import { needs } from "../servers/found.ts";
import {
  type Contents,
  type Server,
  startPrometheus,
  startVictoriaMetrics,
  type VictoriaMetrics,
} from "../servers/servers.ts";

const SELECTOR = '{job="fleet"}';
const KILLS = 20;

const policy = (sinks: Record<string, string>): string =>
  fleetPolicy(SELECTOR, sinks, "{ maxSize: 100, timeout: 200ms }", "{ maxAttempts: 3, backoffDuration: 200ms }");

/** Writes 20 steady series twice a second and a new series every second, until told to stop. */
async function produce(vm: VictoriaMetrics, signal: AbortSignal): Promise<number> {
  let written = 0;
  for (let n = 0; !signal.aborted; n++) {
    const now = Date.now();
    const rows = Array.from({ length: 20 }, (_, i) => row("steady", { i: String(i) }, [[now, n]]));
    // A series lives for five seconds.
    for (let b = Math.floor(n / 2); b > Math.floor(n / 2) - 5 && b >= 0; b--)
      rows.push(row("born", { b: String(b) }, [[now, n]]));
    await vm.import(rows);
    written += rows.length;
    await new Promise((done) => setTimeout(done, 500 - (Date.now() - now)));
  }
  return written;
}

describe("outflow killed again and again", needs("victoria-metrics", "prometheus"), () => {
  const dir = tempDir();
  let source: VictoriaMetrics;
  let vm: VictoriaMetrics;
  let wide: Server;
  let plain: Server;
  let agent: Running | undefined;

  before(async () => {
    [source, vm, wide, plain] = await Promise.all([
      startVictoriaMetrics(),
      startVictoriaMetrics(),
      startPrometheus("1h"),
      startPrometheus(),
    ]);
  });

  after(async () => {
    await agent?.stop("SIGKILL");
    await Promise.all([source.remove(), vm.remove(), wide.remove(), plain.remove()]);
    dir.remove();
  });

  test("SIGKILL 20 times at random moments, each sink restarted twice: every sample arrives", async () => {
    writeFileSync(join(dir.path, "p.yaml"), policy({ vm: vm.writeUrl, wide: wide.writeUrl, plain: plain.writeUrl }));
    const args = [
      ...["--policies", join(dir.path, "p.yaml"), "--source-url", source.url, "--state-dir", join(dir.path, "state")],
      ...["--poll-interval", "1s", "--settle", "2s", "--on-exhausted", "hold", "--start", "10m"],
    ];
    const writing = new AbortController();
    const produced = produce(source, writing.signal);
    const scrapes = scrape(() => agent);
    for (let kill = 0; kill < KILLS; kill++) {
      agent = await runAgent(args);
      // Chance is the point here: each run is another schedule, and the law holds for all.
      await new Promise((done) => setTimeout(done, 300 + Math.random() * 2_000));
      await agent.stop("SIGKILL");
      if (kill === 6 || kill === 13) {
        await Promise.all([vm, wide].map((s) => s.stop()));
        agent = await runAgent(args);
        await new Promise((done) => setTimeout(done, 500 + Math.random() * 1_000));
        await agent.stop("SIGKILL");
        await Promise.all([vm, wide].map((s) => s.start()));
      }
    }
    agent = await runAgent(args);
    writing.abort();
    const written = await produced;

    const want = await eventually(
      "all that was written is visible at the source",
      () => source.read(SELECTOR),
      (c) => size(c) === written,
    );
    for (const [name, sink] of [
      ["VictoriaMetrics", vm],
      ["Prometheus with an out-of-order window", wide],
    ] as const) {
      const have = await eventually(
        `${name} has all`,
        () => sink.read(SELECTOR),
        (c) => missing(want, c).length === 0,
        60_000,
      ).catch(() => sink.read(SELECTOR));
      assert.deepEqual(missing(want, have).slice(0, 5), [], `${name} has every sample of the source`);
      assert.deepEqual(missing(have, want).slice(0, 5), [], `${name}: nothing made up`);
    }
    const wouldTake = (c: Contents) => missing(want, c, (ts, newest) => ts > newest);
    const have = await eventually(
      "a plain Prometheus lacks nothing that it would take",
      () => plain.read(SELECTOR),
      (c) => wouldTake(c).length === 0,
    ).catch(() => plain.read(SELECTOR));
    assert.deepEqual(wouldTake(have), [], "a plain Prometheus lacks nothing that it would take");
    assert.deepEqual(missing(have, want).slice(0, 5), []);
    // A new series may become visible out of order. What is known for long is never late: of that not one sample is lost.
    const late = Math.min(...[...want.values()].map((list) => list[0]![0])) + 30_000;
    const known = new Map([...want].filter(([series]) => series.includes('"steady"')));
    const lost = missing(known, have).filter((sample) => Number(sample.split(" ").at(-2)) > late);
    assert.deepEqual(lost, [], "a plain Prometheus has every sample of series that are known");
    console.log(`plain Prometheus: ${missing(want, have).length} of ${size(want)} samples of new series came late`);
    await scrapes.stop();
    assert.deepEqual(scrapes.unbalanced, [], "the account balances at every scrape");
    assert.ok(scrapes.count > KILLS, `${scrapes.count} scrapes`);
    const metrics = await agent.metrics();
    for (const [key, value] of metrics)
      assert.ok(
        !/dropped_total.*reason="(exhausted|rejected|too_large|conflict)"/.test(key) || value === 0,
        `${key} ${value}`,
      );
  });
});
