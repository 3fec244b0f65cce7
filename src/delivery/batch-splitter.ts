// What is left of a batch to send: all of it at first, parts of it after a refusal (413: smaller parts; 400 and 422: bisected by
// series, then by time within a series). Knows nothing of time or net.
import { type Batch, oldestOf, type Span, samplesOf, subspan, whole } from "../batch/batch.ts";
import { mergeSpans } from "../batch/merge.ts";
import { encodedSize, MAX_BODY_BYTES } from "../remotewrite/encode.ts";
import type { Frame } from "../series/frame.ts";
import type { DropReason } from "../status/events.ts";
import { RunVerdict } from "./run-verdict.ts";

/** `wholeSeries`: a series of which nothing in the batch was taken. */
export type Drop = { reason: DropReason; samples: number; message: string; spans: Span[]; wholeSeries?: true };

/** What is known of a batch before it is sent. */
export type Origin = {
  /** It may have been sent before: by a process that was killed, or without an answer. */
  sent: boolean;
  /** The receiver has all samples of a series in this batch, or none: they were never sent, or only together. */
  together: boolean;
  /** Its series were refused before. */
  suspects: boolean;
};

export const FRESH: Origin = { sent: false, together: true, suspects: false };

/** Parts of at most so many samples and bytes (encoded, uncompressed). */
export type Size = { samples: number; bytes: number };

type Left = { span: Span; sent: boolean; verdict?: RunVerdict; newest?: true };

export class BatchSplitter {
  #left: Left[];
  readonly #origin: Origin;
  #untouched = true;
  #cutWithinSeries = false;
  /** Refused samples whose series is not settled yet. */
  #undecided = 0;
  /** Refused, and nothing was taken since: the endpoint may refuse everything by now. */
  #unproven: Drop[] = [];

  constructor(batch: Batch, origin: Origin) {
    this.#origin = origin;
    this.#left = parts(batch, { samples: Number.POSITIVE_INFINITY, bytes: MAX_BODY_BYTES }).map((span) => ({
      span,
      sent: origin.sent,
    }));
  }

  get done(): boolean {
    return this.#left.length === 0 && this.#unproven.length === 0;
  }

  /** Refused samples are dropped only after the endpoint has shown that it still takes writes. */
  get needsProof(): boolean {
    return this.#unproven.length >= (this.#left.length === 0 ? 1 : UNPROVEN_AT_MOST);
  }

  /** The endpoint still takes writes: what it refused is dropped. */
  proven(): Drop[] {
    const drops = this.#unproven;
    this.#unproven = [];
    return drops;
  }

  /** The endpoint refuses everything: what it refused since it last took something is sent again, the oldest of a series first; false: there is none. */
  restore(): boolean {
    const back = this.proven().flatMap(({ spans, reason }) =>
      spans.map((span) => ({ span, sent: this.#origin.sent || reason === "refused_replay" })),
    );
    back.sort((a, b) => oldestOf(a.span) - oldestOf(b.span));
    this.#left.unshift(...back);
    return back.length > 0;
  }

  /** Nothing of the batch was delivered, dropped or cut yet. */
  get untouched(): boolean {
    return this.#untouched;
  }

  /** Samples of one series are sent in several requests: the receiver may get a part of them. */
  get cutWithinSeries(): boolean {
    return this.#cutWithinSeries;
  }

  /** Samples that are neither delivered nor dropped. */
  get samples(): number {
    const unproven = this.#unproven.reduce((n, drop) => n + drop.samples, 0);
    return this.#left.reduce((n, { span }) => n + samplesOf(span), this.#undecided + unproven);
  }

  *frames(): Iterable<Frame> {
    for (const { span } of this.#left) yield span.frame;
    for (const { spans } of this.#unproven) for (const { frame } of spans) yield frame;
  }

  /** What is less than half of its frame becomes a frame of its own. */
  compact(): void {
    for (const left of this.#left)
      if (2 * samplesOf(left.span) < left.span.frame.samples) left.span = whole(mergeSpans([left.span]));
  }

  /** What to send next; the same piece until one of its methods has settled or cut it. */
  next(): Piece {
    const left = this.#left[0];
    if (left === undefined) throw new RangeError("BatchSplitter: nothing left");
    return {
      get span() {
        return left.span; // compact() may copy it
      },
      delivered: () => this.#delivered(left),
      drop: (reason, message) => {
        this.#unproven.push(...this.#settle(left));
        return [dropOf(left.span, reason, message)];
      },
      dropSeries: (reason, message) => this.#dropSeries(left, reason, message),
      shrink: (size) => this.#shrink(left, size),
      refuse: (message, o) => this.#unproven.push(...this.#refuse(left, message, o)),
      unanswered: () => {
        left.sent = true;
        if (left.verdict !== undefined) left.verdict.sent = true;
      },
    };
  }

  #delivered(left: Left): Drop[] {
    left.verdict?.take(left.newest === true);
    return [...this.proven(), ...this.#settle(left)];
  }

  #dropSeries(left: Left, reason: DropReason, message: string): Drop[] {
    const seriesOf = ({ span }: Left) => span.frame.runSeries[span.firstRun]!;
    const same = this.#left.filter(
      (other) => other.span.endRun - other.span.firstRun === 1 && seriesOf(other) === seriesOf(left),
    );
    const spans = same.map(({ span }) => span);
    const samples = spans.reduce((n, span) => n + samplesOf(span), 0);
    const undecided = same.flatMap((other) => this.#settle(other));
    return [...this.proven(), { reason, samples, message, spans, wholeSeries: true }, ...undecided];
  }

  #shrink(left: Left, size: Size): boolean {
    const smaller = parts(left.span, size);
    if (smaller.length === 1) return false;
    if (smaller.some((span) => cutsSeries(left.span, span))) this.#cutWithinSeries = true;
    this.#cut(left, smaller);
    return true;
  }

  #refuse(left: Left, message: string, { ageMayDecide, named, suspect, conflict }: RefusalHints): Drop[] {
    const { span } = left;
    if (span.endRun - span.firstRun > 1) return this.#cut(left, this.#bySeries(span, named(span)));
    left.verdict ??= new RunVerdict();
    left.verdict.message = message;
    left.verdict.conflict = conflict;
    left.verdict.sent ||= left.sent;
    const { verdict } = left;
    if (left.newest) return this.#refusedUpTo(left);
    if (samplesOf(span) === 1) return this.#refused(left);
    const ageIsKnown = !ageMayDecide(span);
    if (ageIsKnown && left.sent && this.#origin.together) return this.#refused(left);
    this.#cutWithinSeries = true;
    // Of a series that may have arrived in part the newest would be taken, and those before it be lost.
    if (ageIsKnown && !left.sent && (this.#origin.suspects || suspect(span) || verdict.tryNewest)) {
      const last = span.endSample - 1;
      this.#cut(left, [
        { ...span, firstSample: last },
        { ...span, endSample: last },
      ]);
      this.#left[0]!.newest = true;
      return [];
    }
    const { firstSample: first } = span;
    if (ageIsKnown && !left.sent && verdict.untried && samplesOf(span) > FEW)
      return this.#cut(left, [
        { ...span, endSample: first + 1 },
        { ...span, firstSample: first + 1, endSample: first + 2 },
        { ...span, firstSample: first + 2 },
      ]);
    const middle = (first + span.endSample) >> 1;
    return this.#cut(left, [
      { ...span, endSample: middle },
      { ...span, firstSample: middle },
    ]);
  }

  #bySeries(span: Span, named: number | undefined): Span[] {
    if (this.#origin.suspects)
      return Array.from({ length: span.endRun - span.firstRun }, (_, i) =>
        subspan(span, span.firstRun + i, span.firstRun + i + 1),
      );
    if (named === undefined) return halvesBySeries(span);
    return [
      subspan(span, named, named + 1),
      ...(named > span.firstRun ? [subspan(span, span.firstRun, named)] : []),
      ...(named + 1 < span.endRun ? [subspan(span, named + 1, span.endRun)] : []),
    ];
  }

  /** The newest sample of a series is refused, and so are all before it. */
  #refusedUpTo(newest: Left): Drop[] {
    const older = this.#left[1];
    const drops = this.#refused(newest);
    return older !== undefined && older.verdict === newest.verdict ? [...drops, ...this.#refused(older)] : drops;
  }

  #refused(left: Left): Drop[] {
    left.verdict!.refuse(left.span);
    this.#undecided += samplesOf(left.span);
    return this.#settle(left);
  }

  #settle(left: Left): Drop[] {
    this.#untouched = false;
    this.#left = this.#left.filter((other) => other !== left);
    const { verdict } = left;
    if (verdict === undefined || --verdict.parts > 0 || verdict.refused.length === 0) return [];
    const spans = verdict.refused;
    const samples = spans.reduce((n, span) => n + samplesOf(span), 0);
    this.#undecided -= samples;
    const { reason, message } = verdict;
    return [{ reason, samples, message, spans, ...(verdict.refusedWhole ? { wholeSeries: true } : {}) }];
  }

  #cut(left: Left, spans: Span[]): Drop[] {
    this.#untouched = false;
    const { sent, verdict } = left;
    if (verdict !== undefined) verdict.parts += spans.length - 1;
    const at = this.#left.indexOf(left);
    this.#left.splice(at, 1, ...spans.map((span) => ({ span, sent, ...(verdict === undefined ? {} : { verdict }) })));
    return [];
  }
}

