// Where a reader's position moves without a read: back, because the source's clock was set back; ahead, because unread time is too old.
import type { EpochMs } from "../platform/clock.ts";
import { gridCeil } from "../source/window.ts";
import { takeBack } from "./leaps.ts";
import type { Memory } from "./memory/memory.ts";
import type { Query, Reader } from "./reader.ts";
import type { Subscriber } from "./subscription.ts";

type NewMemory = (query: Query, floor: EpochMs) => Memory;

/** Is the cursor ahead of the source's now by more than an interval? Its clock was set back, or ours was trusted once. */
export const isAhead = ({ read, query }: Reader<Subscriber>, sourceNow: EpochMs): boolean =>
  read > sourceNow + query.intervalMs;

/** `offset`: source's now less the monotonic clock. */
export function setBack(reader: Reader<Subscriber>, sourceNow: EpochMs, offset: number, newMemory: NewMemory): void {
  const { leaptAt, leaps } = takeBack(reader.leaps, offset);
  const { delayMs, lateWindowMs } = reader.query;
  // What comes late of before is not in the new memory: it begins a late window earlier, and sends that much again.
  const to = Math.min(sourceNow - delayMs, leaptAt ?? Number.POSITIVE_INFINITY) - lateWindowMs;
  reader.leaps = leaps;
  reader.read = to;
  reader.memory = newMemory(reader.query, to);
  for (const member of reader.members) member.receive({ kind: "set-back", to });
}

/** Unread time that is older than --max-backfill is skipped, and counted; what was read is never given up. */
export function skipTooOld(
  reader: Reader<Subscriber>,
  sourceNow: EpochMs,
  delayMs: number,
  newMemory: NewMemory,
): void {
  const { query, read: from } = reader;
  // What a live read takes is never too old, whatever the user chose.
  const backMs = Math.max(query.maxBackfillMs, delayMs + 2 * query.intervalMs);
  const to = gridCeil(sourceNow - backMs, query.intervalMs);
  if (from >= to) return;
  reader.read = to;
  reader.memory = newMemory(query, to);
  for (const member of reader.members) member.receive({ kind: "skipped", from, to, why: "older than --max-backfill" });
}
