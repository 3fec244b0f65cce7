// Between readers and a source of a sink. Data goes one way, as news in the order of time. Control comes back in one way: the
// subscriber says which window it takes, and its subscription wakes the readers when that has changed.
import type { EpochMs } from "../platform/clock.ts";
import type { Frame } from "../series/frame.ts";
import type { Window } from "../source/window.ts";
import type { ReadFailureReason } from "../status/events.ts";
import type { Memory } from "./memory/memory.ts";
import type { Member } from "./reader.ts";

/** Which window a subscriber takes now: the next one, a small one to probe its sink with, or none. */
export type Demand = "any" | "small" | "none";

/** A window that was read. */
export type Arrival = Window & {
  frame: Frame;
  /** Samples that became visible after newer ones of their series were taken. */
  late?: Frame;
  /** The reader's memory at `from` and at `to`: what is needed to continue reading there. */
  before: Memory;
  memory: Memory;
  bytes: number;
  durationMs: number;
  /** More than one subscriber has this frame. */
  shared: boolean;
  sourceNow: EpochMs;
  /** Raw only: how old data of this query must be before it is read, by now. */
  settleMs?: number;
};

export type News =
  | ({ kind: "window" } & Arrival)
  /** Nothing was read: it is tried again. */
  | { kind: "failed"; reason: ReadFailureReason; message: string }
  /** Never to be read. */
  | ({ kind: "skipped"; why: string } & Window)
  /** The source's clock is behind the cursor: reading starts again at `to`. */
  | { kind: "set-back"; to: EpochMs };

/** Memory is short, or the others who share its frames have read up to `to`: what was not sent is to be released, and read again later. */
export type Pressure = { kind: "memory"; patienceMs: number } | { kind: "others-ahead"; to: EpochMs };

/** One source of one sink. None of this throws. */
export type Subscriber = Member & {
  /** A predicate: asking changes nothing. */
  readonly demand: Demand;
  receive(news: News): void;
  release(pressure: Pressure): void;
  /** What it keeps in memory. */
  frames(): Iterable<Frame>;
};

export type Subscription = {
  /** Monotonic ms from which its next window may be read; -Infinity while one is being read. */
  nextReadMs(): number;
  /** Its demand, or what it keeps, has changed. */
  wake(): void;
  cancel(): void;
};

/**
 * Where a subscriber continues. `replay`: windows from there may have been sent before. `windowMs`: how long the first of them is at
 * most. `ends`: ends of windows that were attempted, ascending: they are read again to the same ends.
 */
export type StartAt = {
  cursor: EpochMs;
  memory: Memory;
  replay?: boolean;
  windowMs?: number;
  ends?: readonly EpochMs[];
};

export type ReadOutcome =
  | {
      ok: true;
      frame: Frame;
      late?: Frame;
      /** Of `late` as many samples as are new, each once: `late` may hold some that were taken before. */
      fresh?: Frame;
      memory: Memory;
    }
  | { ok: false; reason: ReadFailureReason; message: string; shrink: boolean; oversized?: true };
