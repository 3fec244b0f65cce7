// What was given up comes back: dead letters and a time range, replayed by the compiled binary, make the sink equal to the source.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { binary, eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { missing } from "../servers/contents.ts";
import { needs } from "../servers/found.ts";
import { type Contents, type Server, startVictoriaMetrics, type VictoriaMetrics } from "../servers/servers.ts";

const SELECTOR = '{job="r"}';

const policy = (sinks: Record<string, string>): string => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: r }
spec:
  sources:
    - name: all
      metrics: { metricsql: '${SELECTOR}' }
  sinks:
${Object.entries(sinks)
  .map(
    ([name, url]) => `    - name: ${name}
      sources: [all]
      target:
        prometheusRemoteWrite:
          endpoint: "${url}"
          batch: { maxSize: 30, timeout: 300ms }
          retry: { maxAttempts: 2, backoffDuration: 200ms }
`,
  )
  .join("")}`;

type Ended = { code: number; stdout: string; stderr: string };

const outflow = (...args: string[]): Promise<Ended> =>
  promisify(execFile)(binary, args).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );

const asTyped = (line: string): Promise<Ended> =>
  promisify(execFile)("sh", ["-c", line], {
    env: { ...process.env, PATH: `${dirname(binary)}:${process.env.PATH}` },
  }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );

const rows = (contents: Contents): string[] =>
  [...contents].flatMap(([series, samples]) => samples.map(([ts, v]) => `${series} ${ts} ${v}`)).sort();

describe("what was given up comes back", needs("victoria-metrics"), () => {
  const dir = tempDir();
  let source: VictoriaMetrics;
  let sink: Server;
  let agent: Running | undefined;
  const producing = new AbortController();

  before(async () => {
    [source, sink] = await Promise.all([startVictoriaMetrics(), startVictoriaMetrics()]);
  });

  after(async () => {
    producing.abort();
    await agent?.stop("SIGKILL");
    await Promise.all([source.remove(), sink.remove()]);
    dir.remove();
  });

  /** 20 series, a sample each second, one of them with a stale marker in between. */
  async function produce(signal: AbortSignal): Promise<void> {
    for (let s = 0; !signal.aborted; s++) {
      const now = Date.now();
      await source.import(
        Array.from({ length: 20 }, (_, i) => ({
          labels: { __name__: "m", job: "r", i: String(i), hard: 'a "b" \\ ü' },
          samples: [[now, s * 0.1 + i * 1e-7] as [number, number]],
        })),
      );
      await new Promise((done) => setTimeout(done, 1000 - (Date.now() - now)));
    }
  }

  test("dead letters of an outage, replayed, make the sink equal to the source, and can be imported as they are", async () => {
    const file = join(dir.path, "p.yaml");
    const letters = join(dir.path, "letters");
    writeFileSync(file, policy({ vm: sink.writeUrl }));
    const producer = produce(producing.signal);
    const flags = ["--policies", file, "--source-url", source.url, "--poll-interval", "1s", "--settle", "1s"];
    agent = await runAgent([...flags, "--state-dir", join(dir.path, "state"), "--dead-letter-dir", letters]);
    const metric = async (name: string) => (await agent!.metrics()).get(`${name}{policy="default/r",sink="vm"}`) ?? 0;
    await eventually(
      "samples arrive",
      () => metric("outflow_sink_samples_delivered_total"),
      (n) => n > 100,
    );
    await sink.stop();
    await eventually(
      "batches are given up and kept",
      () => metric("outflow_sink_dead_letter_samples_total"),
      (n) => n > 50, // waits do not start again after a drop: few batches are given up
      200_000,
    );
    await sink.start();
    const delivered = await metric("outflow_sink_samples_delivered_total");
    await eventually(
      "samples arrive again",
      () => metric("outflow_sink_samples_delivered_total"),
      (n) => n > delivered + 100,
      200_000,
    );
    producing.abort();
    await producer;
    const want = await source.read(SELECTOR);
    const { rows: lost } = await eventually(
      "all else arrived",
      // On a busy machine batches are given up after the sink is back, too.
      async () => ({
        rows: missing(want, await sink.read(SELECTOR)),
        kept: await metric("outflow_sink_dead_letter_samples_total"),
      }),
      ({ rows, kept }) => rows.length === kept,
      200_000,
    );
    assert.ok(lost.length > 50, `${lost.length} samples are missing before`);
    assert.equal(await agent.stop(), 0);

    const folder = join(letters, "default/r/vm");
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    const files = readdirSync(folder).filter((f) => f.endsWith(".jsonl.gz"));
    const index = readFileSync(join(folder, "index.jsonl"), "utf8").trim().split("\n");
    assert.ok(index.every((line) => JSON.parse(line).reason === "exhausted"));

    // Another VictoriaMetrics imports the files as they are.
    const other = await startVictoriaMetrics();
    for (const name of files) {
      const answer = await fetch(`${other.url}/api/v1/import`, {
        method: "POST",
        headers: { "content-encoding": "gzip" },
        body: readFileSync(join(folder, name)),
      });
      assert.equal(answer.status, 204);
    }
    await eventually(
      "everything that was lost is in the files",
      async () => {
        const there = new Set(rows(await other.read(SELECTOR)));
        return lost.filter((row) => !there.has(row));
      },
      (left) => left.length === 0,
    );
    await other.remove();

    const dry = await outflow("replay", "--policies", file, "--dead-letters", letters, "--dry-run");
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stdout, /default\/r\/vm: [\d,]+ samples would be delivered/);
    const replayed = await outflow("replay", "--policies", file, "--dead-letters", letters);
    assert.equal(replayed.code, 0, replayed.stderr);
    assert.match(
      replayed.stdout,
      /^default\/r\/vm: read ([\d,]+) = delivered \1 \+ dropped 0 \+ returned 0 \+ pending 0\n$/,
    );
    await eventually(
      "the sink has what the source has",
      async () => missing(want, await sink.read(SELECTOR)).slice(0, 3),
      (left) => left.length === 0,
    );
    assert.deepEqual(
      missing(await sink.read(SELECTOR), await source.read(SELECTOR)).slice(0, 3),
      [],
      "nothing made up",
    );
    assert.deepEqual(readdirSync(folder), ["index.jsonl"], "what was delivered is gone");
  });

  test("a time range is delivered again; a sink that is down stops it, and the same command continues", async () => {
    const fresh = await startVictoriaMetrics();
    const file = join(dir.path, "again.yaml");
    writeFileSync(file, policy({ fresh: fresh.writeUrl }));
    const all = await source.read(SELECTOR);
    const times = rows(all).map((row) => Number(row.split(" ").at(-2)));
    const [from, to] = [Math.min(...times) - 1, Math.max(...times)];
    const command = [
      "replay",
      "--policies",
      file,
      "--policy",
      "default/r",
      "--source-url",
      source.url,
      "--state-dir",
      join(dir.path, "state"),
      "--poll-interval",
      "1s",
      "--max-window",
      "3s",
      "--from",
      new Date(from).toISOString(),
      "--to",
      new Date(to).toISOString(),
    ];
    const dry = await outflow(...command, "--dry-run");
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stdout, /would be delivered/);
    assert.equal((await fresh.read(SELECTOR)).size, 0, "a dry run sends nothing");

    await fresh.stop();
    const failed = await outflow(...command);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /Gave up after 2 attempts: .*The same command continues from there/);
    assert.match(failed.stdout, /delivered 0 \+ dropped 0 \+ returned ([\d,]+) \+ pending 0/, "nothing is dropped");

    await fresh.start();
    const well = await outflow(...command, "--max-rate", "2000");
    assert.equal(well.code, 0, well.stderr);
    assert.match(well.stdout, /read ([\d,]+) = delivered \1 \+/);
    await eventually(
      "the sink has what the source has",
      async () => missing(all, await fresh.read(SELECTOR)).slice(0, 3),
      (left) => left.length === 0,
    );
    assert.deepEqual(missing(await fresh.read(SELECTOR), all).slice(0, 3), []);
    await fresh.remove();
  });

  test("without dead letters the log has the command that sends just what was dropped", async () => {
    const fresh = await startVictoriaMetrics();
    const file = join(dir.path, "dropped.yaml");
    const state = join(dir.path, "dropped");
    writeFileSync(file, policy({ fresh: fresh.writeUrl }));
    const again = new AbortController();
    const from = Date.now();
    const producer = produce(again.signal);
    const where = ["--policies", file, "--source-url", source.url, "--state-dir", state, "--poll-interval", "1s"];
    agent = await runAgent([...where, "--settle", "1s", "--log-format", "text"]);
    const dropped = async () =>
      (await agent!.metrics()).get(
        'outflow_sink_samples_dropped_total{policy="default/r",sink="fresh",reason="exhausted"}',
      ) ?? 0;
    await eventually(
      "samples arrive",
      () => agent!.ready("fresh"),
      (ready) => ready === "True Delivering",
    );
    await fresh.stop();
    await eventually("batches are given up", dropped, (n) => n > 60);
    await fresh.start();
    const told = /ready again after .* dropped meanwhile\. To send them: outflow (replay .*)/;
    await eventually(
      "the log says what to do",
      () => agent!.log,
      (log) => told.test(log),
    );
    again.abort();
    await producer;
    const want = async () =>
      new Map(
        [...(await source.read(SELECTOR))].map(([series, samples]) => [series, samples.filter(([ts]) => ts > from)]),
      );
    const [, lost] = await eventually(
      "all else arrived",
      async () => [missing(await want(), await fresh.read(SELECTOR)).length, await dropped()] as const,
      ([missing, dropped]) => missing === dropped,
    );
    // As it is printed, in a shell.
    const replayed = await asTyped(`outflow ${told.exec(agent.log)![1]!}`);
    assert.equal(replayed.code, 0, replayed.stderr);
    assert.match(replayed.stderr, /A plain Prometheus refuses, with the whole request, samples that are older/);
    const read = Number(/: read ([\d,]+) =/.exec(replayed.stdout)![1]!.replaceAll(",", ""));
    assert.ok(read >= lost && read < lost + 60, `${read} read again for ${lost} that were dropped`);
    await eventually(
      "the sink has what the source has",
      async () => missing(await want(), await fresh.read(SELECTOR)).slice(0, 3),
      (left) => left.length === 0,
    );
    assert.equal(await agent.stop(), 0);
    await fresh.remove();
  });
});
