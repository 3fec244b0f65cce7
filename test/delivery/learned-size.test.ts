// The size that an endpoint takes: halved by what is too large, grown slowly, never below one sample; slow links teach it too.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LearnedSize } from "../../src/delivery/learned-size.ts";
import { SeriesTable } from "../../src/series/table.ts";
import { FakeClock } from "../fakes/clock.ts";
import { frame, line } from "../fakes/sender.ts";

/** Sends batches of 1,000 samples to an endpoint that takes `fits`; returns how many requests were too large. */
function send(size: LearnedSize, batches: number, fits: number): number {
  let tooLarge = 0;
  for (let n = 0; n < batches; n++)
    for (let left = 1_000; left > 0; ) {
      const samples = Math.min(left, size.smaller(left, 100 * left) ?? left);
      if (samples > fits) {
        tooLarge++;
        size.tooLarge(samples, 100 * samples);
      } else {
        size.delivered(samples, 100 * samples, 1_000);
        left -= samples;
      }
    }
  return tooLarge;
}

describe("a learned size", () => {
  test("costs few refusals once, and hardly any later", () => {
    const size = new LearnedSize();
    assert.equal(send(size, 1, 130), 3, "1,000, 500 and 250 are too large");
    assert.equal(size.size?.samples, 125);
    assert.ok(send(size, 200, 130) <= 6, "of 1,600: it grows slowly, and more slowly each time that was too much");
  });

  test("grows back when the endpoint takes more again", () => {
    const size = new LearnedSize();
    send(size, 1, 130);
    assert.equal(send(size, 2_000, 1_000), 0);
    assert.equal(size.size, undefined, "nothing is too large any more");
  });

  test("a single sample that is too large says nothing about the others", () => {
    const size = new LearnedSize();
    for (let samples = 64; samples >= 1; samples >>= 1) size.tooLarge(samples, 100 * samples);
    size.forget();
    assert.equal(size.size, undefined);
  });
});

/** Bytes that pass a slow link in time. */
const FITS = 40_000;

test("a slow link: requests shrink until they pass, nothing is dropped, and no attempt counts that only taught a size", async () => {
  const clock = new FakeClock();
  const sent: number[] = [];
  const l = line("http://127.0.0.1:1/", { maxAttempts: 2, backoffDurationMs: 1_000 }, { clock });
  l.replaceSender((body) => {
    sent.push(body.length);
    return body.length > FITS
      ? { verdict: { kind: "retry", reason: "Timeout", message: "It took too long.", slow: true }, answered: false }
      : { verdict: { kind: "delivered", status: 204 }, answered: true };
  });
  // 280 kB: the third half of it fits.
  l.send(frame(new SeriesTable(), 30_000, 1, clock.now()), 30_000);
  await clock.advance(60_000);
  assert.equal(l.sink().account.delivered, 30_000);
  assert.ok(sent[0]! > 7 * FITS && sent[0]! < 8 * FITS, `${sent}`);
  const refused = sent.filter((bytes) => bytes > FITS).length;
  assert.ok(refused > 0 && refused <= 3, `${sent}`);
  assert.ok(l.sink().learnedSize !== undefined, "a size was learned");
  await l.close();
});

test("what teaches a size is not an attempt: a failure after it is the first of maxAttempts", async () => {
  const clock = new FakeClock();
  const l = line("http://127.0.0.1:1/", { maxAttempts: 2, backoffDurationMs: 1_000 }, { clock });
  let failures = 1;
  l.replaceSender((body) => {
    if (body.length > FITS)
      return {
        verdict: { kind: "retry", reason: "Timeout", message: "It took too long.", slow: true },
        answered: false,
      };
    if (failures-- > 0)
      return {
        verdict: { kind: "retry", reason: "ServerError", message: "Unavailable.", status: 503 },
        answered: true,
      };
    return { verdict: { kind: "delivered", status: 204 }, answered: true };
  });
  l.send(frame(new SeriesTable(), 40_000, 1, clock.now()), 40_000);
  await clock.advance(60_000);
  assert.ok(l.sink().learnedSize !== undefined, "a size was learned");
  assert.ok(failures < 0, "and then it has failed once");
  assert.deepEqual(l.sink().account.dropped.exhausted ?? 0, 0);
  assert.equal(l.sink().account.delivered, 40_000);
  await l.close();
});
