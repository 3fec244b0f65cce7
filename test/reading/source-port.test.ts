// What a reader remembers between reads, over real HTTP: each sample comes through once, whenever it becomes visible within the
// late window.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { createHttpClient } from "../../src/http/client.ts";
import type { HttpClient } from "../../src/http/http.ts";
import { systemClock } from "../../src/platform/clock.ts";
import type { Memory } from "../../src/reading/memory/memory.ts";
import type { Query } from "../../src/reading/reader.ts";
import { SourcePort } from "../../src/reading/source-port.ts";
import { plainRules } from "../../src/series/labels.ts";
import { concatenated } from "../../src/state/rows.ts";

const NOW = 1_795_000_005_000; // half late windows begin here
const LATE = 30_000;

/** A source whose samples become visible at a time of their own. */
let samples: { name: string; ts: number; visibleAt: number }[] = [];
let clock = NOW;
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (d) => {
    body += d;
  });
  request.on("end", () => {
    const form = new URLSearchParams(body);
    const end = Number(form.get("time")) * 1000;
    const windowMs = Number(/\[(\d+)ms\]/.exec(form.get("query")!)![1]);
    const names = [...new Set(samples.map((s) => s.name))];
    const result = names.flatMap((name) => {
      const values = samples
        .filter((s) => s.name === name && s.visibleAt <= clock && s.ts > end - windowMs && s.ts <= end)
        .sort((a, b) => a.ts - b.ts)
        .map((s) => [s.ts / 1000, String(s.ts - NOW)]);
      return values.length === 0 ? [] : [{ metric: { __name__: name }, values }];
    });
    response.end(JSON.stringify({ status: "success", data: { resultType: "matrix", result } }));
  });
});
let http: HttpClient;
let port: SourcePort;

before(async () => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  http = createHttpClient({ connectMs: 5_000, connections: 1 });
  port = openPort();
});
after(async () => {
  await http.close();
  server.close();
});

const query: Query = {
  text: "up",
  sent: "up",
  kind: "raw",
  fallbackName: "",
  intervalMs: 2_000,
  delayMs: 2_000,
  lateWindowMs: LATE,
  maxWindowMs: 300_000,
  maxBackfillMs: 86_400_000,
  startBackMs: 0,
  labels: plainRules,
};

/** As a new process has it: it knows no series. */
const openPort = (): SourcePort =>
  new SourcePort(
    {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      kind: "victoriametrics",
      headers: {},
      timeouts: { firstByteMs: 30_000, idleMs: 30_000 },
      maxWindowSamples: 1_000_000,
      allowPartial: false,
    },
    { clock: systemClock, seed: [1, 2], http, dispatch: () => {} },
  );

/** What the last read() found that came after newer samples of its series had been taken. */
let late: number[] = [];

/** One read of (from, to] at the source's time `at`; adds what came through to `taken`. */
async function read(
  memory: Memory,
  at: number,
  from: number,
  to: number,
  back: number,
  taken: number[],
): Promise<Memory> {
  clock = at;
  const outcome = await port.readWindow(query, memory, { from, to }, from - back, new AbortController().signal);
  assert.ok(outcome.ok);
  taken.push(...[...outcome.frame.timestamps].map((ts) => ts - NOW));
  late = [...(outcome.late?.timestamps ?? [])].map((ts) => ts - NOW);
  return outcome.memory;
}

