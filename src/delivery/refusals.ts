// What is known and reported of samples that one sink's endpoint refuses.
import { oldestOf, type Span, samplesOf, timesOf } from "../batch/batch.ts";
import type { EpochMs } from "../platform/clock.ts";
import type { Verdict } from "../remotewrite/judge.ts";
import type { SinkId } from "../status/events.ts";
import { Ages } from "./ages.ts";
import type { Drop, Piece, RefusalHints } from "./batch-splitter.ts";
import { dropEvents } from "./drop-events.ts";
import type { Job } from "./jobs.ts";
import { namedRun } from "./named-series.ts";
import type { DeliveryPorts } from "./ports.ts";

export class Refusals {
  readonly #id: SinkId;
  readonly #ports: DeliveryPorts;
  #ages = new Ages();
  #loggedAtMs = Number.NEGATIVE_INFINITY;

  constructor(id: SinkId, ports: DeliveryPorts) {
    this.#id = id;
    this.#ports = ports;
  }

  /** Another endpoint. */
  forget(): void {
    this.#ages = new Ages();
  }

  /** Where to look for the refused samples first. */
  hints(job: Job, { said, conflict }: Verdict & { kind: "bisect" }): RefusalHints {
    return {
      ageMayDecide: (span) => this.#ages.mayDecide(...timesOf([span]), this.#now()),
      named: (span) => (job.pieces.untouched ? namedRun(said, span) : undefined) ?? this.#suspectRun(span),
      suspect: (span) => this.#suspectRun(span) === span.firstRun,
      conflict: conflict === true,
    };
  }

  /** The first run of a series that was refused before: the batch was sealed when that was not known yet. */
  #suspectRun({ frame, firstRun, endRun }: Span): number | undefined {
    const suspects = this.#ports.suspects?.(frame.table);
    if (suspects === undefined || suspects.size === 0) return undefined;
    for (let run = firstRun; run < endRun; run++) if (suspects.has(frame.runSeries[run]!)) return run;
    return undefined;
  }

  /** `tookMs`: how long ago the attempt began. */
  taken(job: Job, span: Span, tookMs: number): void {
    // So old they were at least: when the receiver took them is not known.
    this.#ages.taken(oldestOf(span), this.#now() - tookMs);
    if (!job.suspects) return;
    const { table, runSeries } = span.frame;
    for (let run = span.firstRun; run < span.endRun; run++) this.#ports.suspect?.(table, runSeries[run]!, false);
  }

  /** Dead letters first, then the count. What it says of a suspect may bring the next batches at once. */
  report(drops: readonly Drop[]): void {
    const { clock, dispatch, keep, suspect } = this.#ports;
    for (const drop of drops) {
      for (const event of dropEvents(drop, this.#id, clock.now(), keep)) dispatch(event);
      const [span] = drop.spans;
      if (!drop.wholeSeries || span === undefined) continue;
      this.#ages.refusedWhole(timesOf(drop.spans)[1]);
      if (drop.reason !== "refused_replay") suspect?.(span.frame.table, span.frame.runSeries[span.firstRun]!, true);
    }
  }

  /** Once a batch, not for each part of it, and not all the time where a receiver refuses something in each. */
  log(job: Job, piece: Piece, message: string): void {
    const { clock, dispatch } = this.#ports;
    if (job.refused || job.suspects || samplesOf(piece.span) === 1) return;
    job.refused = true;
    if (clock.monotonicMs() - this.#loggedAtMs < LOG_MS) return;
    this.#loggedAtMs = clock.monotonicMs();
    const text = `${this.#id}: a request with ${samplesOf(piece.span)} samples was refused; outflow sends smaller requests to find the refused samples. ${message}`;
    dispatch({ type: "notice", at: clock.now(), level: "info", message: text });
  }

  #now(): EpochMs {
    return this.#ports.sourceNow?.() ?? this.#ports.clock.now();
  }
}

const LOG_MS = 600_000;
