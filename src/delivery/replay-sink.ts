// A sink of a replay: frames in, delivered as the agent delivers (order, concurrency, backoff, the judgement of answers), but for
// what a person waits for: nothing is dropped because attempts are exhausted, the replay stops and can be taken up again.
import { type Batch, samplesOf } from "../batch/batch.ts";
import { Batcher } from "../batch/batcher.ts";
import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { Frame } from "../series/frame.ts";
import type { Event, SinkInfo } from "../status/events.ts";
import { Delivery } from "./delivery.ts";
import type { DeliverySettings, Sender } from "./ports.ts";

/** The sink as its policy and the agent's settings make it. */
export type ReplaySinkSpec = { info: SinkInfo; delivery: DeliverySettings; makeSender(): Sender };

export type ReplaySinkPorts = {
  clock: Clock;
  random: Random;
  dispatch(event: Event): void;
  /** `samples` of a frame are delivered or dropped. */
  settled(window: number, samples: number): void;
};

/** More batches than this wait to be sent: nothing is read meanwhile. */
const MAX_WAITING = 16;

export class ReplaySink {
  readonly #spec: ReplaySinkSpec;
  readonly #ports: ReplaySinkPorts;
  readonly #delivery: Delivery;
  readonly #batcher: Batcher;
  readonly #maxRate: number | undefined;
  /** Aborted with the command, or where the sink fails. */
  readonly #end = new AbortController();
  #why: string | undefined;
  /** Wakes whoever waits for batches to be settled: one at a time. */
  #turn: (() => void) | undefined;
  /** When the samples sent so far are due at the allowed rate (monotonic ms). */
  #paidUntil = 0;

  constructor(spec: ReplaySinkSpec, maxRate: number | undefined, signal: AbortSignal, ports: ReplaySinkPorts) {
    this.#spec = spec;
    this.#ports = ports;
    this.#maxRate = maxRate;
    signal.addEventListener("abort", () => this.#end.abort(), { once: true });
    if (signal.aborted) this.#end.abort();
    this.#batcher = new Batcher(spec.info.batch.maxSize);
    this.#delivery = new Delivery(
      spec.info.id,
      spec.makeSender(),
      { ...spec.delivery, onExhausted: "hold" },
      {
        clock: ports.clock,
        random: ports.random,
        dispatch: (event) => this.#seen(event),
        settled: (batch) => {
          for (const { window, samples } of batch.windows) ports.settled(window, samples);
          this.#wake();
        },
        changed: () => this.#wake(),
        bug: (error) => {
          throw error; // the command ends with a report
        },
      },
    );
    this.#end.signal.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** Why it gave up, if it did. */
  get why(): string | undefined {
    return this.#why;
  }

  /** Takes all samples of a frame, and returns when the next may be read; false: the replay is over. */
  async offer(frame: Frame, window: number): Promise<boolean> {
    for (const batch of this.#batcher.add(frame, window, this.#ports.clock.monotonicMs())) await this.#send(batch);
    await this.#until(() => this.#delivery.queue.size < MAX_WAITING);
    return !this.#end.signal.aborted;
  }

  /** Sends the rest and waits until all is settled; false: it was stopped before. */
  async flush(): Promise<boolean> {
    const last = this.#batcher.flush();
    if (last !== undefined) await this.#send(last);
    await this.#until(() => this.#delivery.queue.size === 0);
    return !this.#end.signal.aborted;
  }

  /** Ends; what was not sent is given back. */
  close(): void {
    this.#returned(this.#batcher.clear().samples + this.#delivery.abort());
  }

  async #send(batch: Batch): Promise<void> {
    await this.#pay(samplesOf(batch));
    if (this.#end.signal.aborted) this.#returned(samplesOf(batch));
    else this.#delivery.enqueue(batch, { sent: true, together: false, suspects: false });
  }

  #returned(samples: number): void {
    if (samples > 0)
      this.#ports.dispatch({ type: "returned", at: this.#ports.clock.now(), id: this.#spec.info.id, samples });
  }

  #seen(event: Event): void {
    this.#ports.dispatch(event);
    if (event.type === "holding") this.#giveUp(event.message);
    if (event.type === "backing-off" && event.attempt >= event.maxAttempts)
      this.#giveUp(
        `Gave up after ${event.attempt === 1 ? "1 attempt" : `${event.attempt} attempts`}: ${event.message}`,
      );
  }

  #giveUp(why: string): void {
    this.#why ??= why;
    this.#end.abort();
  }

  /** At most `maxRate` samples a second, evenly. */
  async #pay(samples: number): Promise<void> {
    if (this.#maxRate === undefined) return;
    const { clock } = this.#ports;
    const now = clock.monotonicMs();
    const wait = Math.max(0, this.#paidUntil - now);
    this.#paidUntil = Math.max(now, this.#paidUntil) + (samples / this.#maxRate) * 1000;
    if (wait > 0) await clock.sleep(wait, this.#end.signal);
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.#end.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#turn = resolve;
      });
    }
  }

  #wake(): void {
    this.#turn?.();
    this.#turn = undefined;
  }
}