describe("late samples", () => {
  test("a new series that becomes visible ten seconds late, all at once, comes whole: a near read leaves it to the next far one", async () => {
    samples = Array.from({ length: 12 }, (_, i) => ({
      name: "born",
      ts: NOW + 1_000 * i,
      visibleAt: NOW + Math.max(10_000, 1_000 * i),
    }));
    const taken: number[] = [];
    let memory = port.newMemory(query, NOW - 60_000);
    memory = await read(memory, NOW + 10_000, NOW + 6_000, NOW + 8_000, 2_000, taken);
    assert.deepEqual(taken, [], "the near read sees only its newest samples and takes none");
    memory = await read(memory, NOW + 12_000, NOW + 8_000, NOW + 10_000, 1.5 * LATE, taken);
    memory = await read(memory, NOW + 14_000, NOW + 10_000, NOW + 12_000, 2_000, taken);
    assert.deepEqual(
      taken,
      Array.from({ length: 12 }, (_, i) => 1_000 * i),
    );
  });

  test("a series that was seen before continues in near reads", async () => {
    samples = Array.from({ length: 10 }, (_, i) => ({ name: "steady", ts: NOW + 1_000 * i, visibleAt: 0 }));
    const taken: number[] = [];
    let memory = port.newMemory(query, NOW - 1);
    memory = await read(memory, NOW + 6_000, NOW - 1, NOW + 4_000, LATE, taken);
    memory = await read(memory, NOW + 8_000, NOW + 4_000, NOW + 6_000, 2_000, taken);
    memory = await read(memory, NOW + 12_000, NOW + 6_000, NOW + 9_000, 1.5 * LATE, taken);
    assert.deepEqual(
      taken,
      Array.from({ length: 10 }, (_, i) => 1_000 * i),
    );
  });

  test("also after a restart: what was taken before is known from the saved memory", async () => {
    samples = Array.from({ length: 10 }, (_, i) => ({ name: "steady", ts: NOW + 1_000 * i, visibleAt: 0 }));
    const taken: number[] = [];
    const memory = await read(port.newMemory(query, NOW - 1), NOW + 6_000, NOW - 1, NOW + 4_000, LATE, taken);
    const restored = port.restore(query, concatenated(memory.blob(NOW - 60_000)), NOW - 60_000);
    await read(restored, NOW + 12_000, NOW + 4_000, NOW + 9_000, 2_000, taken);
    assert.deepEqual(
      taken,
      Array.from({ length: 10 }, (_, i) => 1_000 * i),
    );
  });

  test("also in a new process, of every series: the first read that looks back asks about none before it is there", async () => {
    samples = Array.from({ length: 10 }, (_, i) =>
      ["first", "second"].map((name) => ({ name, ts: NOW + 1_000 * i, visibleAt: 0 })),
    ).flat();
    const taken: number[] = [];
    const memory = await read(port.newMemory(query, NOW - 90_000), NOW + 6_000, NOW - 1, NOW + 4_000, 2 * LATE, taken);
    const saved = concatenated(memory.blob(NOW - 60_000));
    port = openPort();
    await read(port.restore(query, saved, NOW - 60_000), NOW + 12_000, NOW + 4_000, NOW + 9_000, 1.5 * LATE, taken);
    assert.deepEqual(
      taken.sort((a, b) => a - b),
      Array.from({ length: 10 }, (_, i) => [1_000 * i, 1_000 * i]).flat(),
    );
    assert.deepEqual(late, []);
  });

  test("a sample that becomes visible after newer ones of its series is found by the next read that looks back, with its half of a late window; once", async () => {
    samples = [1, 2, 3, 16, 17, 31, 32].map((s) => ({ name: "shuffled", ts: NOW + 1_000 * s, visibleAt: 0 }));
    samples.find((s) => s.ts === NOW + 3_000)!.visibleAt = NOW + 40_000;
    const taken: number[] = [];
    let memory = port.newMemory(query, NOW);
    memory = await read(memory, NOW + 30_000, NOW, NOW + 30_000, 2 * LATE, taken);
    assert.deepEqual(taken, [1_000, 2_000, 16_000, 17_000]);
    memory = await read(memory, NOW + 45_000, NOW + 30_000, NOW + 45_000, LATE, taken);
    assert.deepEqual(taken, [1_000, 2_000, 16_000, 17_000, 31_000, 32_000]);
    assert.deepEqual(late, [1_000, 2_000, 3_000], "which of them came late is not known");
    memory = await read(memory, NOW + 60_000, NOW + 45_000, NOW + 60_000, LATE, taken);
    assert.deepEqual(late, []);
  });

  test("so are many of them in an answer that comes in small pieces, and nothing else is sent again", async () => {
    const names = Array.from({ length: 3_000 }, (_, i) => `m${i}`);
    samples = names.flatMap((name, i) =>
      [2, 17, 19, 21].map((s) => ({
        name,
        ts: NOW + 1_000 * s,
        visibleAt: i % 1000 === 0 && s === 17 ? NOW + 40_000 : 0,
      })),
    );
    const taken: number[] = [];
    let memory = port.newMemory(query, NOW);
    memory = await read(memory, NOW + 30_000, NOW, NOW + 30_000, 2 * LATE, taken);
    assert.equal(taken.length, 4 * 3_000 - 3);
    assert.deepEqual(late, []);
    memory = await read(memory, NOW + 45_000, NOW + 30_000, NOW + 45_000, LATE, taken);
    assert.equal(taken.length, 4 * 3_000 - 3);
    assert.deepEqual(late, [17_000, 19_000, 21_000, 17_000, 19_000, 21_000, 17_000, 19_000, 21_000]);
  });

  test("the samples of a producer that was cut off come whole and in order: a near read that does not see the last one taken leaves them", async () => {
    samples = Array.from({ length: 20 }, (_, i) => ({
      name: "cut-off",
      ts: NOW + 1_000 * i,
      visibleAt: i < 5 ? 0 : NOW + 18_000,
    }));
    const taken: number[] = [];
    let memory = port.newMemory(query, NOW - 1);
    memory = await read(memory, NOW + 10_000, NOW - 1, NOW + 8_000, 2 * LATE, taken);
    memory = await read(memory, NOW + 18_000, NOW + 14_000, NOW + 16_000, 2_000, taken);
    assert.deepEqual(taken, [0, 1_000, 2_000, 3_000, 4_000]);
    memory = await read(memory, NOW + 20_000, NOW + 16_000, NOW + 18_000, 1.5 * LATE, taken);
    assert.deepEqual(
      taken,
      Array.from({ length: 19 }, (_, i) => 1_000 * i),
    );
    assert.deepEqual(late, []);
  });
});
