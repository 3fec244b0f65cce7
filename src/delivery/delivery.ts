// Batches of one sink in, settled batches out: order, concurrency, attempts, backoff and holding (design.md, Delivery).
// It reads no clock and no network itself; every batch that comes in is settled, or given back: by
// queue.release(), drain() or abort().
import type { Batch } from "../batch/batch.ts";
import { samplesOf } from "../batch/batch.ts";
import { Stop } from "../platform/clock.ts";
import type { Verdict } from "../remotewrite/judge.ts";
import { NO_SAMPLES } from "../remotewrite/post.ts";
import type { Event, SinkId } from "../status/events.ts";
import { type Drop, FRESH, type Origin, type Piece } from "./batch-splitter.ts";
import { Endpoint, type SentTo } from "./endpoint.ts";
import { type Job, newJob } from "./jobs.ts";
import { Pace } from "./pace.ts";
import type { DeliveryPorts, DeliverySettings, Sender } from "./ports.ts";
import { type Backlog, Queue } from "./queue.ts";
import { Refusals } from "./refusals.ts";
import { Requests } from "./requests.ts";

/** When a request began (monotonic ms), and how large it was. */
type Sent = { startedMs: number; bytes: number };

export class Delivery {
  readonly #id: SinkId;
  readonly #ports: DeliveryPorts;
  #settings: DeliverySettings;
  readonly #queue = new Queue();
  readonly #endpoint: Endpoint;
  readonly #pace: Pace;
  readonly #requests: Requests;
  readonly #refusals: Refusals;
  #inFlight = 0;
  #paused = false;
  #draining: { done: () => void } | undefined;
  #wake: Stop | undefined;

  constructor(id: SinkId, sender: Sender, settings: DeliverySettings, ports: DeliveryPorts) {
    this.#id = id;
    this.#endpoint = new Endpoint(sender);
    this.#settings = settings;
    this.#ports = ports;
    this.#pace = new Pace(ports.clock, ports.random);
    this.#requests = new Requests(id, ports);
    this.#refusals = new Refusals(id, ports);
  }

  /** True from a failed attempt on until a batch is taken again. A failing sink has one request in flight and reads nothing. */
  get failing(): boolean {
    return this.#pace.failing !== undefined;
  }

  /** Failing, nothing left to try with and the backoff is over: one window may be read to try with. */
  get wantsProbe(): boolean {
    const { failing } = this.#pace;
    return failing !== undefined && this.#queue.size === 0 && this.#ports.clock.monotonicMs() >= failing.until;
  }

  /** Batches that wait or are in flight. */
  get queue(): Backlog {
    return this.#queue;
  }

  get paused(): boolean {
    return this.#paused;
  }

  enqueue(batch: Batch, origin: Origin = FRESH): void {
    this.#queue.add(newJob(batch, origin));
    this.#pump();
  }

