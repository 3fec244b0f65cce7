// Batches of one sink in, settled batches out: order, concurrency, attempts, backoff and holding (design.md, Delivery rules).
// Nothing here reads a clock or the net by itself; every batch that comes in is settled, or given back by releaseUnsent() or drain().
import { type Batch, type Span, samplesOf, timesOf } from "../batch/batch.ts";
import type { Clock, EpochMs } from "../platform/clock.ts";
import { printable } from "../platform/printable.ts";
import type { Random } from "../platform/random.ts";
import { backoffMs, probeDelayMs } from "../remotewrite/backoff.ts";
import type { Verdict } from "../remotewrite/judge.ts";
import { NO_SAMPLES } from "../remotewrite/post.ts";
import type { Frame } from "../series/frame.ts";
import { seriesText } from "../series/text.ts";
import type { Event, FailureReason, SinkId } from "../status/events.ts";
import type { Drop, Piece } from "./batch-splitter.ts";
import { type Job, newJob, nextJob, untried } from "./jobs.ts";

/** `answered` false: the receiver may have taken the samples, or not. */
type Outcome = { verdict: Verdict; answered: boolean };

/** One way to the sink, with its present endpoint and credentials. */
export type Sender = {
  /** The body of a request: kept until it is acknowledged, a retry sends the same bytes. */
  encode(span: Span): Uint8Array;
  /** One attempt. Never throws. */
  post(body: Uint8Array, signal: AbortSignal): Promise<Outcome>;
  close(): void;
};

export type DeliverySettings = {
  maxAttempts: number;
  backoffDurationMs: number;
  maxConcurrency: number;
  onExhausted: "drop" | "hold";
};

export type DeliveryPorts = {
  clock: Clock;
  random: Random;
  dispatch(event: Event): void;
  /** Keeps what is dropped as dead letters; false: they could not be written. Absent: there is no folder for them. */
  keep?(drop: Drop): boolean;
  /** The source's now, where it is known: the agent's own clock may be hours off. */
  sourceNow?(): EpochMs | undefined;
  /** All samples of the batch are delivered or dropped. */
  settled(batch: Batch): void;
  /** Something changed that may let the sink take another window. */
  changed(): void;
  /** Something was thrown that nobody expected. */
  bug(error: unknown): void;
};

type Failing = { kind: "backing-off" | "holding"; since: EpochMs; until: number };

export class Delivery {
  readonly #id: SinkId;
  readonly #ports: DeliveryPorts;
  #settings: DeliverySettings;
  #sender: Sender;
  #jobs: Job[] = [];
  #inFlight = 0;
  #concurrency = 1;
  #deliveredThisRound = 0;
  #failing: Failing | undefined;
  /** Something was taken by the present sender, and no batch was refused since. */
  #taken = false;
  #paused = false;
  #draining: { done: () => void } | undefined;
  #wake: AbortController | undefined;
  readonly #attempts = new AbortController();
  /** Attempts of the present sender: broken off with it, so that one that hangs at a wrong address does not hold up the right one. */
  #ofSender = new AbortController();

  constructor(id: SinkId, sender: Sender, settings: DeliverySettings, ports: DeliveryPorts) {
    this.#id = id;
    this.#sender = sender;
    this.#settings = settings;
    this.#ports = ports;
  }

  /** True from a failed attempt on until a batch is taken again. A failing sink has one request in flight and reads nothing. */
  get failing(): boolean {
    return this.#failing !== undefined;
  }

  /** Failing, nothing left to try with and the backoff is over: one window may be read to try with. */
  get wantsProbe(): boolean {
    return (
      this.#failing !== undefined && this.#jobs.length === 0 && this.#ports.clock.monotonicMs() >= this.#failing.until
    );
  }

  /** When a failing sink may be tried again (monotonic ms). */
  get notBeforeMs(): number {
    return this.#failing?.until ?? 0;
  }

  /** Batches that wait or are under way, oldest first. */
  get batches(): readonly Batch[] {
    return this.#jobs.map((job) => job.batch);
  }

