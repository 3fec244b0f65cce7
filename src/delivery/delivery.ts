// Over 350 lines: each verdict decides order, backoff, holding and splitting at once, over one state.
// Batches of one sink in, settled batches out: order, concurrency, attempts, backoff and holding (design.md, Delivery).
// It reads no clock and no network itself; every batch that comes in is settled, or given back by releaseUnsent() or drain().
import type { Batch, Span } from "../batch/batch.ts";
import { oldestOf, samplesOf, timesOf } from "../batch/batch.ts";
import type { Clock, EpochMs } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { Verdict } from "../remotewrite/judge.ts";
import { NO_SAMPLES } from "../remotewrite/post.ts";
import type { Frame } from "../series/frame.ts";
import type { SeriesTable } from "../series/table.ts";
import type { Event, SinkId } from "../status/events.ts";
import { Ages } from "./ages.ts";
import { type Drop, FRESH, type Origin, type Piece } from "./batch-splitter.ts";
import { dropEvents } from "./drop-events.ts";
import { type Job, newJob, nextJob, type Sealed, unattempted } from "./jobs.ts";
import { LearnedSize } from "./learned-size.ts";
import { namedRun } from "./named-series.ts";
import { Pace } from "./pace.ts";

/** `answered` false: the receiver may have taken the samples, or not. */
type Outcome = { verdict: Verdict; answered: boolean };

/** A connection to the sink, with its present endpoint and credentials. */
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
  /** Before the first attempt of a batch, and before parts of one series are sent (`cut`): a later process must know. */
  attempting?(batch: Sealed, cut: boolean): void;
  /** The receiver refused all that the batch had of a series; `false`: it took a series that was refused before. */
  suspect?(table: SeriesTable, series: number, refused: boolean): void;
  /** All samples of the batch are delivered or dropped. */
  settled(batch: Sealed): void;
  /** Something changed that may let the sink take another window. */
  changed(): void;
  /** Something was thrown that nobody expected. */
  bug(error: unknown): void;
};

export class Delivery {
  readonly #id: SinkId;
  readonly #ports: DeliveryPorts;
  #settings: DeliverySettings;
  #sender: Sender;
  #jobs: Job[] = [];
  #inFlight = 0;
  readonly #pace: Pace;
  #size = new LearnedSize();
  #ages = new Ages();
  /** Something was taken by the present sender, and no batch was refused since. */
  #taken = false;
  /** A request with one sample was too large, and nothing was taken since. */
  #singleTooLarge = false;
  #refusalLoggedAtMs = Number.NEGATIVE_INFINITY;
  #paused = false;
  #draining: { done: () => void } | undefined;
  #wake: AbortController | undefined;
  readonly #attempts = new AbortController();
  /** Attempts of the present sender: canceled with it, so that one that hangs at a wrong address does not block the right one. */
  #ofSender = new AbortController();

  constructor(id: SinkId, sender: Sender, settings: DeliverySettings, ports: DeliveryPorts) {
    this.#id = id;
    this.#sender = sender;
    this.#settings = settings;
    this.#ports = ports;
    this.#pace = new Pace(ports.clock, ports.random);
  }

  /** True from a failed attempt on until a batch is taken again. A failing sink has one request in flight and reads nothing. */
  get failing(): boolean {
    return this.#pace.failing !== undefined;
  }

  /** Failing, nothing left to try with and the backoff is over: one window may be read to try with. */
  get wantsProbe(): boolean {
    const { failing } = this.#pace;
    return failing !== undefined && this.#jobs.length === 0 && this.#ports.clock.monotonicMs() >= failing.until;
  }