/** So many refused series are dropped with one proof. */
const UNPROVEN_AT_MOST = 8;
/** Of more samples than this the first two tell with fewer requests than halves whether the series as such is refused. */
const FEW = 4;

export type RefusalHints = {
  /** Some of the samples may be refused for their age, and others not. */
  ageMayDecide(span: Span): boolean;
  /** The run to try first: one that the receiver has named, or has refused before. */
  named(span: Span): number | undefined;
  /** The span is of a series that was refused before. */
  suspect(span: Span): boolean;
  conflict: boolean;
};

/** A piece settles or cuts itself; calls that return drops return what was dropped by it. */
export type Piece = {
  span: Span;
  delivered(): Drop[];
  drop(reason: DropReason, message: string): Drop[];
  /** Drops all that is left of its first series. */
  dropSeries(reason: DropReason, message: string): Drop[];
  /** Cuts it into parts of this size; false: it is no larger, or a single sample. */
  shrink(size: Size): boolean;
  /** Its samples are dropped once they are `proven()`. */
  refuse(message: string, hints: RefusalHints): void;
  /** An attempt ended without an answer: the receiver may have it. */
  unanswered(): void;
};

const dropOf = (span: Span, reason: DropReason, message: string): Drop => ({
  reason,
  samples: samplesOf(span),
  message,
  spans: [span],
});

/** Halved until each part is as small as that, or a single sample. */
function parts(span: Span, size: Size): Span[] {
  const small = samplesOf(span) <= size.samples && encodedSize(span) <= size.bytes;
  const halved = small ? undefined : halves(span);
  return halved === undefined ? [span] : halved.flatMap((half) => parts(half, size));
}

const cutsSeries = (span: Span, part: Span): boolean =>
  part.firstSample > Math.max(span.firstSample, span.frame.runStart[part.firstRun]!);

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
