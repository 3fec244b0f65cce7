// All reading of the source: one request for all sinks that share a reader, at most `maxQueries` at once, fairly; memory bounded by
// counting. What is read goes to the subscribers as news; whatever they ask for meanwhile is done after that: nothing calls back into
// the middle of a step.
import type { Clock, EpochMs } from "../platform/clock.ts";
import { printable } from "../platform/printable.ts";
import { growWindow, shrinkWindow, type Window } from "../source/window.ts";
import type { ReadFailureReason } from "../status/events.ts";
import { Alarm } from "./alarm.ts";
import type { Position } from "./auditor.ts";
import { Buffered } from "./buffered.ts";
import { buffered, expected } from "./expected.ts";
import { afterRead } from "./leaps.ts";
import type { Memory } from "./memory/memory.ts";
import { isAhead, setBack, skipTooOld } from "./moves.ts";
import { Outages } from "./outages.ts";
import { fairest, type Query, queryKey, type Reader } from "./reader.ts";
import { ReaderSet } from "./reader-set.ts";
import { type Moment, Schedule } from "./schedule.ts";
import type { News, ReadOutcome, StartAt, Subscriber, Subscription } from "./subscription.ts";
import { Turns } from "./turns.ts";

export type ReadersSettings = {
  maxQueries: number;
  maxBufferedSamples: number;
};