  /** Samples of them that are neither delivered nor dropped. */
  get pending(): number {
    return this.#jobs.reduce((n, job) => n + job.pieces.samples, 0);
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Frames that are kept in memory. */
  *frames(): Iterable<Frame> {
    for (const job of this.#jobs) yield* job.pieces.frames();
  }

  /** Small parts of large frames are copied out, so that these can be let go of. */
  compact(): void {
    for (const job of this.#jobs) Object.assign(job.batch, job.pieces.compact());
  }

  enqueue(batch: Batch, replay: boolean): void {
    this.#jobs.push(newJob(batch, replay));
    this.#pump();
  }

  /** `sender`: another endpoint or other credentials; what waits is tried with them at once, also in the middle of a backoff. */
  update(sender: Sender | undefined, settings: DeliverySettings): void {
    this.#settings = settings;
    if (sender === undefined) {
      if (this.#failing?.kind === "holding") this.retryNow(); // whoever edits the policy may have mended the rest as well
      return;
    }
    const before = this.#sender;
    this.#sender = sender;
    this.#taken = false;
    for (const job of this.#jobs) Object.assign(job, { probes: 0, believed: false });
    before.close();
    if (this.#failing !== undefined) {
      this.#ofSender.abort();
      this.#ofSender = new AbortController();
    }
    this.retryNow();
  }

  /** Ends a backoff or a hold early. */
  retryNow(): void {
    if (this.#failing !== undefined) this.#failing.until = this.#ports.clock.monotonicMs();
    this.#pump();
    this.#ports.changed();
  }

  pause(): void {
    this.#paused = true;
    this.#wake?.abort();
  }

  resume(): void {
    this.#paused = false;
    this.retryNow();
  }

  /**
   * Gives back every batch that was never attempted; the others are seen through, and so is a last one that only has the rest of
   * their windows: it is cheaper to keep than to send those windows twice.
   */
  releaseUnsent(): Batch[] {
    const back = untried(this.#jobs);
    this.#jobs = this.#jobs.filter((job) => !back.includes(job));
    return back.map((job) => job.batch);
  }

  /**
   * One last attempt for each batch that is not held by a refusal, within `timeoutMs`; then ends. Returns how many samples
   * were given back unsent.
   */
  async drain(timeoutMs: number): Promise<number> {
    const done = new Promise<void>((resolve) => {
      this.#draining = { done: resolve };
    });
    if (this.#paused || this.#failing?.kind === "holding") for (const job of this.#jobs) job.lastAttempt = true;
    this.#pump();
    this.#drainedYet();
    const timer = new AbortController();
    const timeout = this.#ports.clock.sleep(timeoutMs, timer.signal).then((elapsed) => {
      if (elapsed) this.#breakOff();
    });
    await done;
    timer.abort();
    await timeout;
    return this.abort();
  }

  /** Ends at once. Returns how many samples were given back unsent. */
  abort(): number {
    this.#breakOff();
    this.#wake?.abort();
    const back = this.pending;
    this.#jobs = [];
    this.#sender.close();
    return back;
  }

  // -- sending

  #pump(): void {
    this.#wake?.abort();
    this.#wake = undefined;
    if (this.#paused || this.#attempts.signal.aborted) return;
    const now = this.#ports.clock.monotonicMs();
    for (;;) {
      if (this.#inFlight >= (this.#failing ? 1 : this.#concurrency)) return;
      if (this.#failing && !this.#draining && now < this.#failing.until) {
        this.#pumpLater(this.#failing.until - now);
        return;
      }
      const job = this.#next();
      if (job === undefined) return;
      this.#attempt(job).catch(this.#ports.bug);
    }
  }

  #pumpLater(ms: number): void {
    const wake = new AbortController();
    this.#wake = wake;
    this.#ports.clock
      .sleep(ms, wake.signal)
      .then((elapsed) => {
        if (!elapsed) return;
        this.#pump();
        this.#ports.changed();
      })
      .catch(this.#ports.bug);
  }

  #next(): Job | undefined {
    return nextJob(this.#jobs, this.#failing?.kind === "holding");
  }

  async #attempt(job: Job): Promise<void> {
    const { clock, dispatch } = this.#ports;
    const piece = job.pieces.next();
    const sender = this.#sender;
    job.attempts++;
    job.inFlight = true; // first of all: whatever is thrown from here on, it is not tried again at once
    job.lastAttempt = this.#draining !== undefined;
    this.#inFlight++;
    job.body ??= sender.encode(piece.span);
    const samples = samplesOf(piece.span);
    const bytes = job.body.length;
    dispatch({
      type: "attempt-started",
      at: clock.now(),
      id: this.#id,
      attempt: job.attempts,
      samples,
      bytes,
      inFlight: this.#inFlight,
      concurrency: this.#concurrency,
    });
    const startedMs = clock.monotonicMs();
    const { signal } = this.#ofSender;
    const { verdict, answered } = await this.#asked(job, sender, await sender.post(job.body, signal), signal);
    job.inFlight = false;
    this.#inFlight--;
    // It was given back by abort(), and is counted so.
    if (!this.#jobs.includes(job)) return;
    if (!answered) job.replay = true;
    if ((signal.aborted || sender !== this.#sender) && verdict.kind !== "delivered") {
      // Broken off by us, no fault of the sink's: at our end abort() counts what is left, else the next sender has a try.
      job.attempts--;
      dispatch({ type: "attempt-broken-off", at: clock.now(), id: this.#id, inFlight: this.#inFlight });
      this.#pump();
      this.#drainedYet();
      return;
    }
    dispatch({
      type: "attempt-ended",
      at: clock.now(),
      id: this.#id,
      attempt: job.attempts,
      maxAttempts: this.#settings.maxAttempts,
      samples,
      bytes,
      durationMs: clock.monotonicMs() - startedMs,
      inFlight: this.#inFlight,
      result:
        verdict.kind === "delivered"
          ? { kind: "delivered", status: verdict.status }
          : {
              kind: "failed",
              reason: verdict.reason,
              message: verdict.message,
              ...(verdict.status === undefined ? {} : { status: verdict.status }),
            },
    });
    if (verdict.kind === "delivered" && sender === this.#sender) this.#taken = true;
    this.#judge(job, piece, verdict);
    this.#pump();
    this.#drainedYet();
    this.#ports.changed();
  }

  /**
   * Is a 400 or 422 about the samples, or about the endpoint? (VictoriaMetrics says 400 to a wrong path.) One that took something
   * since the last refused batch is believed; another is asked with a write without samples: what it says to that is the verdict.
   */
  async #asked(job: Job, sender: Sender, outcome: Outcome, signal: AbortSignal): Promise<Outcome> {
    if (outcome.verdict.kind !== "bisect" || job.believed || sender !== this.#sender) return outcome;
    const known = this.#taken;
    this.#taken = false;
    if (!known) {
      const { verdict } = await sender.post(NO_SAMPLES, signal);
      if (verdict.kind !== "delivered") return { ...outcome, verdict };
    }
    job.believed = sender === this.#sender; // it may have been replaced meanwhile
    return outcome;
  }

  #judge(job: Job, piece: Piece, verdict: Verdict): void {
    switch (verdict.kind) {
      case "delivered":
        this.#succeeded();
        return this.#pieceDone(job, piece.delivered());
      case "retry":
        return this.#retry(job, piece, verdict.reason, verdict.message, verdict.retryAfterMs);
      case "hold":
        job.attempts--; // not an attempt that counts: the request is held, not retried
        return this.#hold(job, verdict.reason, verdict.message);
      case "halve":
        this.#failing = undefined;
        return this.#pieceDone(job, piece.halve(verdict.message));
      case "bisect":
        this.#failing = undefined;
        if (job.replay || this.#isOld(piece.span))
          return this.#pieceDone(job, piece.drop("refused_replay", verdict.message));
        return this.#pieceDone(job, piece.bisect(verdict.message));
      case "drop":
        this.#failing = undefined;
        return this.#pieceDone(job, piece.drop(verdict.dropReason, verdict.message));
      default:
        verdict satisfies never;
    }
  }

  #succeeded(): void {
    this.#failing = undefined;
    // One more in flight for each round of answers, so that a weak receiver is not run over.
    if (++this.#deliveredThisRound >= this.#concurrency) {
      this.#deliveredThisRound = 0;
      this.#concurrency = Math.min(this.#settings.maxConcurrency, this.#concurrency + 1);
    }
  }

  #retry(job: Job, piece: Piece, reason: FailureReason, message: string, retryAfterMs?: number): void {
    const { clock, random, dispatch } = this.#ports;
    const { maxAttempts, backoffDurationMs, onExhausted } = this.#settings;
    this.#concurrency = Math.max(1, Math.floor(this.#concurrency / 2));
    this.#deliveredThisRound = 0;
    job.backoff = Math.max(job.backoff, backoffMs(job.attempts, backoffDurationMs, random));
    const wait = Math.max(job.backoff, retryAfterMs ?? 0); // what a receiver asked for once counts once
    const attempt = job.attempts;
    const now = clock.now();
    const since = this.#failing?.since ?? now;
    const until = Math.max(this.#failing?.until ?? 0, clock.monotonicMs() + wait);
    this.#failing = { kind: "backing-off", since, until };
    // At the end of the agent's life it is given back instead: its cursor has not moved, and the next life tries again.
    if (attempt >= maxAttempts && onExhausted === "drop" && this.#draining === undefined) {
      this.#pieceDone(
        job,
        piece.drop("exhausted", `Gave up after ${attempt} ${attempt === 1 ? "attempt" : "attempts"}: ${message}`),
      );
    }
    if (this.#draining) return;
    dispatch({
      type: "backing-off",
      at: now,
      id: this.#id,
      attempt,
      maxAttempts,
      since,
      retryAt: now + (until - clock.monotonicMs()),
      reason,
      message,
    });
  }

  #hold(job: Job, reason: FailureReason, message: string): void {
    const { clock, dispatch } = this.#ports;
    job.probes++;
    this.#concurrency = 1;
    const now = clock.now();
    const since = this.#failing?.kind === "holding" ? this.#failing.since : now;
    const delay = probeDelayMs(this.#jobs.reduce((n, j) => n + j.probes, 0));
    this.#failing = { kind: "holding", since, until: clock.monotonicMs() + delay };
    if (this.#draining) return;
    dispatch({ type: "holding", at: now, id: this.#id, since, probeAt: now + delay, reason, message });
  }

  #pieceDone(job: Job, drops: readonly Drop[]): void {
    const { clock, dispatch, keep } = this.#ports;
    for (const drop of drops) {
      const kept = keep?.(drop) ?? false;
      const { spans, ...dropped } = drop;
      const { reason, samples, message } = drop;
      const series = reason === "rejected" || reason === "too_large" ? onlySeries(spans) : undefined;
      if (series !== undefined)
        dispatch({ type: "series-rejected", at: clock.now(), id: this.#id, series, samples, message });
      const [oldest, newest] = timesOf(spans);
      dispatch({ type: "dropped", at: clock.now(), id: this.#id, ...dropped, oldest, newest, kept });
    }
    delete job.body;
    job.attempts = 0;
    job.backoff = 0;
    job.probes = 0;
    if (!job.pieces.done) {
      job.lastAttempt = false; // a new, smaller request
      return;
    }
    this.#jobs = this.#jobs.filter((other) => other !== job);
    this.#ports.settled(job.batch);
  }

  #isOld(span: Span): boolean {
    const newest = span.frame.to;
    return (this.#ports.sourceNow?.() ?? this.#ports.clock.now()) - newest > OLD_MS;
  }

  #breakOff(): void {
    this.#attempts.abort();
    this.#ofSender.abort();
  }

  #drainedYet(): void {
    if (this.#draining === undefined || this.#inFlight > 0) return;
    // What may not start any more waits for a batch that failed: sending it first would put samples out of order.
    if (this.#attempts.signal.aborted || this.#next() === undefined) this.#draining.done();
  }
}

/** The series, where it is only one. */
function onlySeries(spans: readonly Span[]): string | undefined {
  const [span, another] = spans;
  if (span === undefined || another !== undefined || span.endRun - span.firstRun !== 1) return undefined;
  return printable(seriesText(span.frame.table.labels(span.frame.runSeries[span.firstRun]!)), SERIES_COLUMNS);
}

const SERIES_COLUMNS = 300;
/** Over an hour behind its head Prometheus refuses samples as out of bounds: nothing is wrong with such a series. */
const OLD_MS = 3_600_000;
