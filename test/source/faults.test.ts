// What goes wrong at a source, over real HTTP: the read fails with its reason, nothing of it is taken, the connection is given back,
// and the next read is as if nothing had been.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { createHttpClient } from "../../src/http/client.ts";
import type { HttpClient } from "../../src/http/http.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { FrameBuilder } from "../../src/series/frame-builder.ts";
import { Keyspace } from "../../src/series/keyspace.ts";
import { SeriesTable } from "../../src/series/table.ts";
import { apiUrl, rawWindow } from "../../src/source/query.ts";
import { kindOfBuildInfo, type ReadRequest, type ReadResult, readAnswer } from "../../src/source/read.ts";
import { behaviours, type FakeSource, type SourceRow, startFakeSource } from "../fakes/source.ts";

const FROM = 1_795_000_000_000;
const TO = FROM + 15_000;
const ROWS: SourceRow[] = Array.from({ length: 200 }, (_, i) => ({
  labels: { __name__: "up", instance: `host-${i}` },
  samples: [
    [FROM + 1000, "1"],
    [FROM + 2000, String(i)],
  ],
}));
const HEAD = '{"status":"success","data":{"resultType":"matrix","result":[';

let source: FakeSource;
let http: HttpClient;
const builder = new FrameBuilder();
const table = new SeriesTable();

before(async () => {
  source = await startFakeSource(ROWS);
  http = createHttpClient({ connectMs: 5_000, connections: 1 });
});
after(async () => {
  await http.close();
  await source.close();
});
beforeEach(() => {
  source.behave = behaviours.answer;
});

const read = (more: Partial<ReadRequest> = {}): Promise<ReadResult> =>
  readAnswer(http, systemClock, builder, {
    url: apiUrl(source.url, "query"),
    body: rawWindow("up", FROM, TO),
    headers: {},
    keyspace: new Keyspace(table, undefined),
    newerThan: () => FROM,
    from: FROM,
    to: TO,
    nanIsStale: (kind) => kind === "victoriametrics",
    expect: ["matrix"],
    allowPartial: false,
    maxSamples: 100_000,
    timeouts: { firstByteMs: 30_000, idleMs: 30_000 },
    signal: new AbortController().signal,
    ...more,
  });

async function fails(more?: Partial<ReadRequest>): Promise<{ reason: string; message: string; shrink: boolean }> {
  const result = await read(more);
  assert.ok(!result.ok, "the read fails");
  return result.failure;
}

async function works(): Promise<void> {
  source.behave = behaviours.answer;
  const result = await read();
  assert.ok(result.ok, JSON.stringify(result));
  assert.equal(result.frame.samples, 400, "the next read has everything, and nothing of the failed one");
}

