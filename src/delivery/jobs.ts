// The batches of one sink that wait or are in flight, oldest first: which is sent next, which were never attempted. Pure.
import { type Batch, samplesOf } from "../batch/batch.ts";
import { mayStart } from "../batch/order.ts";
import { BatchSplitter, type Origin } from "./batch-splitter.ts";

/** A batch without its samples, which are in pieces: what order, age and settlement need. */
export type Sealed = Pick<Batch, "seq" | "windows" | "continues" | "openedAtMs"> & { samples: number };

export type Job = {
  batch: Sealed;
  /** What is left of the batch to send: all of it, or parts of it after a refusal. */
  pieces: BatchSplitter;
  /** The body of the piece that is being sent: a retry sends the same bytes. */
  body: Uint8Array | undefined;
  /** Attempts of the piece that is being sent. */
  attempts: number;
  probes: number;
  inFlight: boolean;
  lastAttempt: boolean;
  /** A refusal is about its samples: the endpoint that refused takes writes. */
  believed: boolean;
  /** Its owner knows that an attempt begins, and that parts of one series are sent. */
  announced: "no" | "attempt" | "cut";
  /** Its refusal was reported. */
  refused: boolean;
  suspects: boolean;
};

export function newJob(batch: Batch, origin: Origin): Job {
  const { seq, windows, continues, openedAtMs } = batch;
  return {
    batch: { seq, windows, continues, openedAtMs, samples: samplesOf(batch) },
    pieces: new BatchSplitter(batch, origin),
    body: undefined,
    attempts: 0,
    probes: 0,
    inFlight: false,
    lastAttempt: false,
    believed: false,
    announced: "no",
    refused: false,
    suspects: origin.suspects,
  };
}

const PROBES_EACH = 3;

/** The first batch that may start; while holding, each batch in turn after three probes, so that one cannot block the sink. */
export function nextJob(jobs: Iterable<Job>, holding: boolean): Job | undefined {
  const may: Job[] = [];
  const earlier: Sealed[] = [];
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

/**
 * Never attempted: all but a last one that only has the rest of windows that were, which is cheaper to keep than to send those twice.
 * `keepStarted`: all but any such.
 */
export function unattempted(jobs: readonly Job[], keepStarted: boolean): Job[] {
  const waiting = jobs.filter((job) => !job.inFlight && job.announced === "no" && job.pieces.untouched);
  const waits = new Set(waiting);
  const attempted = new Set(
    jobs.filter((job) => !waits.has(job)).flatMap((job) => job.batch.windows.map((w) => w.window)),
  );
  const rest = new Set(waiting.filter((job) => job.batch.windows.every((w) => attempted.has(w.window))));
  return keepStarted || rest.size === 1 ? waiting.filter((job) => !rest.has(job)) : waiting;
}
