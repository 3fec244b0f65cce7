// Whatever the times: every file runs once, the processors are not promised twice, and the longest that fits is next.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { countedAs, type Job, jobsOf, next, PROMISED } from "./schedule.ts";

const load = (jobs: readonly Job[]) => jobs.reduce((sum, job) => sum + job.cores, 0);

describe("next()", () => {
  test("property: all run, no more at once than the processors have room for, none of those left out is longer and fits", () => {
    const times = fc.array(fc.tuple(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: 400 })), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(times, fc.integer({ min: 1, max: 8 }), (pairs, cores) => {
        const waiting = jobsOf(
          pairs.map((_, i) => `${i}`),
          Object.fromEntries(pairs.map((pair, i) => [`${i}`, pair])),
        );
        const endsAt = new Map<Job, number>();
        const started = new Set<string>();
        for (let now = 0; waiting.length + endsAt.size > 0; ) {
          for (
            let job = next(waiting, [...endsAt.keys()], cores);
            job;
            job = next(waiting, [...endsAt.keys()], cores)
          ) {
            assert.ok(endsAt.size === 0 || load([...endsAt.keys(), job]) <= PROMISED * cores + 1e-9);
            const longer = waiting.slice(0, waiting.indexOf(job));
            assert.ok(longer.every((other) => load([...endsAt.keys(), other]) > PROMISED * cores - 1e-9));
            waiting.splice(waiting.indexOf(job), 1);
            assert.ok(!started.has(job.file));
            started.add(job.file);
            endsAt.set(job, now + job.seconds);
          }
          assert.ok(endsAt.size > 0, "something always runs");
          now = Math.min(...endsAt.values());
          for (const [job, end] of endsAt) if (end <= now) endsAt.delete(job);
        }
        assert.equal(started.size, pairs.length);
      }),
    );
  });

  test("on two processors two that compute run, with some that wait beside them, and not a third", () => {
    const [a, b, c] = ["a", "b", "c"].map((file): Job => ({ file, seconds: 60, cores: 1.05 }));
    const waits: Job = { file: "waits", seconds: 10, cores: 0.1 };
    assert.equal(next([b!, waits], [a!], 2), b);
    assert.equal(next([c!, waits], [a!, b!], 2), waits);
    assert.equal(next([c!], [a!, b!], 2), undefined);
    assert.equal(next([b!, waits], [a!], 1), waits);
  });

  test("one that starts counts for more than it will: twelve that wait do not start at once", () => {
    const waits: Job = { file: "waits", seconds: 100, cores: 0.1 };
    const started: Job[] = [];
    for (let job = next([waits], started, 2); job; job = next([waits], started, 2)) started.push(countedAs(job, 0));
    assert.equal(started.length, 5);
    assert.equal(
      next(
        [waits],
        started.map(() => countedAs(waits, 5)),
        2,
      ),
      waits,
    );
  });

  test("a file that nobody has measured runs too", () => {
    assert.deepEqual(
      jobsOf(["old", "new"], { old: [30, 3] }).map(({ file }) => file),
      ["old", "new"],
    );
  });
});
