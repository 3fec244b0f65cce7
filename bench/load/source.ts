// A real VictoriaMetrics that gets one sample of each series every interval, by remote write, while the benchmark runs.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeBody } from "../../src/remotewrite/encode.ts";
import { FrameBuilder } from "../../src/series/frame-builder.ts";
import { SeriesTable } from "../../src/series/table.ts";
import { freePort } from "../../test/servers/servers.ts";
import { start, stop } from "./child.ts";
import { labelsOf, sampleOf } from "./fleet.ts";

const PART = 10_000;

export type Source = {
  url: string;
  pid: number;
  /** Samples that it has taken so far. */
  written: number;
  /** Each call of the next fill replaces this share of the series by new ones. */
  churn: number;
  /** Resolves when the samples of the next interval are there. */
  next(): Promise<void>;
  stop(): Promise<void>;
};

export async function startSource(series: number, intervalMs: number): Promise<Source> {
  const dir = mkdtempSync(join(tmpdir(), "outflow-bench-source-"));
  const url = `http://127.0.0.1:${await freePort()}`;
  const child = start("victoria-metrics", [
    `-storageDataPath=${dir}`,
    `-httpListenAddr=${new URL(url).host}`,
    "-retentionPeriod=1",
    "-search.maxUniqueTimeseries=2000000",
    "-search.maxFederateSeries=2000000",
    "-loggerLevel=ERROR",
  ]);
  while (
    !(await fetch(`${url}/health`).then(
      (r) => r.ok,
      () => false,
    ))
  )
    await Bun.sleep(50);

  const table = new SeriesTable();
  const builder = new FrameBuilder();
  const generation = new Uint16Array(series);
  const ids = Int32Array.from({ length: series }, (_, i) => intern(table, i, 0));
  // The server answers in the order in which it met the series: in no order that suits a sender.
  const order = shuffled(series);
  let round = 0;
  let moved = 0;
  let ended = false;
  let waiting: (() => void)[] = [];
  const source: Source = {
    url,
    pid: child.pid,
    written: 0,
    churn: 0,
    next: () => new Promise((done) => waiting.push(done)),
    async stop() {
      ended = true;
      await filling;
      await stop(child);
      rmSync(dir, { recursive: true, force: true });
    },
  };

  async function fill(): Promise<void> {
    while (!ended) {
      const now = Date.now();
      for (let n = Math.round(source.churn * series); n > 0; n--, moved++) {
        const i = moved % series;
        ids[i] = intern(table, i, ++generation[i]!);
      }
      for (let from = 0; from < series; from += PART) {
        builder.clear();
        for (let i = from; i < Math.min(series, from + PART); i++) {
          const of = order[i]!;
          builder.startRun(ids[of]!);
          builder.add(now, sampleOf(of, round), false);
        }
        const { frame } = builder.build(table, 0, now);
        const body = encodeBody({ frame, firstRun: 0, endRun: frame.runs, firstSample: 0, endSample: frame.samples });
        const answer = await fetch(`${url}/api/v1/write`, { method: "POST", body: body as Uint8Array<ArrayBuffer> });
        if (!answer.ok) throw new Error(`the source refused samples: ${answer.status} ${await answer.text()}`);
      }
      round++;
      source.written += series;
      const done = waiting;
      waiting = [];
      for (const d of done) d();
      await Bun.sleep(Math.max(0, now + intervalMs - Date.now()));
    }
  }
  const filling = fill();
  return source;
}

/** The numbers below `n` in an order that is the same each time. */
function shuffled(n: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  let seed = 18;
  for (let i = n - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    const j = seed % (i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

function intern(table: SeriesTable, i: number, generation: number): number {
  const labels = Object.entries(labelsOf(i, generation));
  return table.intern(labels);
}
