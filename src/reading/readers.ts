// Over 350 lines: choosing, reading, forking and joining change the same set of readers.
// All reading of the source: which reader is due, one request for all sinks that share it, forks for those that are not ready,
// joins for those that have caught up. At most `maxQueries` at once, fairly; memory bounded by counting.
import type { Clock, EpochMs } from "../platform/clock.ts";
import { printable } from "../platform/printable.ts";
import { dueAt, growWindow, LOOK_BACK, nextWindow, reachFrom, shrinkWindow, type Window } from "../source/window.ts";
import type { Event, ReadFailureReason } from "../status/events.ts";
import { Alarm } from "./alarm.ts";
import type { Position } from "./auditor.ts";
import { Delays } from "./delays.ts";
import { buffered, expected } from "./expected.ts";
import { afterRead } from "./leaps.ts";
import type { ReadingMember, ReadOutcome } from "./member.ts";
import type { Memory } from "./memory/memory.ts";
import { isAhead, setBack, skipTooOld } from "./moves.ts";
import { Outages } from "./outages.ts";
import { fairest, fork, mayJoin, type Query, queryKey, type Reader, tickOf } from "./reader.ts";
import { Turns } from "./turns.ts";

/**
 * Where a member continues. `replay`: windows from there may have been sent before. `windowMs`: how long the first of them is at most.
 * `ends`: ends of windows that were attempted, ascending: they are read again to the same ends.
 */
export type Saved = {
  cursor: EpochMs;
  memory: Memory;
  replay?: boolean;
  windowMs?: number;
  ends?: readonly EpochMs[];
};

export type ReadersSettings = {
  maxQueries: number;
  maxBufferedSamples: number;
};

export type ReadersPorts = {
  clock: Clock;
  dispatch(event: Event): void;
  /** The source's now by its own clock; undefined before its first answer. */
  sourceNow(): EpochMs | undefined;
  /** How far that may be ahead of the source's clock, ms. */
  sourceAheadMs(): number;
  /** Learns the source's clock and kind with a query that costs nothing. */
  probe(signal: AbortSignal): Promise<{ ok: true } | { ok: false; reason: ReadFailureReason; message: string }>;
  readWindow(query: Query, memory: Memory, window: Window, reach: EpochMs, signal: AbortSignal): Promise<ReadOutcome>;
  newMemory(query: Query, floor: EpochMs): Memory;
};

/** A read that does not fit in memory looks again after this, if nothing wakes it before. */
const SHORT_OF_MEMORY_MS = 1_000;

type R = Reader<ReadingMember>;

export class Readers {
  readonly #settings: ReadersSettings;
  readonly #ports: ReadersPorts;
  readonly #readers = new Set<R>();
  readonly #waiting = new Set<{ query: Query; member: ReadingMember; saved?: Saved }>();
  readonly #stop = new AbortController();
  readonly #alarm: Alarm;
  readonly #turns: Turns;
  #served = 0;
  #probing = false;
  readonly #outages = new Outages();
  readonly #delays = new Delays();
  /** By query: monotonic ms before which none of its windows is read, since a read has failed in this tick. */
  readonly #failedUntil = new Map<string, number>();
  #short = false;

  constructor(settings: ReadersSettings, ports: ReadersPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#turns = new Turns(settings.maxQueries);
    this.#alarm = new Alarm(ports.clock, () => this.pump());
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
    this.#spread();
  }