export type ReadersPorts = {
  clock: Clock;
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

type R = Reader<Subscriber>;
type Waiting = { query: Query; subscriber: Subscriber; startAt: StartAt | undefined };

const takes = (subscriber: Subscriber): boolean => subscriber.demand !== "none";

export class Readers {
  readonly #ports: ReadersPorts;
  readonly #readers = new ReaderSet();
  /** Subscribed before the source's now was known, or since the last step. */
  readonly #waiting = new Map<Subscriber, Waiting>();
  readonly #schedule: Schedule;
  readonly #stop = new AbortController();
  readonly #alarm: Alarm;
  readonly #turns: Turns;
  readonly #outages = new Outages();
  readonly #buffered: Buffered;
  #served = 0;
  #probing = false;
  #short = false;
  /** A window is due and was not read: its subscribers did not take it, memory was short, or all turns were taken. */
  #stuck = false;
  /** A step is being done, and something was asked for meanwhile. */
  #stepping = false;
  #again = false;

  constructor(settings: ReadersSettings, ports: ReadersPorts) {
    this.#buffered = new Buffered(settings.maxBufferedSamples);
    this.#ports = ports;
    this.#schedule = new Schedule(ports.clock);
    this.#turns = new Turns(settings.maxQueries);
    this.#alarm = new Alarm(ports.clock, () => this.#wake());
  }

  /** Windows of `query` reach the subscriber from where it was, else from the start the user chose; none before the first wake(). */
  subscribe(query: Query, subscriber: Subscriber, startAt?: StartAt): Subscription {
    this.#waiting.set(subscriber, { query, subscriber, startAt });
    return {
      nextReadMs: () => this.#nextReadMs(subscriber),
      // It is called at each response of each sink: what is not due by the clocks is not due for that.
      wake: () => (this.#stuck || this.#stepping || this.#waiting.size > 0) && this.#wake(),
      cancel: () => {
        this.#waiting.delete(subscriber);
        this.#readers.remove(subscriber);
        this.#schedule.delays.spreadOver(this.#readers.keys);
      },
    };
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
      this.#wake();
    }
  }

  /** Starts whatever is due. Called whenever something has changed; cheap. */
  #wake(): void {
    if (this.#stepping) this.#again = true;
    else this.#doStep(() => {});
  }

  /** Does one thing, then starts whatever is due. */
  #doStep(act: () => void): void {
    this.#stepping = true;
    try {
      act();
      do {
        this.#again = false;
        this.#startDue();
      } while (this.#again);
    } finally {
      this.#stepping = false;
    }
  }

  #startDue(): void {
    if (this.#stop.signal.aborted) return;
    const sourceNow = this.#ports.sourceNow();
    if (sourceNow === undefined) return void this.#firstContact();
    this.#outages.begin(sourceNow);
    this.#short = false;
    let at = this.#moment(sourceNow);
    for (; ; at = this.#moment(sourceNow)) {
      const now = at.sourceNow;
      this.#admit(now);
      if (!this.#turns.free) break;
      for (const reader of this.#readers)
        if (!reader.busy && isAhead(reader, now)) setBack(reader, now, now - at.monoMs, this.#ports.newMemory);
      const reader = fairest(this.#readers, (r) => this.#schedule.isDue(r, at) && [...r.members].some(takes));
      if (reader === undefined) break;
      if (!this.#buffered.fits(this.#countFor(reader, now))) {
        const pressure = { kind: "memory", patienceMs: reader.query.intervalMs } as const;
        for (const subscriber of this.#readers.subscribers()) subscriber.release(pressure);
        this.#admit(now); // what was released is read again by a reader of its own
        this.#short = !this.#buffered.fits(this.#countFor(reader, now));
        if (this.#short) break;
        continue;
      }
      this.#start(reader, at);
    }
    this.#stuck = this.#short || [...this.#readers].some((reader) => this.#schedule.isDue(reader, at));
    this.#sleepUntilDue(at);
  }

  #moment(sourceNow: EpochMs): Moment {
    return { sourceNow: this.#ports.sourceNow() ?? sourceNow, monoMs: this.#ports.clock.monotonicMs() };
  }

  /** Those that wait get their reader, now that the source's now is known. */
  #admit(sourceNow: EpochMs): void {
    if (this.#waiting.size === 0) return;
    for (const { query, subscriber, startAt } of this.#waiting.values()) {
      const read = startAt?.cursor ?? Math.max(0, sourceNow - query.delayMs - query.startBackMs);
      if (startAt === undefined) subscriber.receive({ kind: "set-back", to: read });
      if (!this.#waiting.has(subscriber)) continue; // that ended it
      const reader: R = {
        query,
        key: queryKey(query),
        read,
        memory: startAt?.memory ?? this.#ports.newMemory(query, read),
        reachedAt: 0,
        members: new Set([subscriber]),
        // As before the kill, so that what was sent and what was not stay apart.
        windowMs: startAt?.windowMs ?? (startAt?.replay ? query.intervalMs : query.maxWindowMs),
        ends: startAt?.ends ?? [],
        busy: false,
        notBeforeMs: 0,
        servedAt: 0,
        density: 0,
        expects: 0,
        leaps: [],
      };
      this.#readers.put(reader, (other) => this.#outages.farthest(other, sourceNow));
    }
    this.#schedule.delays.spreadOver(this.#readers.keys);
    this.#waiting.clear();
  }

  #nextReadMs(subscriber: Subscriber): number {
    if (this.#waiting.has(subscriber)) return Number.NEGATIVE_INFINITY;
    const reader = this.#readers.of(subscriber);
    if (reader === undefined) return Number.POSITIVE_INFINITY;
    return reader.busy ? Number.NEGATIVE_INFINITY : this.#schedule.nextReadMs(reader, this.#moment(0));
  }

  /** What the next window is expected to bring; memory was counted where that may not fit. */
  #countFor(reader: R, sourceNow: EpochMs): number {
    const more = expected(reader, this.#schedule.window(reader, sourceNow));
    this.#buffered.countFor(more, () => buffered(this.#readers));
    return more;
  }

  #sleepUntilDue(moment: Moment): void {
    const { monoMs } = moment;
    let at = this.#short ? monoMs + SHORT_OF_MEMORY_MS : Number.POSITIVE_INFINITY;
    for (const reader of this.#readers) {
      if (reader.busy) continue;
      const next = this.#schedule.nextReadMs(reader, moment);
      if (next > monoMs) at = Math.min(at, next);
    }
    this.#alarm.setTo(at);
  }

  #firstContact(): void {
    if (this.#probing || this.#waiting.size === 0) return;
    this.#probing = true;
    const interval = Math.min(...[...this.#waiting.values()].map((w) => w.query.intervalMs));
    const answered = this.#ports.probe(this.#stop.signal).catch(bugOf);
    void answered.then(async (answer) => {
      if (!answer.ok) {
        const { reason, message } = answer;
        for (const subscriber of [...this.#waiting.keys()]) subscriber.receive({ kind: "failed", reason, message });
        await this.#ports.clock.sleep(interval, this.#stop.signal);
      }
      this.#probing = false;
      this.#wake();
    });
  }

  #start(reader: R, { sourceNow, monoMs }: Moment): void {
    skipTooOld(reader, sourceNow, this.#schedule.delays.of(reader.query), this.#ports.newMemory);
    const small = [...reader.members].every(({ demand }) => demand !== "any");
    const window = this.#schedule.window(reader, sourceNow, small);
    if (window === undefined) return;
    this.#readers.splitOff(reader, takes);
    reader.busy = true;
    reader.expects = expected(reader, window);
    this.#buffered.started(reader.expects);
    reader.servedAt = ++this.#served;
    this.#turns.take();
    void this.#read(reader, window, this.#schedule.tick(reader, sourceNow), sourceNow - monoMs);
  }

  /** `offset`: of the source's clock by which the window was chosen. The response may show that it was wrong. */
  async #read(reader: R, window: Window, tick: number, offset: number): Promise<void> {
    const { clock } = this.#ports;
    const startedMs = clock.monotonicMs();
    const reach = this.#outages.reach(reader, window, this.#ports.sourceNow() ?? 0);
    const outcome = await this.#ports
      .readWindow(reader.query, reader.memory, window, reach, this.#stop.signal)
      .catch(bugOf);
    reader.busy = false;
    this.#buffered.ended(reader.expects, outcome.ok ? outcome.frame.samples + (outcome.late?.samples ?? 0) : 0);
    this.#turns.end();
    if (this.#stop.signal.aborted) return;
    this.#doStep(() => {
      if (outcome.ok) {
        if (reach <= window.from - reader.query.lateWindowMs) reader.reachedAt = window.from;
        this.#arrived(reader, window, outcome, { tookMs: clock.monotonicMs() - startedMs, offset }, tick);
      } else this.#failed(reader, outcome, tick);
    });
  }

  #arrived(
    reader: R,
    window: Window,
    read: Extract<ReadOutcome, { ok: true }>,
    { tookMs, offset }: { tookMs: number; offset: number },
    tick: number,
  ): void {
    const { frame, late, memory } = read;
    const { query } = reader;
    const { delays } = this.#schedule;
    const sourceNow = this.#ports.sourceNow() ?? window.to;
    this.#outages.answered(sourceNow);
    this.#outages.ahead(sourceNow, this.#ports.sourceAheadMs());
    const live =
      window.to - window.from === query.intervalMs &&
      window.to === tick * query.intervalMs &&
      this.#outages.earliest(sourceNow, 0) === undefined;
    delays.learn(query, window, read.fresh === undefined ? [frame] : [frame, read.fresh], live);
    this.#schedule.answered(reader);
    const before = reader.memory;
    const offsetNow = sourceNow - this.#ports.clock.monotonicMs();
    reader.leaps = afterRead(reader.leaps, { from: window.from, offset: Math.max(offset, offsetNow) });
    reader.read = window.to;
    reader.memory = memory;
    reader.windowMs = growWindow(reader.windowMs, query.maxWindowMs);
    reader.density = (frame.samples + (late?.samples ?? 0)) / (window.to - window.from);
    const subscribers = [...reader.members];
    const news: News & { kind: "window" } = {
      kind: "window",
      ...window,
      frame,
      ...(late === undefined ? {} : { late }),
      before,
      memory,
      bytes: frame.bytes,
      durationMs: tookMs,
      shared: subscribers.length > 1,
      sourceNow,
      ...(query.kind === "raw" ? { settleMs: delays.settleOf(query) } : {}),
    };
    // The response is counted once.
    for (const [i, subscriber] of subscribers.entries()) subscriber.receive(i === 0 ? news : { ...news, bytes: 0 });
    for (const other of [...this.#readers])
      if (other.key === reader.key && other !== reader)
        for (const subscriber of [...other.members]) subscriber.release({ kind: "others-ahead", to: reader.read });
    this.#readers.moved(reader, (other) => this.#outages.farthest(other, sourceNow));
  }

  #failed(reader: R, failure: Extract<ReadOutcome, { ok: false }>, tick: number): void {
    const sourceNow = this.#ports.sourceNow() ?? 0;
    const { reason, message } = failure;
    if (failure.shrink) reader.windowMs = shrinkWindow(reader.windowMs, reader.query.intervalMs);
    if (reason === "SourceUnavailable" && !failure.oversized) this.#outages.failed(sourceNow);
    this.#schedule.failed(reader, this.#readers, { tick, sourceNow, queryWaits: !failure.shrink });
    for (const subscriber of reader.members) subscriber.receive({ kind: "failed", reason, message });
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
