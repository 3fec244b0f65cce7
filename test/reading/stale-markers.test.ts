// Series that end at a Prometheus, which keeps its stale markers to itself: one marker at the end of the window in which they are
// gone, and none where that is not known. Over real HTTP.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { createHttpClient } from "../../src/http/client.ts";
import type { HttpClient } from "../../src/http/http.ts";
import { systemClock } from "../../src/platform/clock.ts";
import type { Memory } from "../../src/reading/memory/memory.ts";
import type { Query } from "../../src/reading/reader.ts";
import { SourcePort, type SourceSettings } from "../../src/reading/source-port.ts";
import { plainRules } from "../../src/series/labels.ts";
import { concatenated } from "../../src/state/rows.ts";
import {
  type Behaviour,
  behaviours,
  bodyFor,
  type FakeSource,
  type SourceRow,
  startFakeSource,
} from "../fakes/source.ts";

const NOW = 1_795_000_000_000;
const STEP = 15_000;
const BUILD = '{"status":"success","data":{"version":"2.42.0","revision":"r","goVersion":"go1.19"}}';

/** A Prometheus: instant queries leave out series in `gone`. */
let gone = new Set<string>();
let instantFails = false;
const prometheus: Behaviour = (asked, response, { rows }) => {
  if (asked.path.endsWith("buildinfo")) return void response.end(BUILD);
  const instant = !/\[\d+ms\]$/.test(asked.query);
  if (instant && instantFails) return void response.writeHead(503).end();
  response.end(bodyFor(instant ? rows.filter((r) => !gone.has(r.labels.__name__!)) : rows, asked));
};

const row = (name: string, from: number, samples: number, value = "1"): SourceRow => ({
  labels: { __name__: name },
  samples: Array.from({ length: samples }, (_, i): [number, string] => [NOW + from + 1_000 + STEP * i, value]),
});

let source: FakeSource;
let http: HttpClient;
before(async () => {
  source = await startFakeSource();
  http = createHttpClient({ connectMs: 5_000, connections: 1 });
});
after(async () => {
  await http.close();
  await source.close();
});
beforeEach(() => {
  source.behave = prometheus;
  source.rows = [];
  source.asked = [];
  gone = new Set();
  instantFails = false;
});

const query: Query = {
  text: "{}",
  sent: '{job="x"}',
  kind: "raw",
  fallbackName: "",
  intervalMs: STEP,
  delayMs: 5_000,
  lateWindowMs: 30_000,
  maxWindowMs: 300_000,
  maxBackfillMs: 86_400_000,
  startBackMs: 0,
  labels: plainRules,
};

const port = (kind: SourceSettings["kind"] = "auto") =>
  new SourcePort(
    {
      url: source.url,
      kind,
      headers: {},
      timeouts: { firstByteMs: 30_000, idleMs: 30_000 },
      maxWindowSamples: 1_000_000,
      allowPartial: false,
    },
    { clock: systemClock, seed: [1, 2], http, dispatch: () => {} },
  );

type Run = { memory: Memory; got: string[]; ok: boolean };

/** Reads the windows number `from` to `to`, each of 15 s; what came, as `name@second value`. */
async function read(p: SourcePort, memory: Memory, from: number, to: number): Promise<Run> {
  const run: Run = { memory, got: [], ok: true };
  for (let k = from; k < to; k++) {
    const window = { from: NOW + k * STEP, to: NOW + (k + 1) * STEP };
    const outcome = await p.readWindow(query, run.memory, window, window.from - 30_000, new AbortController().signal);
    if (!outcome.ok) return { ...run, ok: false };
    run.memory = outcome.memory;
    const { frame } = outcome;
    for (let r = 0; r < frame.runs; r++) {
      const name = frame.table.labels(frame.runSeries[r]!)[0]![1];
      for (let i = frame.runStart[r]!; i < frame.runStart[r + 1]!; i++)
        run.got.push(
          `${name}@${(frame.timestamps[i]! - NOW) / 1000} ${frame.stale[i] === 1 ? "stale" : frame.values[i]}`,
        );
    }
  }
  return run;
}

