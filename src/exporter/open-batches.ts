// The open batches of one sink: what was read and is not yet full or old enough to be sent. Suspects and late samples go apart.
import type { Batch } from "../batch/batch.ts";
import { Batcher } from "../batch/batcher.ts";
import { type Clock, Stop } from "../platform/clock.ts";
import type { Frame } from "../series/frame.ts";
import type { SeriesTable } from "../series/table.ts";
import { Suspects } from "./suspects.ts";

export type OpenBatchesPorts = {
  clock: Clock;
  /** Monotonic ms from which the next window of any source may be read; -Infinity while one is being read. */
  nextReadMs(): number;
  /** A batch is full or old enough. */
  sealed(batch: Batch, of: "ordinary" | "suspects" | "late"): void;
  bug(error: unknown): void;
};

/** Far from the numbers of ordinary batches: a series never continues from one kind to the other. */
const SUSPECTS_FROM = 2 ** 40;
const LATE_FROM = 2 ** 41;

export class OpenBatches {
  readonly #ports: OpenBatchesPorts;
  readonly #suspects = new Suspects();
  #ordinary: Batcher;
  #ofSuspects: Batcher;
  #maxSize: number;
  #timeoutMs: number;
  #timer: { deadline: number; stop: Stop } | undefined;
  #stopped = false;

  constructor(maxSize: number, timeoutMs: number, ports: OpenBatchesPorts) {
    this.#maxSize = maxSize;
    this.#timeoutMs = timeoutMs;
    this.#ports = ports;
    this.#ordinary = new Batcher(maxSize);
    this.#ofSuspects = new Batcher(maxSize, SUSPECTS_FROM);
  }

  get samples(): number {
    return this.#ordinary.samples + this.#ofSuspects.samples;
  }

  *frames(): Iterable<Frame> {
    yield* this.#ordinary.frames();
    yield* this.#ofSuspects.frames();
  }

  add(frame: Frame, window: number): void {
    const now = this.#ports.clock.monotonicMs();
    const suspects = this.#suspects.of(frame.table);
    if (suspects.size === 0) this.#seal(this.#ordinary.add(frame, window, now));
    else {
      this.#seal(this.#ordinary.add(frame, window, now, (series) => !suspects.has(series)));
      this.#sealSuspects(this.#ofSuspects.add(frame, window, now, (series) => suspects.has(series)));
    }
    this.#flushWhenOld();
  }

  /**
   * Late samples go in batches of their own: a receiver that takes a series in order only refuses the whole request, which must
   * not affect the others, and says nothing against the sink.
   */
  addLate(late: Frame, window: number): void {
    const batcher = new Batcher(this.#maxSize, LATE_FROM);
    for (const batch of batcher.add(late, window, this.#ports.clock.monotonicMs())) this.#ports.sealed(batch, "late");
    const rest = batcher.flush();
    if (rest !== undefined) this.#ports.sealed(rest, "late");
  }

  flush(): void {
    const ordinary = this.#ordinary.flush();
    if (ordinary !== undefined) this.#ports.sealed(ordinary, "ordinary");
    const suspects = this.#ofSuspects.flush();
    if (suspects !== undefined) this.#ports.sealed(suspects, "suspects");
  }

  /** The sink refused a series, or took one that it had refused. */
  suspect(table: SeriesTable, series: number, refused: boolean): void {
    // What is open of a series goes before what is read from now on.
    if (this.#suspects.set(table, series, refused)) this.flush();
  }

  suspects(table: SeriesTable): ReadonlySet<number> {
    return this.#suspects.of(table);
  }

  /** Another size or age from now on. */
  update(maxSize: number, timeoutMs: number): void {
    this.#timeoutMs = timeoutMs;
    if (maxSize !== this.#maxSize) {
      this.#maxSize = maxSize;
      const ordinary = new Batcher(maxSize, this.#ordinary.nextSeq);
      const full = this.#ordinary.moveTo(ordinary);
      this.#ordinary = ordinary;
      this.#seal(full);
      const ofSuspects = new Batcher(maxSize, this.#ofSuspects.nextSeq);
      const fullOfSuspects = this.#ofSuspects.moveTo(ofSuspects);
      this.#ofSuspects = ofSuspects;
      this.#sealSuspects(fullOfSuspects);
    }
    this.#flushWhenOld();
  }

  /** Forgets what is open of windows that are not to `stay`; returns how many samples that were, and of which windows. */
  clear(stay?: (window: number) => boolean): { samples: number; windows: number[] } {
    const a = this.#ordinary.clear(stay);
    const b = this.#ofSuspects.clear(stay);
    return { samples: a.samples + b.samples, windows: [...a.windows, ...b.windows] };
  }

  /** Nothing is flushed for its age any more. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.stop.abort();
  }

  #seal(batches: readonly Batch[]): void {
    for (const batch of batches) this.#ports.sealed(batch, "ordinary");
  }

  #sealSuspects(batches: readonly Batch[]): void {
    for (const batch of batches) this.#ports.sealed(batch, "suspects");
  }

  /** When the oldest open sample has been here batch.timeout, monotonic ms; Infinity: nothing is open. */
  get #deadlineMs(): number {
    const ordinary = this.#ordinary.openedAtMs ?? Number.POSITIVE_INFINITY;
    const suspects = this.#ofSuspects.openedAtMs ?? Number.POSITIVE_INFINITY;
    return Math.min(ordinary, suspects) + this.#timeoutMs;
  }

  /** Open batches that nothing can join before their deadline have nothing to wait for. */
  flushIfAlone(): void {
    const deadline = this.#deadlineMs;
    if (deadline !== Number.POSITIVE_INFINITY && this.#ports.nextReadMs() > deadline) this.flush();
  }

  /** Arms the timer, if it is not: open batches go when their oldest sample has been here batch.timeout. */
  #flushWhenOld(): void {
    const deadline = this.#deadlineMs;
    if (this.#timer?.deadline === deadline) return;
    this.#timer?.stop.abort();
    this.#timer = undefined;
    if (deadline === Number.POSITIVE_INFINITY || this.#stopped) return;
    const timer = { deadline, stop: new Stop() };
    this.#timer = timer;
    this.#ports.clock
      .sleep(Math.max(0, deadline - this.#ports.clock.monotonicMs()), timer.stop)
      .then((elapsed) => {
        if (this.#timer === timer) this.#timer = undefined;
        if (elapsed) this.flush();
      })
      .catch(this.#ports.bug);
  }
}
