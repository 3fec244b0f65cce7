// What a reader remembers between reads, over real HTTP: each sample comes through once, whenever it becomes visible within the
// late window.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import type { Memory } from "../../src/exporter/memory.ts";
import type { Query } from "../../src/exporter/reader.ts";
import { SourcePort } from "../../src/exporter/sourceport.ts";
import { systemClock } from "../../src/platform/clock.ts";
import type { HttpClient } from "../../src/platform/http.ts";
import { createHttpClient } from "../../src/platform/http-client.ts";
import { plainRules } from "../../src/series/labels.ts";

const NOW = 1_795_000_000_000;
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
  port = new SourcePort(
    {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      kind: "victoriametrics",
      headers: {},
      timeouts: { connectMs: 5_000, firstByteMs: 30_000, idleMs: 30_000 },
      maxWindowSamples: 1_000_000,
      allowPartial: false,
      extraFilters: [],
    },
    { clock: systemClock, random: () => 0.5, http, dispatch: () => {} },
  );
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

  test("a series that was seen before goes on in near reads", async () => {
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
    const restored = port.restore(query, memory.toBlob(NOW - 60_000), NOW - 60_000);
    await read(restored, NOW + 12_000, NOW + 4_000, NOW + 9_000, 2_000, taken);
    assert.deepEqual(
      taken,
      Array.from({ length: 10 }, (_, i) => 1_000 * i),
    );
  });
});