describe("a series that ends at a Prometheus", () => {
  test("gets one stale marker at the window's end, and continues when it is back", async () => {
    source.rows = [row("stays", 0, 8), row("ends", 0, 2), { ...row("ends", 75_000, 1) }];
    const p = port();
    let run = await read(p, p.newMemory(query, NOW), 0, 2);
    assert.deepEqual(run.got.sort(), ["ends@1 1", "ends@16 1", "stays@1 1", "stays@16 1"]);
    assert.equal(p.kind, "prometheus");
    gone.add("ends");
    run = await read(p, run.memory, 2, 5);
    assert.deepEqual(run.got.sort(), ["ends@45 stale", "stays@31 1", "stays@46 1", "stays@61 1"]);
    gone.clear();
    run = await read(p, run.memory, 5, 6);
    assert.deepEqual(run.got.sort(), ["ends@76 1", "stays@76 1"]);
  });

  test("in the same window as its last sample: the marker follows it", async () => {
    source.rows = [row("ends", 0, 1)];
    gone.add("ends");
    const p = port();
    assert.deepEqual((await read(p, p.newMemory(query, NOW), 0, 2)).got, ["ends@1 1", "ends@15 stale"]);
  });

  test("not where the series is only scraped seldom", async () => {
    source.rows = [row("seldom", 0, 1)];
    const p = port();
    assert.deepEqual((await read(p, p.newMemory(query, NOW), 0, 6)).got, ["seldom@1 1"]);
  });

  test("not after five minutes without samples: nobody shows it any more", async () => {
    source.rows = [row("ends", 0, 1)];
    const p = port();
    const run = await read(p, p.newMemory(query, NOW), 0, 20);
    gone.add("ends");
    assert.deepEqual((await read(p, run.memory, 20, 22)).got, []);
  });

  test("is not given up on a failed instant query: the window is read again, with its marker", async () => {
    source.rows = [row("ends", 0, 1)];
    const p = port();
    const run = await read(p, p.newMemory(query, NOW), 0, 1);
    gone.add("ends");
    instantFails = true;
    assert.equal((await read(p, run.memory, 1, 2)).ok, false);
    instantFails = false;
    assert.deepEqual((await read(p, run.memory, 1, 2)).got, ["ends@30 stale"]);
  });

  test("also when it ended while the agent was away", async () => {
    source.rows = [row("ends", 0, 2), row("stays", 0, 9)];
    const p = port();
    const { memory } = await read(p, p.newMemory(query, NOW), 0, 2);
    gone.add("ends");
    const again = port();
    const run = await read(again, again.restore(query, concatenated(memory.blob(NOW - 300_000)), NOW - 15_000), 2, 4);
    assert.deepEqual(run.got.sort(), ["ends@45 stale", "stays@31 1", "stays@46 1"]);
  });

  test("a marker is remembered across a restart too: none is written twice", async () => {
    source.rows = [row("ends", 0, 1)];
    const p = port();
    gone.add("ends");
    const { memory } = await read(p, p.newMemory(query, NOW), 0, 1);
    const again = port();
    const run = await read(again, again.restore(query, concatenated(memory.blob(NOW - 300_000)), NOW - 15_000), 1, 3);
    assert.deepEqual(run.got, []);
  });

  test("its NaN stays a NaN", async () => {
    source.rows = [row("nan", 0, 1, "NaN")];
    const p = port();
    assert.deepEqual((await read(p, p.newMemory(query, NOW), 0, 1)).got, ["nan@1 NaN"]);
  });
});

describe("other sources", () => {
  test("of VictoriaMetrics a NaN is the stale marker, and no instant query is sent", async () => {
    source.behave = behaviours.victoriametrics;
    source.rows = [row("ended", 0, 1, "NaN")];
    const p = port();
    const { got } = await read(p, p.newMemory(query, NOW), 0, 3);
    assert.deepEqual(got, ["ended@1 stale"]);
    assert.equal(p.kind, "victoriametrics");
    assert.deepEqual(
      source.asked.filter((a) => a.query !== "" && !a.query.includes("[")),
      [],
    );
  });

  test("--source-kind wins over what the answers show", async () => {
    source.behave = behaviours.victoriametrics;
    source.rows = [row("nan", 0, 1, "NaN")];
    const p = port("prometheus");
    assert.deepEqual((await read(p, p.newMemory(query, NOW), 0, 1)).got, ["nan@1 NaN"]);
  });

  test("an unknown server's NaN stays a NaN, and nothing is taken to have ended", async () => {
    source.behave = behaviours.answer; // buildinfo is not JSON that names a build
    source.rows = [row("nan", 0, 1, "NaN")];
    const p = port();
    assert.deepEqual((await read(p, p.newMemory(query, NOW), 0, 4)).got, ["nan@1 NaN"]);
    assert.equal(p.kind, "unknown");
  });

  test("a Prometheus in place of a VictoriaMetrics at the same address is found out", async () => {
    source.behave = behaviours.victoriametrics;
    source.rows = [row("up", 0, 9)];
    const p = port();
    const run = await read(p, p.newMemory(query, NOW), 0, 1);
    assert.equal(p.kind, "victoriametrics");
    source.behave = prometheus;
    await read(p, run.memory, 1, 3);
    assert.equal(p.kind, "prometheus");
  });
});

describe("where windows meet", () => {
  test("a sample at the very bound is taken once, also from a server whose windows include both ends", async () => {
    source.behave = (asked, response, s) => prometheus({ ...asked, fromMs: asked.fromMs - 1 }, response, s);
    source.rows = [{ labels: { __name__: "edge" }, samples: [0, 15_000, 30_000].map((ms) => [NOW + ms, "1"]) }];
    const p = port();
    assert.deepEqual((await read(p, p.newMemory(query, NOW), 0, 4)).got, ["edge@15 1", "edge@30 1"]);
  });
});

describe("the first read", () => {
  test("a series that is there already, with nothing new yet, is known to the near reads that follow", async () => {
    source.behave = behaviours.victoriametrics;
    source.rows = [
      {
        labels: { __name__: "up" },
        samples: [
          [NOW - 1_000, "0"],
          [NOW + 2_500, "1"],
        ],
      },
    ];
    const p = port();
    const near = { ...query, intervalMs: 2_000 };
    let memory = p.newMemory(near, NOW);
    const taken: number[] = [];
    for (const [from, to, back] of [
      [0, 2_000, 45_000],
      [2_000, 4_000, 4_000],
    ] as const) {
      const outcome = await p.readWindow(
        near,
        memory,
        { from: NOW + from, to: NOW + to },
        NOW + from - back,
        new AbortController().signal,
      );
      assert.ok(outcome.ok);
      memory = outcome.memory;
      taken.push(...outcome.frame.timestamps);
    }
    assert.deepEqual(taken, [NOW + 2_500]);
  });
});