describe("a source that", () => {
  test("answers: every sample, and the connection is used again", async () => {
    await works();
    await works();
    assert.equal(source.connections(), 1);
  });

  const unavailable: [string, () => void, Partial<ReadRequest>, RegExp, boolean][] = [
    [
      "accepts and never answers",
      () => (source.behave = behaviours.silent),
      { timeouts: { firstByteMs: 150, idleMs: 30_000 } },
      /no response within 150 ms/,
      true,
    ],
    [
      "stops in the middle of its answer",
      () => (source.behave = behaviours.stalls(5_000)),
      { timeouts: { firstByteMs: 30_000, idleMs: 150 } },
      /no data for 150 ms/,
      true,
    ],
    [
      "trickles, always a byte before it would be silent for too long",
      () => (source.behave = behaviours.slow(1, 10)),
      { timeouts: { firstByteMs: 30_000, idleMs: 30_000, totalMs: 300 } },
      /was too slow .* after [1-9]\d* bytes: request and response took more than 300 ms/,
      true,
    ],
    [
      "resets the connection",
      () => (source.behave = behaviours.reset),
      {},
      /closed the connection before it responded/,
      false,
    ],
    [
      "breaks the connection in the middle",
      () => (source.behave = behaviours.breaks(5_000)),
      {},
      /was interrupted after \d+ bytes/,
      true,
    ],
    ["ends its answer too early", () => (source.behave = behaviours.truncated(5_000)), {}, /is not usable/, true],
    ["answers with a proxy's page", () => (source.behave = behaviours.text("<html>hello</html>")), {}, /HTML/, true],
    ["answers with nothing", () => (source.behave = behaviours.text("")), {}, /is not usable/, true],
    [
      "is overloaded",
      () => (source.behave = behaviours.status(503, "no")),
      {},
      /cannot respond now \(503\): no/,
      false,
    ],
    [
      "has too many searches",
      () => (source.behave = behaviours.status(429, "too many", { "retry-after": "10" })),
      {},
      /429/,
      false,
    ],
    [
      "resets the connection in the middle of a response without a length",
      () =>
        (source.behave = (_asked, response) => {
          const body = '{"status":"success","data":{"resultType":"matrix","result":[]}}';
          response.socket!.write(`HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${body}`, () =>
            setTimeout(() => response.socket!.resetAndDestroy(), 20),
          );
        }),
      {},
      /was interrupted after 63 bytes/,
      true,
    ],
    [
      "requires credentials",
      () => (source.behave = behaviours.status(401, "")),
      {},
      /requires other credentials \(401\)\. Check --source-username with --source-password-file, or --source-bearer-file\.$/,
      false,
    ],
    [
      "denies access",
      () => (source.behave = behaviours.status(403, "no tenant")),
      {},
      /denied access \(403\): no tenant\. Check what its credentials may read/,
      false,
    ],
    [
      "stands behind a proxy that requires credentials",
      () => (source.behave = behaviours.status(407, "")),
      {},
      /proxy requires credentials/,
      false,
    ],
    [
      "is at another path",
      () => (source.behave = behaviours.status(404, "404 page not found")),
      {},
      /No query API at http:\/\/127\.0\.0\.1:\d+\/api\/v1\/query \(404\): 404 page not found\. Check host, port and path of --source-url/,
      false,
    ],
    [
      "has another prefix (VictoriaMetrics)",
      () => (source.behave = behaviours.status(400, 'unsupported path requested: "/x/api/v1/query"')),
      {},
      /No query API at .* \(400\): unsupported path requested/,
      false,
    ],
    [
      "takes no POST: a web server",
      () => (source.behave = behaviours.status(405, "<html>Not Allowed</html>")),
      {},
      /No query API at .* \(405\)/,
      false,
    ],
    [
      "answers with another API's JSON",
      () => (source.behave = behaviours.text('{"hello":"world"}')),
      {},
      /not of the query API: check the path of --source-url/,
      true,
    ],
    [
      "redirects",
      () =>
        (source.behave = behaviours.status(301, "", {
          location: "https://u:s3cr3t@metrics.example/prometheus/api/v1/query?token=s3cr3t",
        })),
      {},
      /redirects to https:\/\/metrics\.example\/prometheus\/api\/v1\/query \(301\)\. .* set --source-url to the final address/,
      false,
    ],
    [
      "redirects to a path of its own",
      () => (source.behave = behaviours.status(302, "", { location: "/login" })),
      {},
      /redirects to http:\/\/127\.0\.0\.1:\d+\/login \(302\)/,
      false,
    ],
    [
      "lacks a storage node",
      () =>
        (source.behave = behaviours.text(
          '{"status":"success","isPartial":true,"data":{"resultType":"matrix","result":[]}}',
        )),
      {},
      /isPartial/,
      false,
    ],
    [
      "answers with a series without end",
      () =>
        (source.behave = behaviours.endless(
          `${HEAD}{"metric":{"__name__":"up"},"values":[[${(FROM + 1) / 1000},"1"]`,
          `,[${(FROM + 2) / 1000},"2"]`.repeat(1000),
        )),
      {},
      /larger than 8 MiB/,
      true,
    ],
    [
      "answers with series without end",
      () =>
        (source.behave = behaviours.endless(
          `${HEAD}{"metric":{"__name__":"up"},"values":[]}`,
          `,{"metric":{"__name__":"up"},"values":[[${(FROM + 1) / 1000},"1"],[${(FROM + 2) / 1000},"2"]]}`.repeat(1000),
        )),
      {},
      /more than 100000 samples/,
      true,
    ],
  ];
  for (const [name, set, more, message, shrink] of unavailable) {
    test(`${name}: SourceUnavailable, ${shrink ? "a shorter window next" : "the same window again"}`, async () => {
      set();
      const failure = await fails(more);
      assert.match(failure.message, message);
      assert.equal(failure.reason, "SourceUnavailable");
      assert.equal(failure.shrink, shrink);
      await works();
    });
  }

  const refused: [string, () => void, RegExp, boolean][] = [
    [
      "says error with status 200",
      () => (source.behave = behaviours.text('{"status":"error","errorType":"x","error":"bad thing"}')),
      /bad thing/,
      false,
    ],
    [
      "refuses the query",
      () => (source.behave = behaviours.status(422, '{"status":"error","error":"cannot parse"}')),
      /\(422\): cannot parse/,
      false,
    ],
    ["finds the answer too large", () => (source.behave = behaviours.status(413, "")), /413/, true],
    [
      "answers with a vector",
      () => (source.behave = behaviours.text('{"status":"success","data":{"resultType":"vector","result":[]}}')),
      /returns a vector/,
      false,
    ],
  ];
  for (const [name, set, message, shrink] of refused) {
    test(`${name}: QueryFailed`, async () => {
      set();
      const failure = await fails();
      assert.match(failure.message, message);
      assert.equal(failure.reason, "QueryFailed");
      assert.equal(failure.shrink, shrink);
      await works();
    });
  }

  test("sends terminal controls in its error: escaped", async () => {
    source.behave = behaviours.status(422, '{"error":"\\u001b[31mred\\u202e"}');
    assert.doesNotMatch((await fails()).message, /[\u0000-\u001f\u202e]/);
  });

  test("is slow but steady: read to the end", async () => {
    source.behave = behaviours.slow(4_000, 5);
    const result = await read({ timeouts: { firstByteMs: 5_000, idleMs: 5_000 } });
    assert.ok(result.ok);
    assert.equal(result.frame.samples, 400);
  });

  test("connection refused: SourceUnavailable", async () => {
    const failure = await fails({ url: "http://127.0.0.1:1/api/v1/query" });
    assert.equal(failure.reason, "SourceUnavailable");
  });

  test("a read that the agent breaks off ends at once and gives the connection back", async () => {
    source.behave = behaviours.stalls(5_000);
    const stop = new AbortController();
    const reading = read({ signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    assert.equal((await reading).ok, false);
    await works();
  });

  test("property of truncation: cut after any byte, nothing is trusted", async () => {
    source.rows = ROWS.slice(0, 2);
    const length = Buffer.byteLength(
      JSON.stringify({
        status: "success",
        data: {
          resultType: "matrix",
          result: source.rows.map((r) => ({ metric: r.labels, values: r.samples.map(([ts, v]) => [ts / 1000, v]) })),
        },
      }),
    );
    for (let bytes = 0; bytes < length; bytes++) {
      source.behave = behaviours.truncated(bytes);
      assert.equal((await read()).ok, false, `after ${bytes} of ${length} bytes`);
    }
    source.behave = behaviours.truncated(length);
    assert.equal((await read()).ok, true);
    source.rows = ROWS;
  });

  test("1 GB of samples that were taken before: read through in bounded memory", async () => {
    const piece = `,{"metric":{"__name__":"up","filler":"${"x".repeat(200)}"},"values":[[${FROM / 1000},"1"]]}`.repeat(
      400,
    );
    const times = Math.ceil(1e9 / piece.length);
    source.behave = behaviours.endless(HEAD + piece.slice(1), piece, times, "]}}");
    const before = process.memoryUsage().rss;
    let most = before;
    const watching = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 20);
    const result = await read();
    clearInterval(watching);
    assert.ok(result.ok, JSON.stringify(result));
    assert.equal(result.frame.samples, 0);
    assert.ok(result.frame.bytes > 1e9);
    // The scripted source is in the same process.
    assert.ok(most - before < 200e6, `${((most - before) / 1e6).toFixed(0)} MB more`);
  });
});

describe("which server it is", () => {
  test("VictoriaMetrics names its host in a header; without it nothing is known", async () => {
    source.behave = behaviours.victoriametrics;
    assert.equal((await read()).sign?.kind, "victoriametrics");
    source.behave = behaviours.answer;
    assert.equal((await read()).sign?.kind, "unknown");
  });

  test("Prometheus says which build it is; VictoriaMetrics and pages of proxies do not", () => {
    assert.equal(
      kindOfBuildInfo('{"status":"success","data":{"version":"2.42.0","revision":"x","goVersion":"go1.19"}}'),
      "prometheus",
    );
    for (const text of [
      '{"status":"success","data":{"version":"2.24.0"}}',
      '{"status":"success"}',
      "<html>",
      "",
      "null",
    ])
      assert.equal(kindOfBuildInfo(text), "unknown", text);
  });
});
