// A source of a sink, as the readers see it, and what reaches it.
import type { EpochMs } from "../platform/clock.ts";
import type { Frame } from "../series/frame.ts";
import type { Window } from "../source/window.ts";
import type { ReadFailureReason } from "../status/events.ts";
import type { Memory } from "./memory/memory.ts";
import type { Member } from "./reader.ts";

/** A window that reached a member. */
export type Arrival = Window & {
  frame: Frame;
  /** Samples that became visible after newer ones of their series were taken. */
  late?: Frame;
  /** The reader's memory at `from` and at `to`: what is needed to continue reading there. */
  before: Memory;
  memory: Memory;
  bytes: number;
  durationMs: number;
  /** More than one member has this frame. */
  shared: boolean;
  sourceNow: EpochMs;
  /** Raw only: how old data of this query must be before it is read, by now. */
  settleMs?: number;
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

export type ReadingMember = Member & {
  /** May the next window be read for it? A failing, paused or slow sink reads nothing. */
  ready(): boolean;
  /** It is failing and one small window may be read to probe the sink with. */
  probing(): boolean;
  take(arrival: Arrival): void;
  failed(reason: ReadFailureReason, message: string): void;
  skipped(window: Window, why: string): void;
  /** The source's clock is behind the cursor: start again at `to`. */
  setBack(to: EpochMs): void;
  /** The others have read up to here: release older shared frames. */
  othersAt(read: EpochMs): void;
  /** Memory is short: release what could not be sent for `patienceMs`, or cannot be sent now. */
  freeMemory(patienceMs: number): void;
  frames(): Iterable<Frame>;
};
