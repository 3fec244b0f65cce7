// The table of answers over real HTTP: the right number of requests, the right reason, and an account that balances.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { FRESH, type Origin } from "../../src/delivery/batch-splitter.ts";
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
  origin: Origin = FRESH,
): Promise<Line> {
  receiver.answer = answer;
  out = line(receiver.writeUrl, o);
  out.send(frame(new SeriesTable(), series, 1, NOW), maxSize, origin);
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

  test("where all are refused, each is tried on its own: two requests a series, and one without samples for eight of them", async () => {
    const l = await run(refuses(400));
    await quiet(l);
    assert.equal(l.sink().account.dropped.rejected, 100);
    assert.ok(receiver.requests.length <= 2 * 100 + 1 + Math.ceil(100 / 8), `${receiver.requests.length} requests`);
    balanced(l);
  });

  for (const [how, text] of [
    ["Prometheus", 'out of order sample: {__name__="m42"}'],
    ["Mimir", "received a sample whose label is too long, series: 'm42'"],
    ["in JSON", '{"error":"sample refused: {__name__=\\"m42\\"}"}'],
  ] as const)
    test(`a series that the receiver names (${how}) is tried first: the fewest requests win`, async () => {
      const l = await run((r) => (names(r).includes("m42") ? { status: 400, body: text } : { status: 204 }));
      await quiet(l);
      assert.equal(l.sink().account.dropped.rejected, 1);
      assert.deepEqual(sizes(), [100, 0, 1, 42, 57]);
      balanced(l);
    });

  test("a text that names another series than the refused one costs requests and no samples", async () => {
    const l = await run((r) => (names(r).includes("m42") ? { status: 400, body: "refused: m7" } : { status: 204 }));
    await quiet(l);
    assert.equal(l.sink().account.delivered, 99);
    assert.equal(l.sink().rejected[0]?.series, "m42");
    balanced(l);
  });

  test("one old sample of a series: only that is dropped", async () => {
    receiver.answer = (r) => ({
      status: r.series.some((s) => s.samples.some(({ ts }) => ts < NOW - 9_000)) ? 422 : 204,
    });
    out = line(receiver.writeUrl);
    out.send(frame(new SeriesTable(), 8, 11, NOW), 500);
    await quiet(out);
    assert.equal(out.sink().account.dropped.rejected, 8);
    assert.equal(out.sink().account.delivered, 80);
    assert.deepEqual(out.sink().rejected.length, 8, "each is named");
    balanced(out);
  });

  test("a series that is refused whole costs few requests however many samples it has", async () => {
    receiver.answer = (r) => ({ status: names(r).includes("m3") ? 400 : 204 });
    out = line(receiver.writeUrl);
    out.send(frame(new SeriesTable(), 8, 60, NOW), 500);
    await quiet(out);
    assert.equal(out.sink().account.dropped.rejected, 60);
    assert.ok(
      receiver.requests.length <= 2 * Math.log2(8) + 3 * Math.log2(60) + 4,
      `${receiver.requests.length} requests`,
    );
    balanced(out);
  });

  test("the refusal is logged once at info, not for each part", async () => {
    const l = await run((r) => (names(r).includes("m42") ? { status: 400, body: "no" } : { status: 204 }));
    await quiet(l);
    assert.deepEqual(
      l.events.flatMap((e) => (e.type === "notice" ? [[e.level, e.message]] : [])),
      [
        [
          "info",
          "default/p/s: a request with 100 samples was refused; outflow sends smaller requests to find the refused samples. The endpoint refused samples (400). It said: no",
        ],
      ],
    );
  });

  test("409: the samples that conflict are found and dropped as conflict, the rest is delivered", async () => {
    const l = await run((r) => ({ status: names(r).includes("m42") ? 409 : 204 }));
    await quiet(l);
    assert.equal(l.sink().account.dropped.conflict, 1);
    assert.equal(l.sink().account.delivered, 99);
    balanced(l);
  });
});

