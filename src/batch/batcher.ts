// Frames in, batches out: one open batch a sink, cut by size at once and by age when its owner asks (design.md, Delivery rules).
import type { Frame } from "../series/frame.ts";
import { type Batch, type Span, samplesOf, whole } from "./batch.ts";
import { mergeSpans } from "./merge.ts";

type Part = Span & { round: number };

/** A leftover that is smaller than this share of its frame is copied out, so that the frame can be let go. */
const COPY_BELOW = 0.5;

export class Batcher {
  readonly #maxSize: number;
  #parts: Part[] = [];
  #samples = 0;
  #openedAtMs = 0;
  #nextSeq: number;
  /** The open batch was moved here, and its first series goes on from the batch before. */
  #movedCut = false;

  /** `firstSeq`: goes on from a batcher that this one replaces, so that a sink's batches stay in order. */
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

  /** Takes all samples of `frame` as window number `round` of this sink; returns the batches that are full now. */
  add(frame: Frame, round: number, nowMs: number): Batch[] {
    const full: Batch[] = [];
    if (frame.samples === 0) return full;
    // Ids of two tables cannot be compared: what is open goes first. A table is replaced rarely (SeriesTable.successor).
    if (this.#parts.length > 0 && this.#parts[0]!.frame.table !== frame.table) push(full, this.flush());
    let run = 0;
    let sample = 0;
    while (sample < frame.samples) {
      if (this.#samples === 0) this.#openedAtMs = nowMs;
      const end = Math.min(frame.samples, sample + this.#maxSize - this.#samples);
      const firstRun = run;
      while (frame.runStart[run + 1]! < end) run++;
      this.#parts.push({ frame, round, firstRun, endRun: run + 1, firstSample: sample, endSample: end });
      this.#samples += end - sample;
      if (frame.runStart[run + 1]! === end) run++;
      sample = end;
      if (this.#samples >= this.#maxSize) push(full, this.flush());
    }
    this.#letGoOf(frame);
    return full;
  }

  /** Seals the open batch, whatever its size; undefined if it is empty. */
  flush(): Batch | undefined {
    const parts = this.#parts;
    const first = parts[0];
    if (first === undefined) return undefined;
    const rounds: Batch["rounds"] = [];
    for (const part of parts) {
      const last = rounds.at(-1);
      if (last?.round === part.round) last.samples += samplesOf(part);
      else rounds.push({ round: part.round, samples: samplesOf(part) });
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
      rounds,
      continues,
      openedAtMs: this.#openedAtMs,
    };
  }

  /** Forgets what the open batch has of windows that are not to `stay`; returns how many samples that were, and of which windows. */
  clear(stay: (round: number) => boolean = () => false): { samples: number; rounds: number[] } {
    const gone = this.#parts.filter((part) => !stay(part.round));
    const samples = gone.reduce((n, part) => n + samplesOf(part), 0);
    this.#parts = this.#parts.filter((part) => stay(part.round));
    this.#samples -= samples;
    return { samples, rounds: gone.map((part) => part.round) };
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
      full.push(...other.add(mergeSpans([part]), part.round, this.#openedAtMs));
    }
    this.clear();
    return full;
  }

  #letGoOf(frame: Frame): void {
    const part = this.#parts.at(-1);
    if (part?.frame !== frame || samplesOf(part) >= frame.samples * COPY_BELOW) return;
    const cut = part.firstSample > frame.runStart[part.firstRun]!;
    if (cut) return; // its first series goes on from the batch before: flush() must still see that
    this.#parts[this.#parts.length - 1] = { ...whole(mergeSpans([part])), round: part.round };
  }
}

function push(batches: Batch[], batch: Batch | undefined): void {
  if (batch !== undefined) batches.push(batch);
}
