// How large the requests of one sink are: the next piece of a batch is cut to what its endpoint was learned to take.
import { type Span, samplesOf } from "../batch/batch.ts";
import type { Clock } from "../platform/clock.ts";
import type { Verdict } from "../remotewrite/judge.ts";
import type { Event, SinkId } from "../status/events.ts";
import type { Drop, Piece } from "./batch-splitter.ts";
import type { Job } from "./jobs.ts";
import { LearnedSize } from "./learned-size.ts";
import type { Sender } from "./ports.ts";

export class Requests {
  readonly #id: SinkId;
  readonly #ports: { clock: Clock; dispatch(event: Event): void };
  #size = new LearnedSize();
  /** A request with one sample was too large, and nothing was taken since. */
  #singleTooLarge = false;

  constructor(id: SinkId, ports: { clock: Clock; dispatch(event: Event): void }) {
    this.#id = id;
    this.#ports = ports;
  }

  /** Another endpoint. */
  forget(): void {
    this.#size = new LearnedSize();
    this.#singleTooLarge = false;
  }

  /** The next piece of a batch, and its body. */
  next(job: Job, sender: Sender): { piece: Piece; body: Uint8Array } {
    for (;;) {
      const piece = job.pieces.next();
      if (job.body !== undefined) return { piece, body: job.body };
      const body = sender.encode(piece.span);
      const smaller = this.#size.smaller(samplesOf(piece.span), body.length);
      if (smaller !== undefined && piece.shrink({ samples: smaller, bytes: Number.POSITIVE_INFINITY })) continue;
      job.body = body;
      return { piece, body };
    }
  }

  delivered(job: Job, span: Span, bytes: number): void {
    this.#singleTooLarge = false;
    if (this.#size.delivered(samplesOf(span), bytes, job.batch.samples)) this.#changed();
  }

  /** A smaller request may pass. */
  tooLarge(job: Job, piece: Piece, bytes: number): void {
    const samples = samplesOf(piece.span);
    this.#size.tooLarge(samples, bytes);
    piece.shrink({
      samples: Math.min(Math.ceil(samples / 2), this.#size.size!.samples),
      bytes: Number.POSITIVE_INFINITY,
    });
    job.body = undefined;
    this.#changed();
  }

  /** Single samples are too large, one after the other: that is not a matter of the samples, and the sink is held. */
  judged(piece: Piece, verdict: Verdict): Verdict {
    if (verdict.kind !== "halve" || samplesOf(piece.span) > 1 || !this.#singleTooLarge) return verdict;
    const { said: _, ...rest } = verdict;
    const message = "The endpoint refuses every request with samples as too large (413), even with one sample.";
    return { ...rest, kind: "hold", message };
  }

  /** After a 413. Where it was a single sample its series is dropped. */
  halve(job: Job, piece: Piece, bytes: number, said: string): Drop[] {
    if (samplesOf(piece.span) > 1) {
      if (job.suspects) piece.shrink({ samples: 1, bytes: Number.POSITIVE_INFINITY });
      else this.tooLarge(job, piece, bytes);
      return [];
    }
    this.#singleTooLarge = true;
    if (!job.suspects) this.#size.forget();
    this.#changed();
    return piece.dropSeries("too_large", `One sample alone is too large for the endpoint (413).${said}`);
  }

  #changed(): void {
    const size = this.#size.size ?? {};
    this.#ports.dispatch({ type: "size-learned", at: this.#ports.clock.now(), id: this.#id, ...size });
  }
}