  /** `sender`: another endpoint or other credentials; what waits is tried with them at once, also in the middle of a backoff. */
  update(sender: Sender | undefined, settings: DeliverySettings): void {
    this.#settings = settings;
    if (sender === undefined) {
      if (this.#pace.failing?.kind === "holding") this.retryNow(); // whoever edits the policy may have fixed the rest as well
      return;
    }
    this.#requests.forget();
    this.#refusals.forget();
    for (const job of this.#queue) {
      Object.assign(job, { probes: 0, believed: false });
      if (job.pieces.restore()) job.body = undefined; // it may take what the other refused
    }
    this.#endpoint.replace(sender, this.#pace.failing !== undefined);
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
   * One last attempt for each batch that is not held by a refusal, within `timeoutMs` and until `hurry` aborts; then ends. Returns how
   * many samples were given back unsent.
   */
  async drain(timeoutMs: number, hurry?: AbortSignal): Promise<number> {
    const done = new Promise<void>((resolve) => {
      this.#draining = { done: resolve };
    });
    if (this.#paused || this.#pace.failing?.kind === "holding") for (const job of this.#queue) job.lastAttempt = true;
    this.#pump();
    this.#drainedYet();
    const timer = new Stop();
    const end = () => this.#endpoint.end();
    const timeout = this.#ports.clock.sleep(timeoutMs, timer).then((elapsed) => elapsed && end());
    if (hurry?.aborted) end();
    hurry?.addEventListener("abort", end, { once: true });
    await done;
    hurry?.removeEventListener("abort", end);
    timer.abort();
    await timeout;
    return this.abort();
  }

  /** Ends at once. Returns how many samples were given back unsent. */
  abort(): number {
    this.#endpoint.end();
    this.#wake?.abort();
    const back = this.#queue.samples;
    this.#queue.clear();
    this.#endpoint.close();
    return back;
  }

  // -- sending

  #pump(): void {
    this.#wake?.abort();
    this.#wake = undefined;
    if (this.#paused || this.#endpoint.ended) return;
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
      (job.pieces.needsProof ? this.#prove(job) : this.#attempt(job)).catch(this.#ports.bug);
    }
  }

  #pumpLater(ms: number): void {
    const wake = new Stop();
    this.#wake = wake;
    this.#ports.clock
      .sleep(ms, wake)
      .then((elapsed) => {
        if (!elapsed) return;
        this.#pump();
        this.#ports.changed();
      })
      .catch(this.#ports.bug);
  }

  #next(): Job | undefined {
    return this.#queue.next(this.#pace.failing?.kind === "holding");
  }

  async #attempt(job: Job): Promise<void> {
    const { clock, dispatch } = this.#ports;
    const sentTo = this.#begin(job);
    const { piece, body } = this.#requests.next(job, sentTo.sender);
    this.#announce(job);
    const samples = samplesOf(piece.span);
    const sent = { at: clock.now(), id: this.#id, attempt: job.attempts, samples, bytes: body.length };
    dispatch({ ...sent, type: "attempt-started", inFlight: this.#inFlight, concurrency: this.#pace.concurrency });
    const startedMs = clock.monotonicMs();
    const outcome = await sentTo.sender.post(body, sentTo.signal);
    const { answered, ...asked } = await this.#endpoint.asked(job, piece, sentTo, outcome);
    const verdict = this.#requests.judged(piece, asked.verdict);
    this.#inFlight--;
    // It was given back by abort(), and is counted so.
    if (!this.#queue.has(job)) return;
    if (!answered) piece.unanswered();
    const inFlight = this.#inFlight;
    if (!this.#endpoint.isPresent(sentTo) && verdict.kind !== "delivered") {
      // Canceled by us, no fault of the sink's: at our end abort() counts what is left, else the next sender has a try.
      job.attempts--;
      dispatch({ type: "attempt-broken-off", at: clock.now(), id: this.#id, inFlight });
    } else {
      const { maxAttempts } = this.#settings;
      const durationMs = clock.monotonicMs() - startedMs;
      const result = resultOf(verdict);
      dispatch({ ...sent, type: "attempt-ended", at: clock.now(), maxAttempts, durationMs, inFlight, result });
      if (verdict.kind === "delivered") this.#endpoint.took(sentTo);
      this.#judge(job, piece, verdict, { startedMs, bytes: body.length });
    }
    this.#ended(job);
  }

  /** First of all: whatever is thrown from here on, it is not tried again at once. */
  #begin(job: Job): SentTo {
    job.attempts++;
    job.inFlight = true;
    job.lastAttempt = this.#draining !== undefined;
    this.#inFlight++;
    return this.#endpoint.current;
  }

  #announce(job: Job): void {
    const state = job.pieces.cutWithinSeries ? "cut" : "attempt";
    if (job.announced === state || job.announced === "cut") return;
    job.announced = state;
    this.#ports.attempting?.(job.batch, state === "cut");
  }

  /**
   * Refused samples are dropped only by an endpoint that still takes writes. One that refuses everything by now has refused them for
   * that: they are kept, and sent again when it takes writes.
   */
  async #prove(job: Job): Promise<void> {
    const sentTo = this.#begin(job);
    const startedMs = this.#ports.clock.monotonicMs();
    const { verdict } = await sentTo.sender.post(NO_SAMPLES, sentTo.signal);
    this.#inFlight--;
    if (!this.#queue.has(job)) return;
    const present = this.#endpoint.isPresent(sentTo);
    if (verdict.kind === "delivered" && present) this.#pieceDone(job, job.pieces.proven());
    else {
      this.#endpoint.refusesAll();
      job.believed = false;
      job.pieces.restore();
      if (present) this.#judge(job, job.pieces.next(), verdict, { startedMs, bytes: NO_SAMPLES.length });
      else job.attempts--;
    }
    this.#ended(job);
  }

  #ended(job: Job): void {
    job.inFlight = false; // not before it is judged: what that brings (a new batch) must not send it again
    this.#pump();
    this.#drainedYet();
    this.#ports.changed();
  }

  #judge(job: Job, piece: Piece, verdict: Verdict, sent: Sent): void {
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
        this.#refusals.log(job, piece, verdict.message);
        piece.refuse(verdict.message, this.#refusals.hints(job, verdict));
        return this.#pieceDone(job, []);
      }
      default:
        verdict satisfies never;
    }
  }

  #delivered(job: Job, piece: Piece, { startedMs, bytes }: Sent): void {
    const { span } = piece;
    this.#pace.delivered(this.#settings.maxConcurrency);
    this.#requests.delivered(job, span, bytes);
    this.#refusals.taken(job, span, this.#ports.clock.monotonicMs() - startedMs);
    this.#pieceDone(job, piece.delivered());
  }

  #retry(job: Job, piece: Piece, verdict: Verdict & { kind: "retry" }, sent: Sent): void {
    const { clock, dispatch } = this.#ports;
    const { maxAttempts, backoffDurationMs, onExhausted } = this.#settings;
    const { reason, message, retryAfterMs } = verdict;
    const { since, until } = this.#pace.backOff(sent.startedMs, { backoffDurationMs, retryAfterMs });
    const attempt = job.attempts;
    if (verdict.slow && sent.bytes > SLOW_BYTES && samplesOf(piece.span) > 1) {
      this.#requests.tooLarge(job, piece, sent.bytes);
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

  #halve(job: Job, piece: Piece, verdict: Verdict & { kind: "halve" }, sent: Sent): void {
    this.#pace.answered();
    this.#pieceDone(job, this.#requests.halve(job, piece, sent.bytes, verdict.said));
  }

  #pieceDone(job: Job, drops: readonly Drop[]): void {
    this.#refusals.report(drops);
    if (job.body !== undefined) this.#endpoint.current.sender.doneWith?.(job.body);
    job.body = undefined;
    job.attempts = 0;
    job.probes = 0;
    if (job.pieces.done) {
      this.#queue.remove(job);
      this.#ports.settled(job.batch);
    } else job.lastAttempt = false; // a new, smaller request
  }

  #drainedYet(): void {
    if (this.#draining === undefined || this.#inFlight > 0) return;
    // What may not start any more waits for a batch that failed: sending it first would put samples out of order.
    if (this.#endpoint.ended || this.#next() === undefined) this.#draining.done();
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
