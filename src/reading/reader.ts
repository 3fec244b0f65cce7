// A reader: a read position in one query, with its memory of the last timestamp taken of each series (design.md, Readers).
// Sinks at the same position of the same query share one. Memory is never changed in place: each read that succeeds gives the
// reader a new version, so that a split is only a reference.
import type { EpochMs } from "../platform/clock.ts";
import type { LabelRules } from "../series/labels.ts";
import type { Leap } from "./leaps.ts";
import type { Memory } from "./memory/memory.ts";

/** What is read and how. Two sources with equal queries share requests. */
export type Query = {
  /** The user's text. */
  text: string;
  /** What is sent: the user's text, or the text with the enforced filters. */
  sent: string;
  /** The enforced filters once more, for VictoriaMetrics: `extra_filters[]`, alternatives; absent: none. */
  extraFilters?: readonly string[];
  kind: "raw" | "evaluated";
  /** Evaluated only: the metric name of results that have none. */
  fallbackName: string;
  intervalMs: number;
  /** How old data must be: settle for raw, evalDelay for evaluated. */
  delayMs: number;
  /** `--settle auto`: delayMs is what the learning starts from (settle.ts). */
  learnsDelay?: true;
  lateWindowMs: number;
  maxWindowMs: number;
  /** Unread time older than this is skipped. */
  maxBackfillMs: number;
  /** Where a sink without a cursor begins: this long before the source's now. */
  startBackMs: number;
  /** What becomes of the labels on the way. */
  labels: LabelRules;
};

const keys = new WeakMap<Query, string>();

/** Equal for queries that read the same. Made once of each: it is asked for at every turn of the readers. */
export function queryKey(query: Query): string {
  const known = keys.get(query);
  if (known !== undefined) return known;
  const key = keyOf(query);
  keys.set(query, key);
  return key;
}

const keyOf = (q: Query): string =>
  JSON.stringify([
    q.kind,
    q.sent,
    q.extraFilters ?? [],
    q.kind === "evaluated" ? q.fallbackName : "",
    q.intervalMs,
    q.delayMs,
    q.learnsDelay ?? false,
    q.lateWindowMs,
    q.maxWindowMs,
    q.maxBackfillMs,
    q.labels,
  ]);

/** Number of the poll that is running at `sourceNow`, where windows are read `delayMs` after their end. */
export const tickOf = ({ intervalMs }: Query, delayMs: number, sourceNow: EpochMs): number =>
  Math.floor((sourceNow - delayMs) / intervalMs);

/** One source of one sink, as a reader knows it. */
export type Member = {
  /** For order and messages: `namespace/policy/sink` and the source's name. */
  id: string;
  source: string;
};

export type Reader<M extends Member> = {
  query: Query;
  key: string;
  /** Windows up to here were handed to the members. */
  read: EpochMs;
  memory: Memory;
  /** Read position of the last read that reached back by the whole late window. */
  reachedAt: EpochMs;
  members: Set<M>;
  /** Longest window at present: halved by answers that are too large or too slow, grows again. */
  windowMs: number;
  /** Ends of windows that are read a second time, ascending: no window reaches across one. */
  ends: readonly EpochMs[];
  /** A read is under way. */
  busy: boolean;
  /** Monotonic ms before which no read starts: a failed read waits for the next tick. */
  notBeforeMs: number;
  /** For fairness: the count of reads when this one was served last. */
  servedAt: number;
  /** Samples a millisecond in the last window, and what the next one is expected to bring. */
  density: number;
  expects: number;
  leaps: readonly Leap[];
};

/**
 * Leaves `staying` with the reader and moves everybody else to a new one at the same place: they were not ready, so the next
 * window will be read for them later. Returns the new reader, or undefined if nobody had to move.
 */
export function split<M extends Member>(reader: Reader<M>, staying: ReadonlySet<M>): Reader<M> | undefined {
  const leaving = [...reader.members].filter((member) => !staying.has(member));
  if (leaving.length === 0) return undefined;
  for (const member of leaving) reader.members.delete(member);
  return { ...reader, members: new Set(leaving), busy: false };
}

/**
 * May the members of `b` move to `a`? Only where nothing is lost or sent twice: same query, same place, same memory of all that reads
 * that follow look at (from `farthest` on).
 */
export function mayMerge<M extends Member>(a: Reader<M>, b: Reader<M>, farthest: () => EpochMs): boolean {
  return !a.busy && !b.busy && a.key === b.key && a.read === b.read && a.memory.equals(b.memory, farthest());
}

/**
 * Which due reader is served next: the one that has waited for the most reads of others, so that one that catches up and is
 * always due cannot starve live ones; among equals the oldest read position. `isDue` is asked only of those that would be next.
 */
export function fairest<M extends Member>(
  readers: Iterable<Reader<M>>,
  isDue: (reader: Reader<M>) => boolean,
): Reader<M> | undefined {
  let best: Reader<M> | undefined;
  for (const reader of readers) if ((best === undefined || isFairer(reader, best)) && isDue(reader)) best = reader;
  return best;
}

const isFairer = <M extends Member>(a: Reader<M>, b: Reader<M>): boolean =>
  a.servedAt === b.servedAt ? a.read < b.read : a.servedAt < b.servedAt;
