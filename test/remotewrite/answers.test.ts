// The table of answers over real HTTP: the right number of requests, the right reason, and an account that balances.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { FrameBuilder } from "../../src/series/frame-builder.ts";
import { SeriesTable } from "../../src/series/table.ts";
import { FakeClock } from "../fakes/clock.ts";
import { type Answer, type Received, type Receiver, startReceiver } from "../fakes/receiver.ts";
import { frame, type Line, line } from "../fakes/sender.ts";
import { eventually } from "../servers/binary.ts";

let receiver: Receiver;
let out: Line | undefined;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  await out?.close();
  out = undefined;
  await receiver.close();
});

const NOW = Date.now();
const names = (r: Received): string[] => r.series.map((s) => s.labels[0]![1]);
/** Samples of each request. */
const sizes = (): number[] => receiver.requests.map((r) => r.samples);
const quiet = (l: Line) =>
  eventually(
    "everything is settled",
    () => l.sink().account.pending,
    (n) => n === 0,
    60_000,
  );

function balanced(l: Line): void {
  const { read, delivered, dropped, returned, pending } = l.sink().account;
  const lost = Object.values(dropped).reduce((a, b) => a + b, 0);
  assert.equal(read, delivered + lost + returned + pending, "the account");
  assert.equal([...receiver.stored.values()].flat().length, delivered, "the receiver has what was delivered");
}

async function run(
  answer: (r: Received, n: number) => Answer,
  series = 100,
  o: Parameters<typeof line>[1] = {},
  maxSize = 500,
  replay = false,
): Promise<Line> {
  receiver.answer = answer;
  out = line(receiver.writeUrl, o);
  out.send(frame(new SeriesTable(), series, 1, NOW), maxSize, replay);
  return out;
}

/** Refuses what has samples: an endpoint that takes writes, and not these. */
const refuses =
  (status: number, body = "") =>
  (r: Received): Answer =>
    r.samples > 0 ? { status, body } : { status: 204 };

describe("400 and 422: the culprits are found and dropped, the rest is delivered", () => {
  for (const status of [400, 422]) {
    test(`${status}: one bad series of 100 costs few requests`, async () => {
      const l = await run((r) =>
        names(r).includes("m42") ? { status, body: "invalid sample for m42" } : { status: 204 },
      );
      await quiet(l);
      assert.equal(l.sink().account.delivered, 99);
      assert.equal(l.sink().account.dropped.rejected, 1);
      assert.ok(receiver.requests.length <= 2 * Math.log2(100) + 8, `${receiver.requests.length} requests`);
      const [bad, ...more] = l.sink().rejected;
      assert.equal(bad?.series, "m42");
      assert.match(bad?.message ?? "", /invalid sample for m42/);
      assert.equal(more.length, 0);
      balanced(l);
    });
  }

  test("more culprits than the budget can find: the rest is dropped and the message says that part may be stored", async () => {
    const l = await run(refuses(400));
    await quiet(l);
    assert.equal(l.sink().account.dropped.rejected, 100);
    assert.ok(receiver.requests.length <= 2 * Math.ceil(Math.log2(100)) + 8, `${receiver.requests.length} requests`);
    assert.ok(
      l.events.some((e) => e.type === "dropped" && /the receiver may have stored part of the rest/.test(e.message)),
    );
    balanced(l);
  });

  test("what was perhaps sent before is not bisected: refused_replay, one request, and Ready does not suffer", async () => {
    const l = await run(refuses(400, "out of order sample"), 100, {}, 500, true);
    await quiet(l);
    assert.equal(l.sink().account.dropped.refused_replay, 100);
    assert.deepEqual(sizes(), [100, 0]);
    assert.notEqual(l.sink().conditions[1].status, "False");
    assert.deepEqual(l.sink().rejected, []);
    balanced(l);
  });

  test("an attempt without an answer makes the next refusal an expected one", async () => {
    const l = await run((r, n) => (n === 0 ? "reset" : refuses(400, "out of order sample")(r)));
    await quiet(l);
    assert.equal(l.sink().account.dropped.refused_replay, 100);
    assert.deepEqual(sizes(), [100, 100, 0]);
    balanced(l);
  });

  for (const status of [502, 504])
    test(`${status}, which a proxy says that heard nothing from the receiver, makes the next refusal an expected one`, async () => {
      const l = await run((r, n) => (n === 0 ? { status } : refuses(400, "out of order sample")(r)));
      await quiet(l);
      assert.equal(l.sink().account.dropped.refused_replay, 100);
      balanced(l);
    });

  test("samples over an hour old are not bisected", async () => {
    receiver.answer = refuses(400, "out of bounds");
    out = line(receiver.writeUrl);
    out.send(frame(new SeriesTable(), 50, 1, NOW - 3_700_000));
    await quiet(out);
    assert.deepEqual(sizes(), [50, 0]);
    assert.equal(out.sink().account.dropped.refused_replay, 50);
  });
});

