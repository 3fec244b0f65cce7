// The fault matrix of a source: whatever stands at its address, one read is one request and fails with its reason, nothing of it is
// taken, memory is bounded, and the next read from a good source is whole. Faults of answers that begin well: faults.test.ts.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createHttpClient } from "../../src/http/client.ts";
import type { HttpClient } from "../../src/http/http.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { FrameBuilder } from "../../src/series/frame-builder.ts";
import { Keyspace } from "../../src/series/keyspace.ts";
import { SeriesTable } from "../../src/series/table.ts";
import { rawWindow } from "../../src/source/query.ts";
import { type ReadResult, readAnswer } from "../../src/source/read.ts";
import { type FaultyServer, faults, startFaultyServer } from "../fakes/faults.ts";
import { type FakeSource, startFakeSource } from "../fakes/source.ts";

const FROM = 1_795_000_000_000;
const TO = FROM + 15_000;

describe("the fault matrix of a source", () => {
  let bad: FaultyServer;
  let good: FakeSource;
  let http: HttpClient;
  const builder = new FrameBuilder();

  before(async () => {
    bad = await startFaultyServer();
    good = await startFakeSource([{ labels: { __name__: "up" }, samples: [[FROM + 1000, "1"]] }]);
    http = createHttpClient({ connectMs: 15_000, connections: 2 });
  });
  after(async () => {
    await http.close();
    bad.close();
    await good.close();
  });

  const read = (url: string, ms: number): Promise<ReadResult> =>
    readAnswer(http, systemClock, builder, {
      url,
      body: rawWindow("up", FROM, TO),
      headers: {},
      keyspace: new Keyspace(new SeriesTable(), undefined),
      newerThan: () => FROM,
      from: FROM,
      to: TO,
      nanIsStale: () => false,
      expect: ["matrix"],
      allowPartial: false,
      maxSamples: 1000,
      timeouts: { firstByteMs: ms, idleMs: ms, totalMs: ms },
      signal: new AbortController().signal,
    });

  for (const f of faults) {
    test(f.name, async () => {
      bad.set(f);
      const rss = process.memoryUsage.rss();
      const result = await read(bad.url("/api/v1/query"), f.timeoutMs ?? (f.reason === "Timeout" ? 300 : 15_000));
      assert.ok(!result.ok, "the read fails");
      const { reason, message } = result.failure;
      assert.equal(reason, "SourceUnavailable", "access, address or network: never the query");
      assert.equal(bad.requests, f.requests === 0 ? 0 : 1, "requests that reached it");
      assert.ok(message.length < 700, `${message.length} characters`);
      assert.equal(/[\u0000-\u001f\u007f-\u009f]/.test(message), false, "no control characters");
      assert.ok(process.memoryUsage.rss() - rss < 100 * 1024 * 1024, "memory is bounded");
      const next = await read(`${good.url}/api/v1/query`, 15_000);
      assert.ok(next.ok, JSON.stringify(next));
      assert.equal(next.frame.samples, 1);
    });
  }
});