describe("400 and 422 for what may have been sent before", () => {
  const SENT: Origin = { sent: true, together: true, suspects: false };

  test("a series that is refused is counted as refused_replay, the others are delivered, and Ready does not suffer", async () => {
    const l = await run((r) => ({ status: names(r).includes("m42") ? 400 : 204 }), 100, {}, 500, SENT);
    await quiet(l);
    assert.equal(l.sink().account.dropped.refused_replay, 1);
    assert.equal(l.sink().account.delivered, 99);
    assert.notEqual(l.sink().conditions[1].status, "False");
    assert.deepEqual(l.sink().rejected, []);
    balanced(l);
  });

  test("a series that was sent whole or not at all is dropped with one request, else sample by sample", async () => {
    const requests = async (together: boolean) => {
      receiver.answer = refuses(400);
      const before = receiver.requests.length;
      const l = line(receiver.writeUrl);
      l.send(frame(new SeriesTable(), 4, 8, NOW), 500, { ...SENT, together });
      await quiet(l);
      assert.equal(l.sink().account.dropped.refused_replay, 32);
      await l.close();
      return receiver.requests.length - before;
    };
    assert.equal(await requests(true), 1 + 2 + 4 + 2, "all, halves, series; and one without samples before and after");
    assert.ok((await requests(false)) > 30);
  });

  test("a sample that arrived since is taken, though those before it are refused", async () => {
    const known = NOW - 3_000;
    receiver.answer = (r) => ({
      status: r.series.some((s) => s.samples.some(({ ts }) => ts < known)) ? 400 : 204,
    });
    out = line(receiver.writeUrl);
    out.send(frame(new SeriesTable(), 2, 10, NOW), 500, { ...SENT, together: false });
    await quiet(out);
    assert.equal(out.sink().account.delivered, 2 * 4);
    assert.equal(out.sink().account.dropped.refused_replay, 2 * 6);
    balanced(out);
  });

  for (const [how, first] of [
    ["an attempt without an answer", "reset"],
    ["502, which a proxy says that got no answer", { status: 502 }],
    ["504, which a proxy says that got no answer", { status: 504 }],
  ] as const)
    test(`after ${how} a refusal is an expected one`, async () => {
      const l = await run((r, n) =>
        n === 0 ? first : names(r).includes("m42") ? { status: 400, body: "out of order sample" } : { status: 204 },
      );
      await quiet(l);
      assert.equal(l.sink().account.dropped.refused_replay, 1);
      assert.equal(l.sink().account.delivered, 99);
      balanced(l);
    });

  test("samples over an hour old: those that are taken are delivered", async () => {
    const old = NOW - 3_700_000;
    receiver.answer = (r) => ({
      status: r.series.some((s) => s.samples.some(({ ts }) => ts < old - 5_000)) ? 400 : 204,
    });
    out = line(receiver.writeUrl);
    out.send(frame(new SeriesTable(), 5, 10, old));
    await quiet(out);
    assert.equal(out.sink().account.delivered, 5 * 6);
    assert.equal(out.sink().account.dropped.rejected, 5 * 4);
    balanced(out);
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
    for (const sent of [false, true])
      test(`${status} to that too${sent ? ", for what may have been sent before" : ""}: held, nothing is dropped, Ready says what to do`, async () => {
        const l = await run(() => wrongPath(status), 100, {}, 50, { ...FRESH, sent });
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

  test("one that has taken data and then refuses everything: held, and not one sample is lost", async () => {
    const l = await run(() => ({ status: 204 }), 10);
    await quiet(l);
    receiver.answer = () => wrongPath(400);
    l.send(frame(new SeriesTable(), 2, 1, NOW + 1));
    await holds(l);
    assert.deepEqual(
      sizes(),
      [10, 2, 1, 1, 0],
      "each series is refused, and then it refuses also a write without samples",
    );
    assert.equal(l.sink().account.pending, 2);
    l.delivery.retryNow();
    await eventually("it is asked again", sizes, (all) => all.length === 7);
    assert.deepEqual(sizes().slice(5), [1, 0]);
    await holds(l);
    assert.equal(l.sink().conditions[1].reason, "NotFound");
    receiver.answer = () => ({ status: 204 });
    l.delivery.retryNow();
    await quiet(l);
    assert.equal(l.sink().account.delivered, 12);
    balanced(l);
  });

  test("of many series eight at most are refused before it is asked; the parts of a series come back in their order", async () => {
    const l = await run(() => ({ status: 204 }), 10);
    await quiet(l);
    receiver.answer = () => wrongPath(400);
    l.send(frame(new SeriesTable(), 64, 9, NOW + 9_000));
    await holds(l);
    assert.ok(receiver.requests.length < 60, `${receiver.requests.length} requests`);
    assert.equal(l.sink().account.pending, 64 * 9);
    receiver.answer = () => ({ status: 204 });
    l.delivery.retryNow();
    await quiet(l);
    assert.equal(l.sink().account.delivered, 10 + 64 * 9, "and the receiver has checked the order of each series");
    balanced(l);
  });

  test("what it has refused before another endpoint is set goes there, too", async () => {
    const l = await run(() => ({ status: 204 }), 10);
    await quiet(l);
    receiver.answer = (r, n) => (n < 4 ? wrongPath(400) : r.samples === 0 ? "hang" : { status: 204 });
    l.send(frame(new SeriesTable(), 2, 1, NOW + 1));
    await eventually("it is asked", sizes, (all) => all.length === 5);
    l.delivery.pause();
    l.anotherSender();
    l.delivery.resume();
    await quiet(l);
    assert.equal(l.sink().account.delivered, 12);
    balanced(l);
  });

  test("a path that is known to be for something else takes writes without samples: that proves nothing", async () => {
    receiver.answer = refuses(400, "cannot process influx line protocol data");
    out = line(receiver.writeUrl, {}, { elsewhere: "/write" });
    out.send(frame(new SeriesTable(), 50, 4, NOW));
    const l = out;
    await eventually(
      "it holds",
      () => l.sink().phase.name,
      (name) => name === "holding",
    );
    const { reason, message } = l.sink().conditions[1];
    assert.equal(reason, "NotFound");
    assert.match(
      message,
      /\/write is not a path for remote write at VictoriaMetrics.*influx line protocol.*no data is lost/s,
    );
    assert.equal(l.sink().account.pending, 200);
    assert.equal(l.sink().rejected.length, 0);
    assert.equal(receiver.requests.length, 1);
    receiver.answer = () => ({ status: 204 });
    l.delivery.retryNow();
    await quiet(l);
    receiver.answer = (r) => (names(r).includes("m7") ? { status: 400 } : { status: 204 });
    l.send(frame(new SeriesTable(), 50, 4, NOW + 10_000));
    await quiet(l);
    assert.equal(l.sink().account.delivered, 200 + 196, "whoever takes samples there is trusted");
    assert.equal(l.sink().account.dropped.rejected, 4);
    balanced(l);
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

describe("a size is learned", () => {
  test("later batches are cut to what fits before they are sent, and it is in the snapshot", async () => {
    const l = await run((r) => (r.samples > 30 ? { status: 413 } : { status: 204 }), 100, {}, 100);
    await quiet(l);
    const { samples = 0, bytes = 0 } = l.sink().learnedSize ?? {};
    assert.ok(samples > 0 && samples <= 50 && bytes > 0, JSON.stringify(l.sink().learnedSize));
    const before = receiver.requests.length;
    for (let n = 1; n <= 3; n++) l.send(frame(new SeriesTable(), 100, 1, NOW + n * 1_000), 100);
    await quiet(l);
    const after = sizes().slice(before);
    assert.equal(
      after.reduce((n, size) => n + size, 0),
      300,
      `each sample once: ${after}`,
    );
    assert.ok(after.length <= 12, "none is so small that it says little");
    balanced(l);
  });

  test("one series that is too large alone is investigated once, dropped and named; the size of the others stays", async () => {
    receiver.answer = (r) => (names(r).includes("m7") ? { status: 413 } : { status: 204 });
    out = line(receiver.writeUrl);
    out.send(frame(new SeriesTable(), 16, 20, NOW), 500);
    await quiet(out);
    assert.equal(out.sink().account.dropped.too_large, 20);
    assert.equal(out.sink().account.delivered, 15 * 20);
    assert.equal(out.sink().rejected[0]?.series, "m7");
    assert.ok(receiver.requests.length < 2 * Math.log2(320) + 8, `${receiver.requests.length} requests`);
    balanced(out);
  });

  test("an endpoint that says 413 to every sample is held: one series is dropped, not all", async () => {
    const l = await run(refuses(413), 64);
    await eventually(
      "it holds",
      () => l.sink().phase.name,
      (name) => name === "holding",
    );
    assert.equal(l.sink().account.dropped.too_large, 1);
    assert.equal(l.sink().account.pending, 63);
    assert.ok(receiver.requests.length < 16, `${receiver.requests.length} requests`);
    assert.match(l.sink().conditions[1].message, /refuses every request with samples as too large \(413\)/);
    assert.match(l.sink().rejected[0]?.message ?? "", /^One sample alone is too large for the endpoint \(413\)/);
    const { lastTransitionTime } = l.sink().conditions[1];
    const before = receiver.requests.length;
    l.delivery.retryNow();
    await eventually(
      "it was probed",
      () => receiver.requests.length,
      (n) => n >= before + 2,
    );
    await eventually(
      "it holds again",
      () => l.sink().inFlight,
      (n) => n === 0,
    );
    assert.equal(l.sink().conditions[1].lastTransitionTime, lastTransitionTime, "a probe changes nothing of Ready");
    balanced(l);
  });
});

describe("refusals that say nothing about samples: asked with a write without samples, then held", () => {
  for (const status of [406, 407, 411, 414, 421, 425, 426, 431, 451, 463, 499]) {
    test(`${status}: nothing is dropped`, async () => {
      const l = await run((r) => ({ status: r.samples > 0 || status % 2 === 1 ? status : 204 }));
      await eventually(
        "it holds",
        () => l.sink().phase.name,
        (name) => name === "holding",
      );
      assert.deepEqual(sizes(), [100, 0]);
      assert.equal(l.sink().account.pending, 100);
      assert.match(l.sink().conditions[1].message, new RegExp(`\\(${status}\\)`));
      receiver.answer = () => ({ status: 204 });
      l.delivery.retryNow();
      await quiet(l);
      assert.equal(l.sink().account.delivered, 100);
      balanced(l);
    });
  }
});

describe("2xx with a web page", () => {
  for (const [how, answer, webPage] of [
    ["text/html", { status: 200, headers: { "content-type": "text/html; charset=utf-8" }, body: "<p>hello" }, true],
    ["without a type", { status: 200, body: "  <!DOCTYPE html><html>" }, true],
    ["text that is not valid", { status: 200, headers: { "content-type": "text/plain" }, body: "ok" }, false],
    ["204", { status: 204 }, false],
  ] as const)
    test(`${how}: delivered, and ${webPage ? "said" : "nothing is said"}`, async () => {
      const l = await run(() => answer);
      await quiet(l);
      assert.equal(l.sink().account.delivered, 100);
      assert.equal(l.sink().webPage, webPage);
    });
});

test("what is dropped says from when its samples are", async () => {
  receiver.answer = (r) => ({ status: r.samples > 0 ? 409 : 204 });
  out = line(receiver.writeUrl);
  out.send(frame(new SeriesTable(), 8, 5, NOW));
  await quiet(out);
  assert.deepEqual(
    out.events.flatMap((e) => (e.type === "dropped" ? [[e.samples, e.oldest, e.newest]] : [])),
    Array.from({ length: 8 }, () => [5, NOW - 4_000, NOW]),
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
