// Frames in, batches out: one open batch a sink, cut by size at once and by age when its owner asks (design.md, Delivery).
import type { Frame } from "../series/frame.ts";
import { type Batch, type Span, samplesOf, whole } from "./batch.ts";
import { mergeSpans } from "./merge.ts";

type Part = Span & { window: number };

/** A rest that is smaller than this share of its frame is copied, so that the frame can be freed. */
const COPY_BELOW = 0.5;

export class Batcher {
  readonly #maxSize: number;
  #parts: Part[] = [];
  #samples = 0;
  #openedAtMs = 0;
  #nextSeq: number;
  /** The open batch was moved here, and its first series continues from the batch before. */
  #movedCut = false;

  /** `firstSeq`: continues from a batcher that this one replaces, so that a sink's batches stay in order. */
  constructor(maxSize: number, firstSeq = 0) {
    this.#maxSize = maxSize;
    this.#nextSeq = firstSeq;
  }

  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** Samples in the open batch. */
  get samples(): number {
    return this.#samples;
  }

  /** When the open batch's oldest sample arrived (monotonic ms); undefined while it is empty. */
  get openedAtMs(): number | undefined {
    return this.#samples > 0 ? this.#openedAtMs : undefined;
  }

  /**
   * Takes all samples of `frame` (of the series `of`) as window number `window` of this sink; returns the batches that are full now. A
   * series of a window is in one batch, so that a receiver takes it whole or not at all; only one that is longer than a batch is
   * cut, always at the same places.
   */
  add(frame: Frame, window: number, nowMs: number, of: (series: number) => boolean = () => true): Batch[] {
    const full: Batch[] = [];
    if (frame.samples === 0) return full;
    // Ids of two tables cannot be compared: what is open goes first. A table is replaced rarely (current-table.ts).
    if (this.#parts.length > 0 && this.#parts[0]!.frame.table !== frame.table) push(full, this.flush());
    for (let run = 0; run < frame.runs; run++) {
      if (!of(frame.runSeries[run]!)) continue;
      const end = frame.runStart[run + 1]!;
      let sample = frame.runStart[run]!;
      if (this.#samples + end - sample > this.#maxSize) push(full, this.flush());
      while (sample < end) {
        const cut = Math.min(end, sample + this.#maxSize);
        if (this.#samples === 0) this.#openedAtMs = nowMs;
        this.#put(frame, window, run, sample, cut);
        if (this.#samples >= this.#maxSize) push(full, this.flush());
        sample = cut;
      }
    }
    this.#freeFrame(frame);
    return full;
  }

  #put(frame: Frame, window: number, run: number, sample: number, end: number): void {
    const last = this.#parts.at(-1);
    if (last !== undefined && last.frame === frame && last.endSample === sample) {
      last.endRun = run + 1;
      last.endSample = end;
    } else this.#parts.push({ frame, window, firstRun: run, endRun: run + 1, firstSample: sample, endSample: end });
    this.#samples += end - sample;
  }

  /** Seals the open batch, whatever its size; undefined if it is empty. */
  flush(): Batch | undefined {
    const parts = this.#parts;
    const first = parts[0];
    if (first === undefined) return undefined;
    const windows: Batch["windows"] = [];
    for (const part of parts) {
      const last = windows.at(-1);
      if (last?.window === part.window) last.samples += samplesOf(part);
      else windows.push({ window: part.window, samples: samplesOf(part) });
    }
    const span = parts.length === 1 ? first : whole(mergeSpans(parts));
    const continues = this.#movedCut || first.firstSample > first.frame.runStart[first.firstRun]!;
    this.#movedCut = false;
    this.#parts = [];
    this.#samples = 0;
    return {
      frame: span.frame,
      firstRun: span.firstRun,
      endRun: span.endRun,
      firstSample: span.firstSample,
      endSample: span.endSample,
      seq: this.#nextSeq++,
      windows,
      continues,
      openedAtMs: this.#openedAtMs,
    };
  }

  /** Forgets what the open batch has of windows that are not to `stay`; returns how many samples that were, and of which windows. */
  clear(stay: (window: number) => boolean = () => false): { samples: number; windows: number[] } {
    const gone = this.#parts.filter((part) => !stay(part.window));
    const samples = gone.reduce((n, part) => n + samplesOf(part), 0);
    this.#parts = this.#parts.filter((part) => stay(part.window));
    this.#samples -= samples;
    return { samples, windows: gone.map((part) => part.window) };
  }

  /** Frames that the open batch keeps in memory. */
  *frames(): Iterable<Frame> {
    for (const part of this.#parts) yield part.frame;
  }

  /** Hands the open batch to `other`, which cuts by its own size; returns the batches that are full now. */
  moveTo(other: Batcher): Batch[] {
    const full: Batch[] = [];
    const first = this.#parts[0];
    other.#movedCut =
      this.#movedCut || (first !== undefined && first.firstSample > first.frame.runStart[first.firstRun]!);
    for (const part of this.#parts) {
      // A copy: add() takes whole frames.
      full.push(...other.add(mergeSpans([part]), part.window, this.#openedAtMs));
    }
    this.clear();
    return full;
  }

  /** A small rest of a large frame is copied, so that the frame can be freed. */
  #freeFrame(frame: Frame): void {
    const parts = this.#parts.filter((part) => part.frame === frame);
    const [first] = parts;
    if (first === undefined || parts.reduce((n, part) => n + samplesOf(part), 0) >= frame.samples * COPY_BELOW) return;
    const cut = first.firstSample > frame.runStart[first.firstRun]!;
    if (cut) return; // its first series continues from the batch before: flush() must still see that
    const copy = { ...whole(mergeSpans(parts)), window: first.window };
    this.#parts = [...this.#parts.filter((part) => part.frame !== frame), copy];
  }
}

function push(batches: Batch[], batch: Batch | undefined): void {
  if (batch !== undefined) batches.push(batch);
}