describe("400 and 422 from an endpoint that has taken nothing: it is asked with a write without samples", () => {
  const holds = (l: Line) =>
    eventually(
      "it holds",
      () => l.sink().phase.name,
      (name) => name === "holding",
    );
  const wrongPath = (status: number): Answer => ({ status, body: 'unsupported path requested: "/api/v1/wirte"' });

  for (const status of [400, 422])
    for (const replay of [false, true])
      test(`${status} to that too${replay ? ", for what was perhaps sent before" : ""}: held, nothing is dropped, Ready says what to do`, async () => {
        const l = await run(() => wrongPath(status), 100, {}, 50, replay);
        await holds(l);
        assert.deepEqual(sizes(), [50, 0]);
        assert.equal(l.sink().account.pending, 100);
        const ready = l.sink().conditions[1];
        assert.equal(`${ready.status} ${ready.reason}`, "False NotFound");
        assert.match(
          ready.message,
          /check the path of endpoint.*unsupported path requested: "\/api\/v1\/wirte".*no data is lost/s,
        );
        receiver.answer = () => ({ status: 204 });
        l.delivery.retryNow();
        await quiet(l);
        assert.equal(l.sink().account.delivered, 100);
        balanced(l);
      });

  test("what it says to that decides: 503 is retried, 401 held, and nothing is dropped", async () => {
    const l = await run((r, n) =>
      n < 6 ? { status: r.samples > 0 ? 400 : [503, 401, 503][(n - 1) / 2]! } : { status: 204 },
    );
    await holds(l);
    assert.deepEqual(
      l.sink().attempts.map((a) => a.status),
      [503, 401],
    );
    l.delivery.retryNow();
    await quiet(l);
    assert.deepEqual(sizes(), [100, 0, 100, 0, 100, 0, 100]);
    assert.equal(l.sink().account.delivered, 100);
    balanced(l);
  });

  test("each batch is probed in turn, and once one is taken the true culprit is found and dropped", async () => {
    const clock = new FakeClock();
    receiver.answer = () => ({ status: 400 });
    out = line(receiver.writeUrl, {}, { clock });
    out.send(frame(new SeriesTable(), 40, 1, clock.now()), 20);
    const minute = async (minutes: number, requests: number) => {
      await clock.advance(minutes * 60_000);
      await eventually("it is probed", sizes, (all) => all.length === requests);
      await holds(out!);
    };
    for (const [minutes, requests] of [
      [0, 2],
      [1, 4],
      [2, 6],
      [5, 8],
    ] as const)
      await minute(minutes, requests);
    const first = (n: number) => names(receiver.requests[n]!)[0];
    assert.deepEqual([0, 2, 4, 6].map(first), ["m0", "m0", "m0", "m20"], "after three probes the next batch");
    receiver.answer = (r) => ({ status: names(r).includes("m7") ? 400 : 204 });
    await clock.advance(300_000);
    await quiet(out);
    assert.equal(out.sink().account.delivered, 39);
    assert.equal(out.sink().rejected[0]?.series, "m7");
    balanced(out);
  });

  test("one that takes things is not asked; after a batch of which it took nothing it is asked again", async () => {
    const l = await run(() => ({ status: 204 }), 10);
    await quiet(l);
    receiver.answer = () => wrongPath(400);
    l.send(frame(new SeriesTable(), 1, 1, NOW));
    await quiet(l);
    assert.deepEqual(sizes(), [10, 1], "the first is believed");
    l.send(frame(new SeriesTable(), 10, 1, NOW + 1));
    await holds(l);
    assert.deepEqual(sizes(), [10, 1, 10, 0]);
    assert.equal(l.sink().account.dropped.rejected, 1);
  });

  test("another endpoint is a stranger again", async () => {
    const l = await run(() => ({ status: 204 }), 10);
    await quiet(l);
    receiver.answer = () => wrongPath(400);
    l.anotherSender();
    l.send(frame(new SeriesTable(), 10, 1, NOW + 1));
    await holds(l);
    assert.deepEqual(sizes(), [10, 10, 0]);
    assert.equal(l.sink().account.pending, 10);
  });
});

