// What is left of a batch to send: the whole of it at first, parts of it after a refusal (413: halved; 400 and 422: bisected by
// series within a budget). Knows nothing of time or net.
import { type Batch, type Span, samplesOf, subspan, whole } from "../batch/batch.ts";
import { mergeSpans } from "../batch/merge.ts";
import { encodedSize, MAX_BODY_BYTES } from "../remotewrite/encode.ts";
import type { Frame } from "../series/frame.ts";
import type { DropReason } from "../status/events.ts";

export type Drop = { reason: DropReason; samples: number; message: string; spans: Span[] };

export class BatchSplitter {
  #left: Span[];
  #untouched = true;
  /** Requests that bisecting may still take: 2·log2(series) + 8 for a batch, less the batch itself and a write without samples. */
  #budget: number;

  constructor(batch: Batch) {
    this.#left = fitting(batch);
    this.#budget = Math.ceil(2 * Math.log2(Math.max(1, batch.endRun - batch.firstRun))) + 6;
  }

  get done(): boolean {
    return this.#left.length === 0;
  }

  /** Nothing of the batch was delivered, dropped or cut yet. */
  get untouched(): boolean {
    return this.#untouched;
  }

  /** Samples that are neither delivered nor dropped. */
  get samples(): number {
    return this.#left.reduce((n, span) => n + samplesOf(span), 0);
  }

  *frames(): Iterable<Frame> {
    for (const { frame } of this.#left) yield frame;
  }

  /** What is less than half of its frame becomes a frame of its own; returns all that is left as one span. */
  compact(): Span {
    this.#left = this.#left.map((span) =>
      2 * samplesOf(span) < span.frame.samples ? whole(mergeSpans([span])) : span,
    );
    const [only, ...more] = this.#left;
    return only !== undefined && more.length === 0 ? only : whole(mergeSpans(this.#left));
  }

  /** What to send next; the same piece until one of its methods has settled or cut it. */
  next(): Piece {
    if (this.done) throw new RangeError("BatchSplitter: nothing left");
    const now = () => this.#left[0]!; // compact() may have copied it
    return {
      get span() {
        return now();
      },
      delivered: () => this.#settle(),
      drop: (reason, message) => this.#settle(dropOf(now(), reason, message)),
      halve: (message) => {
        const span = now();
        const parts = halves(span);
        return parts === undefined ? this.#settle(dropOf(span, "too_large", message)) : this.#cut(parts);
      },
      bisect: (message) => {
        const span = now();
        if (span.endRun - span.firstRun <= 1) return this.#settle(dropOf(span, "rejected", message));
        this.#budget -= 2;
        if (this.#budget < 0) return this.#giveUp(message);
        return this.#cut(halvesBySeries(span));
      },
    };
  }

  #settle(drop?: Drop): Drop[] {
    this.#untouched = false;
    this.#left.shift();
    return drop === undefined ? [] : [drop];
  }

  #cut(parts: Span[]): Drop[] {
    this.#untouched = false;
    this.#left.splice(0, 1, ...parts);
    return [];
  }

  #giveUp(message: string): Drop[] {
    const { samples } = this;
    const spans = this.#left;
    this.#left = [];
    return [
      {
        reason: "rejected",
        samples,
        spans,
        message: `${message} Too many series are refused to find each: the receiver may have stored part of the rest.`,
      },
    ];
  }
}

const dropOf = (span: Span, reason: DropReason, message: string): Drop => ({
  reason,
  samples: samplesOf(span),
  message,
  spans: [span],
});

/** Whatever batch.maxSize says, no request is larger than receivers take (a single sample is left to them). */
function fitting(span: Span): Span[] {
  const parts = encodedSize(span) > MAX_BODY_BYTES ? halves(span) : undefined;
  return parts === undefined ? [span] : parts.flatMap(fitting);
}

/** A piece settles or cuts itself; each call returns what was dropped by it. */
export type Piece = {
  span: Span;
  delivered(): Drop[];
  drop(reason: DropReason, message: string): Drop[];
  halve(message: string): Drop[];
  bisect(message: string): Drop[];
};

function halvesBySeries(span: Span): Span[] {
  const middle = (span.firstRun + span.endRun) >> 1;
  return [subspan(span, span.firstRun, middle), subspan(span, middle, span.endRun)];
}

/** By series where there are several, else by samples; undefined for a single sample. */
function halves(span: Span): Span[] | undefined {
  if (span.endRun - span.firstRun > 1) return halvesBySeries(span);
  if (samplesOf(span) === 1) return undefined;
  const middle = (span.firstSample + span.endSample) >> 1;
  return [
    { ...span, endSample: middle },
    { ...span, firstSample: middle },
  ];
}
