// The batches of one sink that wait or are under way, oldest first: which is sent next, which were never tried. Pure.
import type { Batch } from "../batch/batch.ts";
import { mayStart } from "../batch/order.ts";
import { BatchSplitter } from "./batch-splitter.ts";

export type Job = {
  batch: Batch;
  /** What is left of the batch to send: itself, or parts of it after a refusal. */
  pieces: BatchSplitter;
  body?: Uint8Array;
  /** Attempts of the piece that is being sent. */
  attempts: number;
  /** The last backoff of this piece: intervals never shrink. */
  backoff: number;
  probes: number;
  inFlight: boolean;
  /** Sent before, or may have been: a refusal is then expected from receivers that take a sample once. */
  replay: boolean;
  lastAttempt: boolean;
  /** A refusal is about its samples: the endpoint that refused takes writes. */
  believed: boolean;
};

export const newJob = (batch: Batch, replay: boolean): Job => ({
  batch,
  pieces: new BatchSplitter(batch),
  attempts: 0,
  backoff: 0,
  probes: 0,
  inFlight: false,
  replay,
  lastAttempt: false,
  believed: false,
});

const PROBES_EACH = 3;

/** The first batch that may start; while holding, each batch in turn after three probes, so that one cannot block the sink. */
export function nextJob(jobs: readonly Job[], holding: boolean): Job | undefined {
  const may: Job[] = [];
  const earlier: Batch[] = [];
  for (const job of jobs) {
    if (!mayStart(job.batch, earlier)) break;
    if (!job.inFlight && !job.lastAttempt) {
      may.push(job);
      if (!holding) break;
    }
    earlier.push(job.batch);
  }
  return may.reduce<Job | undefined>((best, job) => {
    if (best === undefined) return job;
    return Math.floor(job.probes / PROBES_EACH) < Math.floor(best.probes / PROBES_EACH) ? job : best;
  }, undefined);
}

/** Never attempted: all but a last one that only has the rest of windows that were, which is cheaper to keep than to send those twice. */
export function untried(jobs: readonly Job[]): Job[] {
  const waiting = jobs.filter((job) => !job.inFlight && job.attempts === 0 && job.pieces.untouched);
  const tried = new Set(
    jobs.filter((job) => !waiting.includes(job)).flatMap((job) => job.batch.rounds.map((r) => r.round)),
  );
  const rest = waiting.filter((job) => job.batch.rounds.every((r) => tried.has(r.round)));
  return rest.length === 1 ? waiting.filter((job) => job !== rest[0]) : waiting;
}