  /** Batches that wait or are in flight, oldest first. */
  get batches(): readonly Sealed[] {
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

  /** Small parts of large frames are copied, so that these can be freed. */
  compact(): void {
    for (const job of this.#jobs) job.pieces.compact();
  }

  enqueue(batch: Batch, origin: Origin = FRESH): void {
    this.#jobs.push(newJob(batch, origin));
    this.#pump();
  }

  /** `sender`: another endpoint or other credentials; what waits is tried with them at once, also in the middle of a backoff. */
  update(sender: Sender | undefined, settings: DeliverySettings): void {
    this.#settings = settings;
    if (sender === undefined) {
      if (this.#pace.failing?.kind === "holding") this.retryNow(); // whoever edits the policy may have fixed the rest as well
      return;
    }
    const before = this.#sender;
    this.#sender = sender;
    this.#taken = false;
    this.#size = new LearnedSize();
    this.#ages = new Ages();
    for (const job of this.#jobs) Object.assign(job, { probes: 0, believed: false });
    before.close();
    if (this.#pace.failing !== undefined) {
      this.#ofSender.abort();
      this.#ofSender = new AbortController();
    }
    this.#pace.retryNow(true);
    this.retryNow();
  }

  /** Ends a backoff or a hold early. */
  retryNow(): void {
    this.#pace.retryNow(false);
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
  releaseUnsent(): Sealed[] {
    const back = unattempted(this.#jobs);
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
    if (this.#paused || this.#pace.failing?.kind === "holding") for (const job of this.#jobs) job.lastAttempt = true;
    this.#pump();
    this.#drainedYet();
    const timer = new AbortController();
    const timeout = this.#ports.clock.sleep(timeoutMs, timer.signal).then((elapsed) => {
      if (elapsed) this.#cancel();
    });
    await done;
    timer.abort();
    await timeout;
    return this.abort();
  }

  /** Ends at once. Returns how many samples were given back unsent. */
  abort(): number {
    this.#cancel();
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
      if (this.#inFlight >= this.#pace.mayBeInFlight) return;
      const { failing } = this.#pace;
      if (failing !== undefined && this.#draining === undefined && now < failing.until) {
        this.#pumpLater(failing.until - now);
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
    return nextJob(this.#jobs, this.#pace.failing?.kind === "holding");
  }

  async #attempt(job: Job): Promise<void> {
    const { clock, dispatch } = this.#ports;
    const sender = this.#sender;
    job.attempts++;
    job.inFlight = true; // first of all: whatever is thrown from here on, it is not tried again at once
    job.lastAttempt = this.#draining !== undefined;
    this.#inFlight++;
    const { piece, body } = this.#prepare(job, sender);
    const samples = samplesOf(piece.span);
    const sent = { at: clock.now(), id: this.#id, attempt: job.attempts, samples, bytes: body.length };
    dispatch({ ...sent, type: "attempt-started", inFlight: this.#inFlight, concurrency: this.#pace.concurrency });
    const startedMs = clock.monotonicMs();
    const { signal } = this.#ofSender;
    const { verdict, answered } = await this.#asked(job, piece, sender, await sender.post(body, signal), signal);
    job.inFlight = false;
    this.#inFlight--;
    // It was given back by abort(), and is counted so.
    if (!this.#jobs.includes(job)) return;
    if (!answered) piece.unanswered();
    const inFlight = this.#inFlight;
    if ((signal.aborted || sender !== this.#sender) && verdict.kind !== "delivered") {
      // Canceled by us, no fault of the sink's: at our end abort() counts what is left, else the next sender has a try.
      job.attempts--;
      dispatch({ type: "attempt-broken-off", at: clock.now(), id: this.#id, inFlight });
    } else {
      const { maxAttempts } = this.#settings;
      const durationMs = clock.monotonicMs() - startedMs;
      const result = resultOf(verdict);
      dispatch({ ...sent, type: "attempt-ended", at: clock.now(), maxAttempts, durationMs, inFlight, result });
      if (verdict.kind === "delivered" && sender === this.#sender) this.#taken = true;
      this.#judge(job, piece, verdict, { startedMs, bytes: body.length });
    }
    this.#pump();
    this.#drainedYet();
    this.#ports.changed();
  }

  /** The next piece of a batch, no larger than the endpoint takes, and its body. */
  #prepare(job: Job, sender: Sender): { piece: Piece; body: Uint8Array } {
    for (;;) {
      const piece = job.pieces.next();
      const samples = samplesOf(piece.span);
      const body = job.body ?? sender.encode(piece.span);
      const smaller = job.body === undefined ? this.#size.smaller(samples, body.length) : undefined;
      if (smaller !== undefined && piece.shrink({ samples: smaller, bytes: Number.POSITIVE_INFINITY })) continue;
      job.body = body;
      this.#announce(job);
      return { piece, body };
    }
  }

  #announce(job: Job): void {
    const state = job.pieces.cutWithinSeries ? "cut" : "attempt";
    if (job.announced === state || job.announced === "cut") return;
    job.announced = state;
    this.#ports.attempting?.(job.batch, state === "cut");
  }

  /**
   * Does a refusal concern the samples, or the endpoint? (VictoriaMetrics answers 400 to a wrong path.) One that took something
   * since the last refused batch is believed; another gets a write without samples: its response to that is the verdict.
   */
  async #asked(job: Job, piece: Piece, sender: Sender, outcome: Outcome, signal: AbortSignal): Promise<Outcome> {
    const { verdict } = outcome;
    const doubtful =
      verdict.kind === "ask" ||
      (verdict.kind === "bisect" && !job.believed) ||
      (verdict.kind === "halve" && samplesOf(piece.span) === 1);
    if (!doubtful || sender !== this.#sender) return outcome;
    const known = this.#taken && verdict.kind === "bisect";
    this.#taken = false;
    if (!known) {
      const asked = await sender.post(NO_SAMPLES, signal);
      if (asked.verdict.kind !== "delivered") return { ...outcome, verdict: asked.verdict };
    }
    job.believed = sender === this.#sender; // it may have been replaced meanwhile
    return outcome;
  }

  #judge(job: Job, piece: Piece, verdict: Verdict, sent: { startedMs: number; bytes: number }): void {
    switch (verdict.kind) {
      case "delivered":
        return this.#delivered(job, piece, sent);
      case "retry":
        return this.#retry(job, piece, verdict, sent);
      case "ask":
      case "hold":
        return this.#hold(job, verdict, sent.startedMs);
      case "halve":
        return this.#halve(job, piece, verdict, sent);
      case "bisect": {
        this.#pace.answered();
        this.#logRefusal(job, piece, verdict.message);
        return this.#pieceDone(
          job,
          piece.refuse(verdict.message, {
            ageMayDecide: (span) => this.#ages.mayDecide(...timesOf([span]), this.#now()),
            named: (span) => (job.pieces.untouched ? namedRun(verdict.said, span) : undefined),
            conflict: verdict.conflict === true,
          }),
        );
      }
      default:
        verdict satisfies never;
    }
  }

  #delivered(job: Job, piece: Piece, { startedMs, bytes }: { startedMs: number; bytes: number }): void {
    const { span } = piece;
    this.#pace.delivered(this.#settings.maxConcurrency);
    this.#singleTooLarge = false;
    // So old they were at least: when the receiver took them is not known.
    this.#ages.taken(oldestOf(span), this.#now() - (this.#ports.clock.monotonicMs() - startedMs));
    const limit = this.#size.delivered(samplesOf(span), bytes, job.batch.samples);
    if (limit) this.#sizeChanged();
    if (job.suspects)
      for (let run = span.firstRun; run < span.endRun; run++)
        this.#ports.suspect?.(span.frame.table, span.frame.runSeries[run]!, false);
    this.#pieceDone(job, piece.delivered());
  }

  #retry(
    job: Job,
    piece: Piece,
    verdict: Verdict & { kind: "retry" },
    sent: { startedMs: number; bytes: number },
  ): void {
    const { clock, dispatch } = this.#ports;
    const { maxAttempts, backoffDurationMs, onExhausted } = this.#settings;
    const { reason, message, retryAfterMs } = verdict;
    const { since, until } = this.#pace.backOff(sent.startedMs, { backoffDurationMs, retryAfterMs });
    const attempt = job.attempts;
    if (verdict.slow && sent.bytes > SLOW_BYTES && samplesOf(piece.span) > 1) {
      this.#tooLarge(job, piece, sent.bytes);
      job.attempts = attempt - 1; // it taught a size, and does not count
    } else if (attempt >= maxAttempts && onExhausted === "drop" && this.#draining === undefined) {
      // At the end of the agent's life it is given back instead: its cursor has not moved, and the next life tries again.
      const tries = attempt === 1 ? "1 attempt" : `${attempt} attempts`;
      this.#pieceDone(job, piece.drop("exhausted", `Gave up after ${tries}: ${message}`));
    }
    if (this.#draining) return;
    const now = clock.now();
    const retryAt = now + (until - clock.monotonicMs());
    dispatch({ type: "backing-off", at: now, id: this.#id, attempt, maxAttempts, since, retryAt, reason, message });
  }

  #hold(job: Job, { reason, message }: Verdict & { kind: "hold" | "ask" }, startedMs: number): void {
    const { clock, dispatch } = this.#ports;
    job.attempts--; // not an attempt that counts: the request is held, not retried
    job.probes++;
    const { since, until } = this.#pace.hold(startedMs);
    if (this.#draining) return;
    const now = clock.now();
    const probeAt = now + (until - clock.monotonicMs());
    dispatch({ type: "holding", at: now, id: this.#id, since, probeAt, reason, message });
  }

  #halve(
    job: Job,
    piece: Piece,
    verdict: Verdict & { kind: "halve" },
    sent: { startedMs: number; bytes: number },
  ): void {
    const single = samplesOf(piece.span) === 1;
    if (single && this.#singleTooLarge) {
      const message = "The endpoint refuses every request with samples as too large (413), even with one sample.";
      return this.#hold(job, { ...verdict, kind: "hold", message }, sent.startedMs);
    }
    this.#pace.answered();
    if (!single) {
      if (job.suspects) piece.shrink({ samples: 1, bytes: Number.POSITIVE_INFINITY });
      else this.#tooLarge(job, piece, sent.bytes);
      return this.#pieceDone(job, []);
    }
    this.#singleTooLarge = true;
    if (!job.suspects) this.#size.forget();
    this.#sizeChanged();
    this.#pieceDone(job, piece.dropSeries("too_large", verdict.message));
  }

  #tooLarge(job: Job, piece: Piece, bytes: number): void {
    const samples = samplesOf(piece.span);
    this.#size.tooLarge(samples, bytes);
    piece.shrink({
      samples: Math.min(Math.ceil(samples / 2), this.#size.size!.samples),
      bytes: Number.POSITIVE_INFINITY,
    });
    delete job.body;
    this.#sizeChanged();
  }

  #sizeChanged(): void {
    const size = this.#size.size ?? {};
    this.#ports.dispatch({ type: "size-learned", at: this.#ports.clock.now(), id: this.#id, ...size });
  }

  #pieceDone(job: Job, drops: readonly Drop[]): void {
    for (const drop of drops) {
      for (const event of dropEvents(drop, this.#id, this.#ports.clock.now(), this.#ports.keep))
        this.#ports.dispatch(event);
      const [span] = drop.spans;
      if (!drop.wholeSeries || span === undefined) continue;
      this.#ages.refusedWhole(timesOf(drop.spans)[1]);
      if (drop.reason !== "refused_replay")
        this.#ports.suspect?.(span.frame.table, span.frame.runSeries[span.firstRun]!, true);
    }
    delete job.body;
    job.attempts = 0;
    job.probes = 0;
    if (!job.pieces.done) {
      job.lastAttempt = false; // a new, smaller request
      return;
    }
    this.#jobs = this.#jobs.filter((other) => other !== job);
    this.#ports.settled(job.batch);
  }

  /** Once a batch, not for each part of it, and not all the time where a receiver refuses something in each. */
  #logRefusal(job: Job, piece: Piece, message: string): void {
    const { clock, dispatch } = this.#ports;
    if (job.refused || job.suspects || samplesOf(piece.span) === 1) return;
    job.refused = true;
    if (clock.monotonicMs() - this.#refusalLoggedAtMs < REFUSAL_LOG_MS) return;
    this.#refusalLoggedAtMs = clock.monotonicMs();
    const text = `${this.#id}: a request with ${samplesOf(piece.span)} samples was refused; outflow sends smaller requests to find the refused samples. ${message}`;
    dispatch({ type: "notice", at: clock.now(), level: "info", message: text });
  }

  #now(): EpochMs {
    return this.#ports.sourceNow?.() ?? this.#ports.clock.now();
  }

  #cancel(): void {
    this.#attempts.abort();
    this.#ofSender.abort();
  }

  #drainedYet(): void {
    if (this.#draining === undefined || this.#inFlight > 0) return;
    // What may not start any more waits for a batch that failed: sending it first would put samples out of order.
    if (this.#attempts.signal.aborted || this.#next() === undefined) this.#draining.done();
  }
}

function resultOf(verdict: Verdict): Extract<Event, { type: "attempt-ended" }>["result"] {
  if (verdict.kind === "delivered") {
    const { status, webPage } = verdict;
    return { kind: "delivered", status, ...(webPage ? { webPage } : {}) };
  }
  const { reason, message, status } = verdict;
  return { kind: "failed", reason, message, ...(status === undefined ? {} : { status }) };
}

/** A timeout of a larger body may be the fault of a slow link. */
const SLOW_BYTES = 32 * 1024;
const REFUSAL_LOG_MS = 600_000;
