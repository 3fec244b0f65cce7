// All reading of the source: which reader is due, one request for all sinks that share it, forks for those that are not ready,
// joins for those that have caught up. At most `maxQueries` at once, fairly; memory bounded by counting.
import type { Clock, EpochMs } from "../platform/clock.ts";
import { printable } from "../platform/printable.ts";
import type { Frame } from "../series/frame.ts";
import {
  dueAt,
  gridCeil,
  growWindow,
  LOOK_BACK,
  nextWindow,
  offsetInInterval,
  reachFrom,
  shrinkWindow,
} from "../source/window.ts";
import type { Event, ReadFailureReason } from "../status/events.ts";
import type { Position } from "./auditor.ts";
import type { Memory } from "./memory.ts";
import { fairest, fork, type Member, mayJoin, type Query, queryKey, type Reader } from "./reader.ts";

export type Window = { from: EpochMs; to: EpochMs };

/** A window that reached a member. */
export type Arrival = Window & {
  frame: Frame;
  /** Samples that became visible after newer ones of their series were taken. */
  late?: Frame;
  /** The reader's memory at `from` and at `to`: what reading on from there needs to know. */
  before: Memory;
  memory: Memory;
  bytes: number;
  durationMs: number;
  /** More than one member has this frame. */
  shared: boolean;
  sourceNow: EpochMs;
};

export type ReadOutcome =
  | { ok: true; frame: Frame; late?: Frame; memory: Memory }
  | { ok: false; reason: ReadFailureReason; message: string; shrink: boolean; oversized?: true };

/** A source of a sink, as the readers see it. */
export type ReadingMember = Member & {
  /** May the next window be read for it? A failing, paused or slow sink reads nothing. */
  ready(): boolean;
  /** It is failing and one small window may be read to try the sink with. */
  probing(): boolean;
  take(arrival: Arrival): void;
  failed(reason: ReadFailureReason, message: string): void;
  skipped(window: Window, why: string): void;
  /** The source's clock is behind the cursor: start again at `to`. */
  setBack(to: EpochMs): void;
  /** The others have read to here: let go of older shared frames. */
  othersAt(read: EpochMs): void;
  /** Memory is short: what it could not send for `patienceMs`, or cannot send now, is to be let go of. */
  freeMemory(patienceMs: number): void;
  frames(): Iterable<Frame>;
};

/** Where a member goes on. `replay`: windows from there may have been sent before. `windowMs`: how long the first of them is at most. */
export type Saved = { cursor: EpochMs; memory: Memory; replay?: boolean; windowMs?: number };

export type ReadersSettings = {
  maxQueries: number;
  maxBufferedSamples: number;
};

export type ReadersPorts = {
  clock: Clock;
  dispatch(event: Event): void;
  /** The source's now by its own clock; undefined before its first answer. */
  sourceNow(): EpochMs | undefined;
  /** Learns the source's clock and kind with a query that costs nothing. */
  probe(signal: AbortSignal): Promise<{ ok: true } | { ok: false; reason: ReadFailureReason; message: string }>;
  readWindow(query: Query, memory: Memory, window: Window, reach: EpochMs, signal: AbortSignal): Promise<ReadOutcome>;
  newMemory(query: Query, floor: EpochMs): Memory;
};

/** For this long after an outage of the source reads reach back to before it: producers deliver what they buffered. */
const OUTAGE_REACH_MS = 300_000;
/** A read that does not fit in memory looks again after this, if nothing wakes it before. */
const SHORT_OF_MEMORY_MS = 1_000;

/** Where the source's clock leaps ahead by more than this is remembered. */
const LEAP_MS = 10_000;
const MAX_LEAPS = 100;

type R = Reader<ReadingMember>;

export class Readers {
  readonly #settings: ReadersSettings;
  readonly #ports: ReadersPorts;
  readonly #readers = new Set<R>();
  readonly #waiting = new Set<{ query: Query; member: ReadingMember; saved?: Saved }>();
  readonly #stop = new AbortController();
  #wake: { at: number; timer: AbortController } | undefined;
  readonly #delays = new WeakMap<Query, number>();
  #active = 0;
  /** Queries beside the windows that wait for their turn. */
  readonly #asides: (() => void)[] = [];
  #served = 0;
  #probing = false;
  /**
   * When the source was away as a whole: from its last answer to whatever query to the next one. One query that fails while others
   * are answered is no outage: it must not make the reads of the others longer and longer.
   */
  #outages: { from: EpochMs; to: EpochMs }[] = [];
  #answeredAt: EpochMs | undefined;
  #awaySince: EpochMs | undefined;
  #short = false;

  constructor(settings: ReadersSettings, ports: ReadersPorts) {
    this.#settings = settings;
    this.#ports = ports;
  }

