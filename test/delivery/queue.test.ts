// What of a sink's queue is given back to be read again later.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Batcher } from "../../src/batch/batcher.ts";
import { FRESH } from "../../src/delivery/batch-splitter.ts";
import { newJob } from "../../src/delivery/jobs.ts";
import { Queue } from "../../src/delivery/queue.ts";
import { SeriesTable } from "../../src/series/table.ts";
import { frame } from "../fakes/sender.ts";

/** Two windows of 50 samples as batches of 10; the first of them was attempted. */
function queue(): Queue {
  const batcher = new Batcher(10);
  const table = new SeriesTable();
  const jobs = [1, 2].flatMap((n) => batcher.add(frame(table, 50, 1, 1_000 * n), n, 0)).map((b) => newJob(b, FRESH));
  assert.equal(jobs.length, 10);
  jobs[0]!.announced = "attempt";
  const all = new Queue();
  for (const job of jobs) all.add(job);
  return all;
}

const windows = (batches: readonly { windows: readonly { window: number }[] }[]) =>
  batches.map((batch) => batch.windows.map(({ window }) => window).join());

describe("what a sink gives back unsent", () => {
  test("everything that was never attempted, where it fails or the memory is short", () => {
    const all = queue();
    assert.deepEqual(windows(all.release(false)), ["1", "1", "1", "1", "2", "2", "2", "2", "2"]);
    assert.equal(all.samples, 10);
  });

  test("but for windows that were attempted in part, where it is only slow: a receiver would refuse what it has of them", () => {
    const all = queue();
    assert.deepEqual(windows(all.release(true)), ["2", "2", "2", "2", "2"]);
    assert.equal(all.samples, 50);
  });
});
