// Rules 9 to 12: the table of answers, whole; how long Retry-After and backoff wait.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { backoffMs, probeDelayMs } from "../../src/remotewrite/backoff.ts";
import { judgeAnswer, retryAfterMs } from "../../src/remotewrite/judge.ts";

const NOW = Date.parse("2026-11-25T12:00:00Z");
const judged = (status: number, retryAfter?: string, text = "") => judgeAnswer({ status, text, retryAfter }, NOW);

describe("the table of answers", () => {
  const table: Record<string, number[]> = {
    delivered: [200, 201, 202, 204, 299],
    hold: [300, 301, 302, 303, 304, 307, 308, 401, 402, 403, 404, 405, 410, 415],
    halve: [413],
    bisect: [400, 409, 422],
    ask: [406, 407, 411, 412, 414, 416, 417, 418, 421, 423, 424, 425, 426, 428, 431, 451, 499],
    retry: [408, 429, 500, 501, 502, 503, 504, 507, 511, 599, 100, 199, 600, 999],
  };
  for (const [kind, statuses] of Object.entries(table))
    for (const status of statuses) test(`${status}: ${kind}`, () => assert.equal(judged(status).kind, kind));

  test("every status from 100 to 999 has a verdict, and each but a delivery says why and with which status", () => {
    for (let status = 100; status < 1000; status++) {
      const verdict = judged(status);
      assert.ok(
        verdict.kind === "delivered" ||
          (verdict.status === status && verdict.message.includes(String(status)) && /[.?]$/.test(verdict.message)),
        String(status),
      );
    }
  });

  test("a write without samples is never dropped or cut: what is refused is held, with the path as the thing to check", () => {
    for (let status = 300; status < 600; status++) {
      const verdict = judgeAnswer({ status, text: "", retryAfter: undefined, noSamples: true }, NOW);
      const usual = judged(status).kind;
      assert.equal(verdict.kind, usual === "retry" ? "retry" : "hold", String(status));
      if (usual === "bisect")
        assert.match(verdict.kind === "hold" ? verdict.message : "", /check the path of endpoint/);
    }
  });

  test("409 says of the samples that they conflict, 400 and 422 that they are refused", () => {
    assert.deepEqual(
      [409, 400, 422].map((status) => judged(status)).map((v) => v.kind === "bisect" && v.conflict === true),
      [true, false, false],
    );
  });

  test("rule 12: the receiver's words are shown, never interpreted", () => {
    for (const status of [400, 401, 429, 503]) {
      const verdict = judged(status, undefined, "out of order sample; retry later; 204");
      assert.equal(verdict.kind, judged(status).kind);
      assert.match(
        verdict.kind === "delivered" ? "" : verdict.message,
        /It said: out of order sample; retry later; 204$/,
      );
    }
  });
});

describe("rule 11: Retry-After", () => {
  const cases: [string | undefined, number | undefined][] = [
    [undefined, undefined],
    ["0", undefined],
    ["1", 1_000],
    ["120", 120_000],
    [" 7 ", 7_000],
    ["901", 900_000],
    ["999999999", 900_000],
    ["-5", undefined],
    ["1.5", undefined],
    ["soon", undefined],
    ["", undefined],
    ["2026", 900_000],
    ["Wed, 25 Nov 2026 12:00:30 GMT", 30_000],
    ["Wed, 25 Nov 2026 11:59:30 GMT", undefined],
    ["Fri, 25 Dec 2026 12:00:00 GMT", 900_000],
    ["Wednesday, 25-Nov-26 12:00:30 GMT", 30_000],
    ["Wed Nov 25 12:00:30 2026", 30_000],
    ["Wed Dec  2 12:00:00 2026", 900_000],
  ];
  for (const [header, ms] of cases) test(`${header}: ${ms}`, () => assert.equal(retryAfterMs(header, NOW), ms));

  test("an asctime date is GMT, whatever the zone of the host", () => {
    const before = process.env.TZ;
    process.env.TZ = "America/New_York";
    try {
      assert.equal(new Date(NOW).getTimezoneOffset(), 300);
      assert.equal(retryAfterMs("Wed Nov 25 12:00:30 2026", NOW), 30_000);
    } finally {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    }
  });

  test("counts on every status that is retried", () => {
    const of = (status: number) => {
      const verdict = judged(status, "9");
      return verdict.kind === "retry" ? verdict.retryAfterMs : undefined;
    };
    for (const status of [408, 429, 500, 502, 503, 504, 507, 599]) assert.equal(of(status), 9_000, String(status));
  });
});

describe("rule 9: backoff", () => {
  test("doubles from backoffDuration, at most five minutes, up to 20 % longer by jitter", () => {
    assert.deepEqual(
      [1, 2, 3, 4].map((n) => backoffMs(n, 5_000, () => 0)),
      [5_000, 10_000, 20_000, 40_000],
    );
    assert.equal(
      backoffMs(1, 5_000, () => 0.999999),
      6_000,
    );
    assert.equal(
      backoffMs(10, 5_000, () => 0),
      300_000,
    );
    assert.equal(
      backoffMs(1, 86_400_000, () => 0),
      300_000,
    );
  });

  test("probes of a sink that refuses: after 5, 15, 45 s, then up to every 5 minutes", () => {
    assert.deepEqual([1, 2, 3, 4, 5, 50].map(probeDelayMs), [5_000, 15_000, 45_000, 135_000, 300_000, 300_000]);
  });
});