  /** From now on windows of `query` reach the member: from its saved cursor, else from the start the user chose. */
  attach(query: Query, member: ReadingMember, saved?: Saved): void {
    this.#waiting.add({ query, member, ...(saved ? { saved } : {}) });
    this.pump();
  }

  detach(member: ReadingMember): void {
    for (const w of this.#waiting) if (w.member === member) this.#waiting.delete(w);
    for (const reader of this.#readers) {
      reader.members.delete(member);
      if (reader.members.size === 0) this.#readers.delete(reader);
    }
  }

  /** Ends all reading; a request under way is broken off. */
  stop(): void {
    this.#stop.abort();
    this.#wake?.timer.abort();
    for (const turn of this.#asides.splice(0)) turn();
  }

  /** Where all readers are, for the audit: sources that are read raw. */
  positions(): Position[] {
    return [...this.#readers]
      .filter(({ query }) => query.kind === "raw")
      .map(({ query, read, memory, members }) => ({
        query,
        read,
        auditCounts: memory.auditCounts,
        members: [...members],
      }));
  }

  /** A query beside the windows, within the same bound; undefined once reading has ended. */
  async aside<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    if (this.#stop.signal.aborted) return undefined;
    if (this.#active < this.#settings.maxQueries) this.#active++;
    else await new Promise<void>((turn) => this.#asides.push(turn));
    try {
      if (this.#stop.signal.aborted) return undefined;
      const answer = await ask(this.#stop.signal);
      return this.#stop.signal.aborted ? undefined : answer;
    } finally {
      this.#endTurn();
      this.pump();
    }
  }

  /** A query has ended: its place goes to the query beside the windows that has waited longest, if there is one. */
  #endTurn(): void {
    const next = this.#asides.shift();
    if (next === undefined) this.#active--;
    else next();
  }

  /** Starts whatever is due. Called whenever something changed; cheap. */
  pump(): void {
    if (this.#stop.signal.aborted) return;
    const sourceNow = this.#ports.sourceNow();
    if (sourceNow === undefined) return void this.#firstContact();
    this.#answeredAt ??= sourceNow;
    this.#place(sourceNow);
    this.#short = false;
    while (this.#active < this.#settings.maxQueries) {
      const now = this.#ports.sourceNow() ?? sourceNow;
      const reader = fairest([...this.#readers].filter((r) => this.#isDue(r, now)));
      if (reader === undefined) break;
      if (!this.#fits(reader, now)) {
        this.#freeMemory(reader.query.intervalMs);
        this.#short = !this.#fits(reader, now);
        if (this.#short) break;
        continue; // making room changes who reads where
      }
      this.#start(reader, now);
    }
    this.#sleepUntilDue(this.#ports.sourceNow() ?? sourceNow);
  }

  // -- who reads where

  #place(sourceNow: EpochMs): void {
    for (const { query, member, saved } of this.#waiting) {
      const read = saved?.cursor ?? Math.max(0, sourceNow - query.delayMs - query.startBackMs);
      if (saved === undefined) member.setBack(read);
      this.#join({
        query,
        key: queryKey(query),
        read,
        memory: saved?.memory ?? this.#ports.newMemory(query, read),
        reachedAt: 0,
        members: new Set([member]),
        // As before the kill, so that what was sent and what was not stay apart.
        windowMs: saved?.windowMs ?? (saved?.replay ? query.intervalMs : query.maxWindowMs),
        busy: false,
        notBeforeMs: 0,
        servedAt: 0,
        density: 0,
        expects: 0,
        leaps: [],
      });
    }
    this.#waiting.clear();
  }

  /** Adds a reader, or hands its members to one that is at the same place with the same memory. */
  #join(reader: R): void {
    for (const other of this.#readers) {
      if (other === reader || !mayJoin(other, reader, other.read - LOOK_BACK * other.query.lateWindowMs)) continue;
      for (const member of reader.members) other.members.add(member);
      this.#readers.delete(reader);
      return;
    }
    this.#readers.add(reader);
  }

  /** Where the next read of `reader` begins to look for late samples. */
  #reach(reader: R, window: Window): EpochMs {
    const sourceNow = this.#ports.sourceNow() ?? 0;
    const away = [...this.#outages];
    if (this.#awaySince !== undefined) away.push({ from: this.#awaySince, to: sourceNow });
    const begins = away
      .filter(({ from, to }) => to - from > reader.query.lateWindowMs && sourceNow < to + OUTAGE_REACH_MS)
      .map(({ from }) => from);
    return reachFrom(
      window,
      reader.reachedAt,
      reader.query,
      reader.memory.taken.density(),
      begins.length === 0 ? undefined : Math.min(...begins),
    );
  }

  #answered(sourceNow: EpochMs): void {
    this.#outages = this.#outages.filter(({ to }) => sourceNow < to + OUTAGE_REACH_MS);
    if (this.#awaySince !== undefined) this.#outages.push({ from: this.#awaySince, to: sourceNow });
    this.#awaySince = undefined;
    this.#answeredAt = sourceNow;
  }

  // -- what is due

  #delay(reader: R): number {
    const known = this.#delays.get(reader.query);
    if (known !== undefined) return known;
    const { sent, intervalMs, delayMs } = reader.query;
    const delay = delayMs + offsetInInterval(sent, intervalMs);
    this.#delays.set(reader.query, delay);
    return delay;
  }

  #window(reader: R, sourceNow: EpochMs, probing: boolean): Window | undefined {
    const { intervalMs } = reader.query;
    return nextWindow({
      read: reader.read,
      sourceNow,
      delayMs: this.#delay(reader),
      intervalMs,
      maxWindowMs: probing ? intervalMs : reader.windowMs,
    });
  }

  #isDue(reader: R, sourceNow: EpochMs): boolean {
    if (reader.busy || this.#ports.clock.monotonicMs() < reader.notBeforeMs) return false;
    this.#mendClock(reader, sourceNow);
    return this.#window(reader, sourceNow, false) !== undefined && [...reader.members].some((m) => m.ready());
  }

  /** A cursor ahead of the source's now by more than an interval: the source's clock was set back, or ours was trusted once. */
  #mendClock(reader: R, sourceNow: EpochMs): void {
    if (reader.read <= sourceNow + reader.query.intervalMs) return;
    // Where the clock had leapt ahead and is right again, what was read since had not come yet: it is read again.
    const offset = sourceNow - this.#ports.clock.monotonicMs();
    const leap = reader.leaps.findIndex((l) => l.offset > offset + LEAP_MS);
    const leaptAt = leap > 0 ? reader.leaps[leap]!.from : Number.POSITIVE_INFINITY;
    if (leap >= 0) reader.leaps = reader.leaps.slice(0, leap);
    // What comes late of before is not in the new memory: it begins a late window earlier, and sends that much again.
    const to = Math.min(sourceNow - reader.query.delayMs, leaptAt) - reader.query.lateWindowMs;
    reader.read = to;
    reader.memory = this.#ports.newMemory(reader.query, to);
    for (const member of reader.members) member.setBack(to);
  }

  /** Does what the next window is expected to bring fit beside what is in memory? An empty memory takes any. */
  #fits(reader: R, sourceNow: EpochMs): boolean {
    const frames = new Set<Frame>();
    for (const r of this.#readers)
      for (const member of r.members) for (const frame of member.frames()) frames.add(frame);
    let buffered = 0;
    for (const frame of frames) buffered += frame.samples;
    for (const r of this.#readers) if (r.busy) buffered += r.expects;
    const window = this.#window(reader, sourceNow, false);
    reader.expects = window === undefined ? 0 : reader.density * (window.to - window.from);
    return buffered === 0 || buffered + reader.expects <= this.#settings.maxBufferedSamples;
  }

  /** A sink that cannot send keeps no memory that others need: it reads again later. */
  #freeMemory(patienceMs: number): void {
    const members = new Set([...this.#readers].flatMap((r) => [...r.members]));
    for (const member of members) member.freeMemory(patienceMs);
  }

  #sleepUntilDue(sourceNow: EpochMs): void {
    const mono = this.#ports.clock.monotonicMs();
    let ms = this.#short ? SHORT_OF_MEMORY_MS : Number.POSITIVE_INFINITY;
    for (const reader of this.#readers) {
      if (reader.busy) continue;
      const inMs = Math.max(
        dueAt(reader.read, reader.query.intervalMs) + this.#delay(reader) - sourceNow,
        reader.notBeforeMs - mono,
      );
      if (inMs > 0) ms = Math.min(ms, inMs);
    }
    this.#wakeAt(mono + ms);
  }

  /** A timer that goes off within the same millisecond stays: pump() is called at each answer of each sink. */
  #wakeAt(at: number): void {
    if (this.#wake !== undefined && Math.abs(this.#wake.at - at) < 1) return;
    this.#wake?.timer.abort();
    this.#wake = undefined;
    if (at === Number.POSITIVE_INFINITY) return;
    const timer = new AbortController();
    const wake = { at, timer };
    this.#wake = wake;
    void this.#ports.clock.sleep(Math.ceil(at - this.#ports.clock.monotonicMs()), timer.signal).then((elapsed) => {
      if (this.#wake === wake) this.#wake = undefined;
      if (elapsed) this.pump();
    });
  }

  // -- reading

  #firstContact(): void {
    if (this.#probing || this.#waiting.size === 0) return;
    this.#probing = true;
    const interval = Math.min(...[...this.#waiting].map((w) => w.query.intervalMs));
    const answered = this.#ports.probe(this.#stop.signal).catch(bugOf);
    void answered.then(async (answer) => {
      if (!answer.ok) {
        for (const { member } of this.#waiting) member.failed(answer.reason, answer.message);
        await this.#ports.clock.sleep(interval, this.#stop.signal);
      }
      this.#probing = false;
      this.pump();
    });
  }

  #start(reader: R, sourceNow: EpochMs): void {
    this.#skipTooOld(reader, sourceNow);
    const probing = [...reader.members].every((m) => !m.ready() || m.probing());
    const window = this.#window(reader, sourceNow, probing);
    if (window === undefined) return;
    const left = fork(reader, new Set([...reader.members].filter((m) => m.ready())));
    if (left !== undefined) this.#readers.add(left);
    reader.busy = true;
    reader.servedAt = ++this.#served;
    this.#active++;
    void this.#read(reader, window);
  }

  /** Unread time that is too old is skipped, and counted; what was read is never given up. */
  #skipTooOld(reader: R, sourceNow: EpochMs): void {
    const { intervalMs, maxBackfillMs } = reader.query;
    // What a live read takes is never too old, whatever the user chose.
    const backMs = Math.max(maxBackfillMs, this.#delay(reader) + 2 * intervalMs);
    const oldest = gridCeil(sourceNow - backMs, intervalMs);
    if (reader.read >= oldest) return;
    const window = { from: reader.read, to: oldest };
    reader.read = oldest;
    reader.memory = this.#ports.newMemory(reader.query, oldest);
    for (const member of reader.members) member.skipped(window, "older than --max-backfill");
  }

  async #read(reader: R, window: Window): Promise<void> {
    const { clock } = this.#ports;
    const startedMs = clock.monotonicMs();
    const reach = this.#reach(reader, window);
    const outcome = await this.#ports
      .readWindow(reader.query, reader.memory, window, reach, this.#stop.signal)
      .catch(bugOf);
    reader.busy = false;
    this.#endTurn();
    if (this.#stop.signal.aborted) return;
    if (outcome.ok) {
      if (reach <= window.from - reader.query.lateWindowMs) reader.reachedAt = window.from;
      this.#arrived(reader, window, outcome, clock.monotonicMs() - startedMs);
    } else this.#failed(reader, outcome);
    this.pump();
  }

  #arrived(reader: R, window: Window, read: Extract<ReadOutcome, { ok: true }>, durationMs: number): void {
    const { frame, late, memory } = read;
    const sourceNow = this.#ports.sourceNow() ?? window.to;
    this.#answered(sourceNow);
    const before = reader.memory;
    const offset = sourceNow - this.#ports.clock.monotonicMs();
    if (offset > (reader.leaps.at(-1)?.offset ?? Number.NEGATIVE_INFINITY) + LEAP_MS)
      reader.leaps = [...reader.leaps, { from: window.from, offset }].slice(-MAX_LEAPS);
    reader.read = window.to;
    reader.memory = memory;
    reader.windowMs = growWindow(reader.windowMs, reader.query.maxWindowMs);
    reader.density = (frame.samples + (late?.samples ?? 0)) / (window.to - window.from);
    const members = [...reader.members];
    members.forEach((member, i) => {
      member.take({
        ...window,
        frame,
        ...(late === undefined ? {} : { late }),
        before,
        memory,
        bytes: i === 0 ? frame.bytes : 0,
        durationMs,
        shared: members.length > 1,
        sourceNow,
      });
    });
    for (const other of this.#readers) {
      if (other.key === reader.key && other !== reader)
        for (const member of [...other.members]) member.othersAt(reader.read);
    }
    if (this.#readers.has(reader)) this.#join(reader);
  }

  #failed(reader: R, failure: Extract<ReadOutcome, { ok: false }>): void {
    const sourceNow = this.#ports.sourceNow() ?? 0;
    const { intervalMs } = reader.query;
    if (failure.shrink) reader.windowMs = shrinkWindow(reader.windowMs, intervalMs);
    if (failure.reason === "SourceUnavailable" && !failure.oversized) this.#awaySince ??= this.#answeredAt ?? sourceNow;
    // The next tick, on the grid; never at once.
    const sinceTick = (((sourceNow - this.#delay(reader)) % intervalMs) + intervalMs) % intervalMs;
    reader.notBeforeMs = this.#ports.clock.monotonicMs() + (intervalMs - sinceTick);
    for (const member of reader.members) member.failed(failure.reason, failure.message);
  }
}

/** What nobody expected to be thrown by a read is a read that failed: the other queries go on, and this one is tried again. */
const bugOf = (error: unknown): Extract<ReadOutcome, { ok: false }> => ({
  ok: false,
  reason: "QueryFailed",
  shrink: false,
  message: printable(
    `A bug in outflow: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    600,
  ),
});