test("an attempt that is broken off because its sender was replaced is in flight no more, and counts as none", async () => {
  const l = await run((_, n) => (n === 0 ? { status: 503 } : "hang"));
  await eventually(
    "the second attempt hangs",
    () => receiver.requests.length,
    (n) => n === 2,
  );
  assert.equal(l.sink().inFlight, 1);
  l.delivery.pause();
  l.anotherSender();
  await eventually(
    "nothing is in flight",
    () => l.sink().inFlight,
    (n) => n === 0,
  );
  assert.equal(l.sink().attemptsTotal, 1);
  receiver.answer = () => ({ status: 204 });
  l.delivery.resume();
  await quiet(l);
  assert.equal(l.sink().account.delivered, 100);
  balanced(l);
});

describe("413: halved until it fits", () => {
  test("all is delivered in smaller requests", async () => {
    const l = await run((r) => (r.samples > 10 ? { status: 413 } : { status: 204 }));
    await quiet(l);
    assert.equal(l.sink().account.delivered, 100);
    balanced(l);
  });

  test("a single sample that is refused is dropped as too_large", async () => {
    const l = await run((r) => (names(r).includes("m7") ? { status: 413 } : { status: 204 }));
    await quiet(l);
    assert.equal(l.sink().account.dropped.too_large, 1);
    assert.equal(l.sink().account.delivered, 99);
    balanced(l);
  });

  test("a series with many samples is halved by its samples, in order", async () => {
    receiver.answer = (r) => (r.samples > 3 ? { status: 413 } : { status: 204 });
    out = line(receiver.writeUrl);
    out.send(frame(new SeriesTable(), 1, 20, NOW));
    await quiet(out);
    const times = [...receiver.stored.values()][0]!.map(([ts]) => ts);
    assert.deepEqual(
      times,
      Array.from({ length: 20 }, (_, i) => NOW - 1000 * (19 - i)),
    );
  });
});

describe("dropped at once", () => {
  for (const [status, reason] of [
    [409, "conflict"],
    [406, "rejected"],
    [431, "rejected"],
    [451, "rejected"],
  ] as const) {
    test(`${status}: ${reason}, one request`, async () => {
      const l = await run(() => ({ status }));
      await quiet(l);
      assert.equal(l.sink().account.dropped[reason], 100);
      assert.equal(receiver.requests.length, 1);
      balanced(l);
    });
  }
});

test("what is dropped says from when its samples are", async () => {
  receiver.answer = (r) => ({ status: r.series.length > 4 ? 413 : 409 });
  out = line(receiver.writeUrl);
  out.send(frame(new SeriesTable(), 8, 5, NOW));
  await quiet(out);
  assert.deepEqual(
    out.events.flatMap((e) => (e.type === "dropped" ? [[e.samples, e.oldest, e.newest]] : [])),
    [
      [20, NOW - 4_000, NOW],
      [20, NOW - 4_000, NOW],
    ],
  );
});

describe("held", () => {
  for (const status of [301, 307, 401, 402, 403, 404, 405, 410, 415]) {
    test(`${status}: one request, nothing dropped; after a change of settings it is tried at once`, async () => {
      const l = await run(() => ({ status, headers: { location: "http://127.0.0.1:1/elsewhere" } }), 100, {}, 20);
      await eventually(
        "it holds",
        () => l.sink().phase.name,
        (name) => name === "holding",
      );
      assert.equal(receiver.requests.length, 1);
      assert.equal(l.sink().account.pending, 100);
      assert.equal(l.sink().conditions[1].status, "False");
      receiver.answer = () => ({ status: 204 });
      l.delivery.retryNow();
      await quiet(l);
      assert.equal(l.sink().account.delivered, 100);
      balanced(l);
    });
  }
});