  #spread(): void {
    this.#delays.spreadOver(new Set([...this.#readers].map((reader) => reader.key)));
  }

  /** Ends all reading; a request under way is broken off. */
  stop(): void {
    this.#stop.abort();
    this.#alarm.stop();
    this.#turns.stop();
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
    await this.#turns.wait();
    try {
      if (this.#stop.signal.aborted) return undefined;
      const answer = await ask(this.#stop.signal);
      return this.#stop.signal.aborted ? undefined : answer;
    } finally {
      this.#turns.end();
      this.pump();
    }
  }

  /** Starts whatever is due. Called whenever something changed; cheap. */
  pump(): void {
    if (this.#stop.signal.aborted) return;
    const sourceNow = this.#ports.sourceNow();
    if (sourceNow === undefined) return void this.#firstContact();
    this.#outages.begin(sourceNow);
    this.#place(sourceNow);
    this.#short = false;
    while (this.#turns.free) {
      const now = this.#ports.sourceNow() ?? sourceNow;
      for (const reader of this.#readers)
        if (!reader.busy && isAhead(reader, now))
          setBack(reader, now, now - this.#ports.clock.monotonicMs(), this.#ports.newMemory);
      const reader = fairest([...this.#readers].filter((r) => this.#isDue(r, now)));
      if (reader === undefined) break;
      if (!this.#fits(reader, now)) {
        this.#freeMemory(reader.query.intervalMs);
        this.#short = !this.#fits(reader, now);
        if (this.#short) break;
        continue; // freeing memory changes who reads where
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
        ends: saved?.ends ?? [],
        busy: false,
        notBeforeMs: 0,
        servedAt: 0,
        density: 0,
        expects: 0,
        leaps: [],
      });
    }
    if (this.#waiting.size > 0) this.#spread();
    this.#waiting.clear();
  }

  /** Adds a reader, or hands its members to one that is at the same place with the same memory. */
  #join(reader: R): void {
    for (const other of this.#readers) {
      if (other === reader || !mayJoin(other, reader, other.read - LOOK_BACK * other.query.lateWindowMs)) continue;
      for (const member of reader.members) other.members.add(member);
      other.ends = [...other.ends, ...reader.ends].sort((a, b) => a - b);
      this.#readers.delete(reader);
      return;
    }
    this.#readers.add(reader);
  }

  /** Where the next read of `reader` begins to look for late samples. */
  #reach(reader: R, window: Window): EpochMs {
    const sourceNow = this.#ports.sourceNow() ?? 0;
    const { lateWindowMs, intervalMs } = reader.query;
    const outage = this.#outages.earliest(sourceNow, lateWindowMs);
    const lateness = this.#outages.latenessMs(sourceNow, LOOK_BACK * lateWindowMs + 2 * intervalMs);
    return reachFrom(
      window,
      reader.reachedAt,
      reader.query,
      reader.memory.taken.density(),
      lateness === 0 ? outage : Math.min(window.from, outage ?? window.from) - lateness,
    );
  }

  // -- what is due

  #window(reader: R, sourceNow: EpochMs, probing: boolean): Window | undefined {
    const { intervalMs } = reader.query;
    const window = nextWindow({
      read: reader.read,
      sourceNow,
      delayMs: this.#delays.of(reader.query),
      intervalMs,
      maxWindowMs: probing ? intervalMs : reader.windowMs,
    });
    const end = reader.ends.find((e) => e > reader.read);
    return window === undefined || end === undefined || end >= window.to ? window : { from: window.from, to: end };
  }

  #isDue(reader: R, sourceNow: EpochMs): boolean {
    if (reader.busy || this.#ports.clock.monotonicMs() < this.#notBefore(reader)) return false;
    return this.#window(reader, sourceNow, false) !== undefined && [...reader.members].some((m) => m.ready());
  }

  /** Monotonic ms from which the next window may be read for a member; -Infinity while one is being read. */
  nextRead(member: ReadingMember): number {
    for (const waiting of this.#waiting) if (waiting.member === member) return Number.NEGATIVE_INFINITY;
    for (const reader of this.#readers)
      if (reader.members.has(member))
        return reader.busy ? Number.NEGATIVE_INFINITY : this.#nextRead(reader, this.#ports.sourceNow() ?? 0);
    return Number.POSITIVE_INFINITY;
  }

  #nextRead(reader: R, sourceNow: EpochMs): number {
    const inMs = dueAt(reader.read, reader.query.intervalMs) + this.#delays.of(reader.query) - sourceNow;
    return Math.max(this.#ports.clock.monotonicMs() + inMs, this.#notBefore(reader));
  }

  #notBefore(reader: R): number {
    return Math.max(reader.notBeforeMs, this.#failedUntil.get(reader.key) ?? 0);
  }

  /** Does what the next window is expected to bring fit beside what is in memory? An empty memory takes any. */
  #fits(reader: R, sourceNow: EpochMs): boolean {
    const inMemory = buffered(this.#readers);
    const more = expected(reader, this.#window(reader, sourceNow, false));
    return inMemory === 0 || inMemory + more <= this.#settings.maxBufferedSamples;
  }

  /** A sink that cannot send keeps no memory that others need: it reads again later. */
  #freeMemory(patienceMs: number): void {
    const members = new Set([...this.#readers].flatMap((r) => [...r.members]));
    for (const member of members) member.freeMemory(patienceMs);
  }

  #sleepUntilDue(sourceNow: EpochMs): void {
    const mono = this.#ports.clock.monotonicMs();
    let at = this.#short ? mono + SHORT_OF_MEMORY_MS : Number.POSITIVE_INFINITY;
    for (const reader of this.#readers) {
      if (reader.busy) continue;
      const next = this.#nextRead(reader, sourceNow);
      if (next > mono) at = Math.min(at, next);
    }
    this.#alarm.setTo(at);
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
    skipTooOld(reader, sourceNow, this.#delays.of(reader.query), this.#ports.newMemory);
    const probing = [...reader.members].every((m) => !m.ready() || m.probing());
    const window = this.#window(reader, sourceNow, probing);
    if (window === undefined) return;
    const left = fork(reader, new Set([...reader.members].filter((m) => m.ready())));
    if (left !== undefined) this.#readers.add(left);
    reader.busy = true;
    reader.expects = expected(reader, window);
    reader.servedAt = ++this.#served;
    this.#turns.take();
    void this.#read(reader, window, tickOf(reader.query, this.#delays.of(reader.query), sourceNow));
  }

  async #read(reader: R, window: Window, tick: number): Promise<void> {
    const { clock } = this.#ports;
    const startedMs = clock.monotonicMs();
    const reach = this.#reach(reader, window);
    const outcome = await this.#ports
      .readWindow(reader.query, reader.memory, window, reach, this.#stop.signal)
      .catch(bugOf);
    reader.busy = false;
    this.#turns.end();
    if (this.#stop.signal.aborted) return;
    if (outcome.ok) {
      if (reach <= window.from - reader.query.lateWindowMs) reader.reachedAt = window.from;
      this.#arrived(reader, window, outcome, clock.monotonicMs() - startedMs, tick);
    } else this.#failed(reader, outcome, tick);
    this.pump();
  }

  #arrived(
    reader: R,
    window: Window,
    read: Extract<ReadOutcome, { ok: true }>,
    durationMs: number,
    tick: number,
  ): void {
    const { frame, late, memory } = read;
    const { query } = reader;
    const sourceNow = this.#ports.sourceNow() ?? window.to;
    this.#outages.answered(sourceNow);
    this.#outages.ahead(sourceNow, this.#ports.sourceAheadMs());
    const live =
      window.to - window.from === query.intervalMs &&
      window.to === tick * query.intervalMs &&
      this.#outages.earliest(sourceNow, 0) === undefined;
    this.#delays.learn(query, window, read.fresh === undefined ? [frame] : [frame, read.fresh], live);
    this.#failedUntil.delete(reader.key);
    const before = reader.memory;
    const offset = sourceNow - this.#ports.clock.monotonicMs();
    reader.leaps = afterRead(reader.leaps, { from: window.from, offset });
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
        ...(query.kind === "raw" ? { settleMs: this.#delays.settleOf(query) } : {}),
      });
    });
    for (const other of this.#readers) {
      if (other.key === reader.key && other !== reader)
        for (const member of [...other.members]) member.othersAt(reader.read);
    }
    if (this.#readers.has(reader)) this.#join(reader);
  }

  #failed(reader: R, failure: Extract<ReadOutcome, { ok: false }>, tick: number): void {
    const sourceNow = this.#ports.sourceNow() ?? 0;
    const { intervalMs } = reader.query;
    if (failure.shrink) reader.windowMs = shrinkWindow(reader.windowMs, intervalMs);
    if (failure.reason === "SourceUnavailable" && !failure.oversized) this.#outages.failed(sourceNow);
    // Not again within the same tick, nor right after it: however the source's clock moves meanwhile, and whoever else wants the same.
    const delayMs = this.#delays.of(reader.query);
    const next = Math.max(tick, tickOf(reader.query, delayMs, sourceNow)) + 1;
    const untilNextMs = next * intervalMs + delayMs - sourceNow;
    const waitMs = Math.min(untilNextMs < intervalMs / 2 ? untilNextMs + intervalMs : untilNextMs, 2 * intervalMs);
    reader.notBeforeMs = this.#ports.clock.monotonicMs() + waitMs;
    for (const other of this.#readers)
      if (other.key === reader.key && other.read === reader.read) other.notBeforeMs = reader.notBeforeMs;
    const mono = this.#ports.clock.monotonicMs();
    for (const [key, until] of this.#failedUntil) if (until <= mono) this.#failedUntil.delete(key);
    if (!failure.shrink) this.#failedUntil.set(reader.key, reader.notBeforeMs);
    for (const member of reader.members) member.failed(failure.reason, failure.message);
  }
}

/** What nobody expected to be thrown by a read is a read that failed: the other queries continue, and this one is retried. */
const bugOf = (error: unknown): Extract<ReadOutcome, { ok: false }> => ({
  ok: false,
  reason: "QueryFailed",
  shrink: false,
  message: printable(
    `A bug in outflow: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    600,
  ),
});
