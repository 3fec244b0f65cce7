// What a sink's delivery needs of others: a connection to send with, its settings, and whom it tells.
import type { Span } from "../batch/batch.ts";
import type { Clock, EpochMs } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { Verdict } from "../remotewrite/judge.ts";
import type { SeriesTable } from "../series/table.ts";
import type { Event } from "../status/events.ts";
import type { Drop } from "./batch-splitter.ts";
import type { Sealed } from "./jobs.ts";

/** `answered` false: the receiver may have taken the samples, or not. */
export type Outcome = { verdict: Verdict; answered: boolean };

/** A connection to the sink, with its present endpoint and credentials. */
export type Sender = {
  /** The body of a request: kept until it is acknowledged, a retry sends the same bytes. */
  encode(span: Span): Uint8Array;
  /** That body is not sent again, and nobody else has it: its memory may be used for another. */
  doneWith?(body: Uint8Array): void;
  /** One attempt. Never throws. */
  post(body: Uint8Array, signal: AbortSignal): Promise<Outcome>;
  /** The path of its endpoint, where that is known to be for something else than remote write. */
  elsewhere?: string;
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
  /** Series that were refused so, and not taken since. */
  suspects?(table: SeriesTable): ReadonlySet<number>;
  /** All samples of the batch are delivered or dropped. */
  settled(batch: Sealed): void;
  /** Something changed that may let the sink take another window. */
  changed(): void;
  /** Something was thrown that nobody expected. */
  bug(error: unknown): void;
};