describe("retried", () => {
  for (const status of [429, 500, 502, 503, 504]) {
    test(`${status}: the same bytes again until they are taken`, async () => {
      const l = await run((_, n) => (n < 2 ? { status } : { status: 200 }));
      await quiet(l);
      assert.equal(receiver.requests.length, 3);
      assert.ok(receiver.requests.every((r) => r.body.equals(receiver.requests[0]!.body)));
      assert.equal(l.sink().account.delivered, 100);
      balanced(l);
    });
  }

  test("after maxAttempts the batch is dropped and the next one is tried", async () => {
    const l = await run((_, n) => (n < 3 ? { status: 503 } : { status: 204 }), 100, { maxAttempts: 3 }, 50);
    await quiet(l);
    assert.equal(l.sink().account.dropped.exhausted, 50);
    assert.equal(l.sink().account.delivered, 50);
    balanced(l);
  });

  test("with hold nothing is ever dropped", async () => {
    const l = await run(
      (_, n) => (n < 6 ? { status: 503 } : { status: 204 }),
      100,
      { maxAttempts: 2, backoffDurationMs: 1, onExhausted: "hold" },
      50,
    );
    await quiet(l);
    assert.equal(l.sink().account.delivered, 100);
    balanced(l);
  });

  test("while it fails one request is in flight, and nothing else is tried with", async () => {
    const l = await run(
      (_, n) => (n < 4 ? { status: 503, delayMs: 30 } : { status: 204 }),
      100,
      { maxAttempts: 10 },
      10,
    );
    await quiet(l);
    const first = receiver.requests[0]!.body;
    assert.ok(receiver.requests.slice(0, 4).every((r) => r.body.equals(first)));
    balanced(l);
  });
});

describe("rule 8: a series' samples come in timestamp order, also while a request is retried", () => {
  test("windows of the same series, many requests at once, answered in any order", async () => {
    receiver.answer = (_, n) => ({ status: 204, delayMs: [40, 1, 15, 2, 90][n % 5]! });
    out = line(receiver.writeUrl, { maxConcurrency: 8 });
    const table = new SeriesTable();
    for (let w = 0; w < 8; w++) out.send(frame(table, 30, 3, NOW + 3000 * w), 7);
    await quiet(out);
    assert.ok(receiver.mostInFlight > 2, "requests were in flight side by side");
    for (const samples of receiver.stored.values()) assert.equal(samples.length, 24);
    balanced(out);
  });

  test("windows of the same series, with faults in between", async () => {
    receiver.answer = (_, n) => (n % 3 === 1 ? { status: 503 } : { status: 204 });
    out = line(receiver.writeUrl, { maxAttempts: 10, backoffDurationMs: 1 });
    const table = new SeriesTable();
    for (let w = 0; w < 5; w++) out.send(frame(table, 30, 3, NOW + 3000 * w), 7);
    await quiet(out);
    assert.equal(receiver.stored.size, 30);
    for (const samples of receiver.stored.values()) {
      const times = samples.map(([ts]) => ts);
      assert.deepEqual(
        times,
        [...times].sort((a, b) => a - b),
      );
      assert.equal(times.length, 15);
    }
    balanced(out);
  });
});

describe("rule 2: bodies stay under 16 MiB decoded, whatever maxSize says", () => {
  test("a batch of long labels goes in several requests", async () => {
    out = line(receiver.writeUrl);
    const table = new SeriesTable();
    const builder = new FrameBuilder();
    for (let s = 0; s < 20; s++) {
      const labels: [string, string][] = [
        ["__name__", "m"],
        ["long", `${s}${"x".repeat(1024 * 1024)}`],
      ];
      builder.startRun(table.intern(labels));
      builder.add(NOW, 1, false);
    }
    out.send(builder.build(table, NOW - 1, NOW).frame, 5000);
    await quiet(out);
    assert.equal(out.sink().account.delivered, 20);
    assert.ok(receiver.requests.length >= 2, `${receiver.requests.length} requests`); // the receiver checks the size of each
    balanced(out);
  });
});

describe("rule 12: the receiver's text", () => {
  test("is read to 4 KiB, shown to 300 columns, without control characters and without the credentials", async () => {
    const credentials = { username: "tenant", password: "hunter2-ü" };
    const encoded = Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64");
    receiver.answer = () => ({
      status: 503,
      body: `\x1b[31m${credentials.password} ${encoded} \u202e${"x".repeat(100_000)}`,
    });
    out = line(receiver.writeUrl, { maxAttempts: 1 }, { credentials });
    out.send(frame(new SeriesTable(), 1, 1, NOW));
    await quiet(out);
    const text = JSON.stringify([out.events, out.sink()]);
    assert.equal(text.includes(credentials.password) || text.includes(encoded), false);
    assert.equal(text.includes("\\u001b[31m") || text.includes("\u202e"), false);
    assert.match(text, /\[redacted\]/);
    assert.ok(Math.max(...out.events.map((e) => ("message" in e ? e.message.length : 0))) < 500);
    assert.equal(receiver.requests[0]!.headers.authorization, `Basic ${encoded}`);
  });
});
