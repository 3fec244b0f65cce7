// One sink. Top to bottom, an exporter is this:
//   a window of one of its sources arrives                     take()
//   its samples go into the open batch; full batches go out    Batcher -> Delivery
//   so does the open batch when its oldest sample is old       flushWhenOld()
//   when a window's last sample is settled the cursor moves    settled()
// While the sink fails it reads nothing (ready()), so memory stays flat and no other sink notices.
import { type Batch, samplesOf } from "../batch/batch.ts";
import { Batcher } from "../batch/batcher.ts";
import type { Drop } from "../delivery/batch-splitter.ts";
import { Delivery, type DeliverySettings, type Sender } from "../delivery/delivery.ts";
import { Ledger } from "../delivery/ledger.ts";
import type { Clock, EpochMs } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { Arrival, ReadingMember } from "../reading/member.ts";
import type { Memory } from "../reading/memory.ts";
import type { Query } from "../reading/reader.ts";
import type { Saved } from "../reading/readers.ts";
import { endingsOf } from "../reading/removed-source.ts";
import type { Frame } from "../series/frame.ts";
import type { Window } from "../source/window.ts";
import type { Condition } from "../status/condition.ts";
import type { DropReason, Event, ReadFailureReason, SinkId, SinkInfo } from "../status/events.ts";

export type ExporterSpec = {
  info: SinkInfo;
  /** In the policy's order; names as in info.sources. */
  sources: { name: string; query: Query }[];
  delivery: DeliverySettings;
};

export type ExporterPorts = {
  clock: Clock;
  random: Random;
  dispatch(event: Event): void;
  saved(source: string): { cursor: EpochMs; memory: Memory; replay: boolean } | undefined;
  save(source: string, cursor: EpochMs, memory: Memory | undefined): void;
  /** Keeps what the sink dropped (dead letters); false: it could not. */
  keep?(id: SinkId, drop: Drop): boolean;
  attach(query: Query, member: ReadingMember, saved?: Saved): void;
  detach(member: ReadingMember): void;
  /** Something changed that may make a read due. */
  pump(): void;
  /** Something was thrown that nobody expected: the exporter is to be ended. */
  bug(error: unknown): void;
};

/** More sealed windows than this wait to be sent: the source is not read further for this sink. */
const MAX_SEALED_WINDOWS = 2;

type SourceState = {
  name: string;
  query: Query;
  member: ReadingMember;
  /** Windows that begin before this were perhaps sent before (a kill, frames given back). */
  replayUntil: EpochMs;
  read: EpochMs | undefined;
  /** The reader's memory at `read`. */
  memory: Memory | undefined;
};

type RoundState = {
  source: SourceState;
  window: Window;
  before: Memory;
  memory: Memory;
  shared: boolean;
  replay: boolean;
};

export class Exporter {
  readonly id: SinkId;
  readonly #ports: ExporterPorts;
  readonly #delivery: Delivery;
  readonly #ledger = new Ledger();
  readonly #rounds = new Map<number, RoundState>();
  #sources: SourceState[] = [];
  #spec: ExporterSpec;
  #batcher: Batcher;
  #ageTimer: AbortController | undefined;
  #stopped = false;
  #sourceNow: EpochMs = 0;
  /** By the account: samples that were read and are neither delivered nor dropped nor given back. */
  #owed = 0;
  /** It let go of what it could not send: it reads again when something of what it kept is settled. */
  #fellBehind = false;

  constructor(spec: ExporterSpec, sender: Sender, ports: ExporterPorts) {
    this.id = spec.info.id;
    this.#spec = spec;
    this.#ports = {
      ...ports,
      dispatch: (event) => {
        this.#owed += owed(event);
        ports.dispatch(event);
      },
    };
    this.#batcher = new Batcher(spec.info.batch.maxSize);
    this.#delivery = new Delivery(this.id, sender, spec.delivery, {
      clock: ports.clock,
      random: ports.random,
      dispatch: this.#ports.dispatch,
      ...(ports.keep === undefined ? {} : { keep: (drop: Drop) => ports.keep!(this.id, drop) }),
      sourceNow: () => this.#sourceNow || undefined,
      settled: (batch) => this.#settled(batch),
      changed: () => ports.pump(),
      bug: ports.bug,
    });
  }

  /** `conditions`: what was reported before a restart of the agent. */
  start(conditions: readonly Condition[]): void {
    this.#ports.dispatch({ type: "sink-started", at: this.#ports.clock.now(), sink: this.#spec.info, conditions });
    for (const source of this.#spec.sources) this.#attach(source.name, source.query);
  }

  /** The policy changed: what is the same goes on as it is, the rest takes effect at once. `sender` only if it changed. */
  update(spec: ExporterSpec, sender: Sender | undefined): void {
    const before = this.#spec;
    this.#spec = spec;
    this.#ports.dispatch({ type: "sink-started", at: this.#ports.clock.now(), sink: spec.info });
    if (spec.info.batch.maxSize !== before.info.batch.maxSize) this.#recut(spec.info.batch.maxSize);
    this.#flushWhenOld();
    this.#delivery.update(sender, spec.delivery);
    for (const source of [...this.#sources]) {
      const now = spec.sources.find((s) => s.name === source.name);
      if (now === undefined) this.#removeSource(source);
      else if (now.query.sent !== source.query.sent || JSON.stringify(now.query) !== JSON.stringify(source.query))
        this.#changeQuery(source, now.query);
    }
    for (const source of spec.sources) {
      if (!this.#sources.some((s) => s.name === source.name)) this.#attach(source.name, source.query);
    }
  }

  pause(): void {
    this.#delivery.pause();
    this.#ports.dispatch({ type: "sink-paused", at: this.#ports.clock.now(), id: this.id });
  }

  resume(): void {
    this.#ports.dispatch({ type: "sink-resumed", at: this.#ports.clock.now(), id: this.id });
    this.#delivery.resume();
  }

  retryNow(): void {
    this.#delivery.retryNow();
  }

  /** Stops reading, gives each batch a last attempt within `timeoutMs`, gives the rest back; true: there was no rest. */
  async drain(timeoutMs: number, why: "shutdown" | "removed"): Promise<boolean> {
    this.#stopReading();
    const { clock, dispatch } = this.#ports;
    if (why === "removed") for (const source of this.#sources) this.#endSeries(source);
    dispatch({ type: "sink-draining", at: clock.now(), id: this.id, why });
    const last = this.#batcher.flush();
    if (last !== undefined) this.#enqueue(last);
    const returned = await this.#delivery.drain(timeoutMs);
    this.#returned(returned);
    dispatch({ type: "sink-stopped", at: clock.now(), id: this.id });
    return returned === 0;
  }

  /** Ends at once; nothing is lost: cursors have not moved past what was not settled. */
  abort(): void {
    this.#stopReading();
    this.#returned(this.#batcher.clear().samples + this.#delivery.abort());
    this.#ports.dispatch({ type: "sink-stopped", at: this.#ports.clock.now(), id: this.id });
  }

  /** Samples in memory: neither delivered nor dropped nor given back. */
  get pending(): number {
    return this.#batcher.samples + this.#delivery.pending;
  }

  /** Ends after a bug: what it should have in memory counts as given back, whatever it has. */
  crash(): void {
    try {
      this.#stopReading();
      this.#batcher.clear();
      this.#delivery.abort();
    } finally {
      this.#returned(this.#owed);
    }
  }

  /** The frames this sink keeps in memory. */
  *frames(): Iterable<Frame> {
    yield* this.#batcher.frames();
    yield* this.#delivery.frames();
  }

  // -- reading

  #attach(name: string, query: Query): void {
    const saved = this.#ports.saved(name);
    const source: SourceState = {
      name,
      query,
      member: this.#member(name),
      replayUntil: 0,
      read: saved?.cursor,
      memory: undefined,
    };
    this.#sources.push(source);
    if (saved !== undefined) {
      this.#ledger.reset(name, saved.cursor);
      if (saved.replay) source.replayUntil = Number.POSITIVE_INFINITY;
    }
    this.#ports.attach(query, source.member, saved);
  }

  /** What is thrown in here is this exporter's bug: the reader, which others share, goes on. */
  #member(name: string): ReadingMember {
    const source = () => this.#sources.find((s) => s.name === name);
    const guard =
      <A extends unknown[]>(act: (...args: A) => void) =>
      (...args: A): void => {
        try {
          act(...args);
        } catch (error) {
          this.#ports.bug(error);
        }
      };
    return {
      id: this.id,
      source: name,
      ready: () => this.#ready(name),
      probing: () => this.#delivery.wantsProbe,
      take: guard((arrival: Arrival) => {
        const s = source();
        if (s !== undefined) this.#take(s, arrival);
      }),
      failed: guard((reason: ReadFailureReason, message: string) => this.#readFailed(name, reason, message)),
      skipped: guard((window: Window, why: string) => {
        const s = source();
        if (s !== undefined) this.#skipped(s, window, why);
      }),
      setBack: guard((to: EpochMs) => this.#setBack(name, to)),
      othersAt: guard((read: EpochMs) => this.#othersAt(name, read)),
      freeMemory: guard((patienceMs: number) => this.#freeMemory(patienceMs)),
      frames: () => this.frames(),
    };
  }

  #ready(source: string): boolean {
    if (this.#stopped || this.#delivery.paused) return false;
    if (this.#fellBehind && this.#delivery.batches.length > 0) return false;
    if (this.#delivery.failing) return this.#delivery.wantsProbe;
    const sealed = new Set<number>();
    for (const batch of this.#delivery.batches) {
      for (const { round } of batch.rounds) if (this.#rounds.get(round)?.source.name === source) sealed.add(round);
    }
    return sealed.size < MAX_SEALED_WINDOWS;
  }

  #take(source: SourceState, arrival: Arrival): void {
    const { clock, dispatch } = this.#ports;
    const { frame, late, from, to } = arrival;
    const dropped: Partial<Record<DropReason, number>> = frame.dropped;
    const samples = frame.samples + (late?.samples ?? 0);
    const read = samples + Object.values(frame.dropped).reduce((a, b) => a + b, 0);
    this.#sourceNow = arrival.sourceNow;
    source.read = to;
    source.memory = arrival.memory;
    // After a kill the windows up to the source's present may have been sent already; everything after is new.
    if (source.replayUntil === Number.POSITIVE_INFINITY) source.replayUntil = arrival.sourceNow;
    const round = this.#ledger.open(source.name, from, to, samples);
    this.#rounds.set(round, {
      source,
      window: { from, to },
      before: arrival.before,
      memory: arrival.memory,
      shared: arrival.shared,
      replay: from < source.replayUntil,
    });
    dispatch({
      type: "window-read",
      at: clock.now(),
      id: this.id,
      source: source.name,
      from,
      to,
      read,
      series: frame.runs,
      bytes: arrival.bytes,
      durationMs: arrival.durationMs,
      sourceNow: arrival.sourceNow,
      dropped,
    });
    for (const batch of this.#batcher.add(frame, round, clock.monotonicMs())) this.#enqueue(batch);
    if (late !== undefined) this.#sendLate(late, round);
    // Something to try the sink with, now; and what may have been sent before keeps apart from what was not: a receiver that refuses
    // samples it has refuses the whole request.
    if (this.#delivery.failing || from < source.replayUntil) this.#flush();
    this.#flushWhenOld();
    this.#moveCursors();
  }

  /**
   * Late samples go in batches of their own: a receiver that takes a series in order only refuses the whole request, which must cost
   * nobody else, and says nothing against the sink.
   */
  #sendLate(late: Frame, round: number): void {
    const batcher = new Batcher(this.#spec.info.batch.maxSize, this.#batcher.nextSeq);
    for (const batch of batcher.add(late, round, this.#ports.clock.monotonicMs())) this.#delivery.enqueue(batch, true);
    const rest = batcher.flush();
    if (rest !== undefined) this.#delivery.enqueue(rest, true);
  }

  #readFailed(source: string, reason: ReadFailureReason, message: string): void {
    this.#ports.dispatch({ type: "read-failed", at: this.#ports.clock.now(), id: this.id, source, reason, message });
  }

  #skipped(source: SourceState, { from, to }: Window, why: string): void {
    this.#ports.dispatch({
      type: "skipped",
      at: this.#ports.clock.now(),
      id: this.id,
      source: source.name,
      from,
      to,
      why,
    });
    source.read = to;
    this.#ledger.open(source.name, from, to, 0);
    this.#moveCursors();
  }

  #setBack(name: string, to: EpochMs): void {
    const { clock, dispatch } = this.#ports;
    const cursor = this.#ledger.cursor(name);
    if (cursor !== undefined && cursor > to) {
      dispatch({
        type: "notice",
        at: clock.now(),
        level: "warn",
        message: `${this.id}: the cursor of source ${name} was ahead of the source's clock by ${Math.round((cursor - to) / 1000)} s and was set back.`,
      });
    }
    // What is still sent of windows that were read before moves no cursor: it would be ahead again.
    this.#ledger.abandon(name, 0);
    for (const [number, round] of this.#rounds) if (round.source.name === name) this.#rounds.delete(number);
    const source = this.#sources.find((s) => s.name === name);
    // Read a second time: some of it was sent.
    if (source?.read !== undefined)
      Object.assign(source, { replayUntil: Number.POSITIVE_INFINITY, read: to, memory: undefined });
    this.#ledger.reset(name, to);
    this.#ports.save(name, to, undefined);
  }

  /** Others who share our frames are more than two windows on: give back what was never tried, and read it again later. */
  #othersAt(name: string, read: EpochMs): void {
    const oldest = this.#ledger.unsettled(name)[0];
    const round = oldest && this.#rounds.get(oldest.round);
    if (oldest === undefined || round === undefined || !round.shared) return;
    if (read <= oldest.to + 2 * (oldest.to - oldest.from)) return;
    this.#releaseUnsent();
  }

  /** Others wait for memory: what this sink cannot send, or has not sent for so long, it reads again later, in shorter windows. */
  #freeMemory(patienceMs: number): void {
    if (!this.#delivery.failing && !this.#delivery.paused) {
      this.#flush(); // sooner than its age asks for
      const oldest = this.#delivery.batches[0]?.openedAtMs;
      const since = oldest === undefined ? 0 : this.#ports.clock.monotonicMs() - oldest;
      if (since <= patienceMs + this.#spec.info.batch.timeoutMs) return;
    }
    this.#releaseUnsent(0.5);
    this.#delivery.compact();
  }

  /** `shorter`: windows are read again at this share of their length. */
  #releaseUnsent(shorter = 1): void {
    const roundsOf = (batches: readonly Batch[]) =>
      new Set(batches.flatMap((batch) => batch.rounds.map((r) => r.round)));
    const back = this.#delivery.releaseUnsent();
    const kept = roundsOf(this.#delivery.batches);
    const given = roundsOf(back);
    // The last few samples of a window that is tried already are cheaper to keep than to send the window twice.
    const open = this.#batcher.clear((round) => kept.has(round) && !given.has(round));
    const rounds = new Set([...given, ...open.rounds]);
    if (rounds.size === 0) return;
    this.#fellBehind = true;
    this.#returned(open.samples + back.reduce((n, batch) => n + samplesOf(batch), 0));
    for (const source of this.#sources) this.#rereadFrom(source, rounds, shorter);
  }

  /** Reads a source again from its first window that was given back in part or whole; older ones are seen through. */
  #rereadFrom(source: SourceState, givenBack: ReadonlySet<number>, shorter: number): void {
    const mine = [...this.#rounds].filter(([, round]) => round.source === source);
    const first = mine.findIndex(([number]) => givenBack.has(number));
    if (first < 0) return;
    const again = mine.slice(first);
    for (const [number] of again) this.#rounds.delete(number);
    this.#ledger.abandon(source.name, again[0]![0]);
    const { window, before } = again[0]![1];
    // Some of these samples may have been sent: those in batches that were tried.
    source.replayUntil = Math.max(source.replayUntil, source.read ?? 0);
    source.read = window.from;
    source.memory = before;
    this.#ports.detach(source.member);
    // In a longer window what was sent already would be mixed with more that was not: a receiver that refuses the one refuses both.
    const windowMs = (window.to - window.from) * shorter;
    this.#ports.attach(source.query, source.member, { cursor: window.from, memory: before, windowMs });
  }

  #removeSource(source: SourceState): void {
    this.#endSeries(source);
    this.#ports.detach(source.member);
    this.#sources = this.#sources.filter((s) => s !== source);
  }

  /** The source goes, and so do its series: each that is alive gets a stale marker, so that nobody draws it on for five minutes. */
  #endSeries(source: SourceState): void {
    const { read, memory } = source;
    if (read === undefined || memory === undefined) return;
    const frame = endingsOf(memory, read, source.query.kind);
    if (frame === undefined) return;
    this.#take(source, {
      from: read,
      to: read,
      frame,
      before: memory,
      memory,
      bytes: 0,
      durationMs: 0,
      shared: false,
      sourceNow: this.#sourceNow,
    });
  }

  /** The cursor stays: the new query goes on where the old one was settled. */
  #changeQuery(source: SourceState, query: Query): void {
    this.#ports.detach(source.member);
    // Of an expression it is known what was alive: what the new one does not have any more gets its stale marker. Of a selector that
    // is only read at other times it is known what was taken: what is still to come of it is late, not old.
    const same = sameSeries(source.query, query);
    const alive = same || (source.query.kind === "evaluated" && query.kind === "evaluated") ? source.memory : undefined;
    source.query = query;
    const read = source.read;
    const saved = this.#ports.saved(source.name);
    if (read !== undefined && saved !== undefined) {
      const memory = alive ?? (same ? saved.memory : saved.memory.at(read)); // nothing was read since it was saved
      this.#ports.attach(query, source.member, { cursor: read, memory });
    } else this.#ports.attach(query, source.member, saved);
  }

  #stopReading(): void {
    this.#stopped = true;
    this.#ageTimer?.abort();
    for (const source of this.#sources) this.#ports.detach(source.member);
  }

  // -- batches

  #enqueue(batch: Batch): void {
    this.#delivery.enqueue(
      batch,
      batch.rounds.some(({ round }) => this.#rounds.get(round)?.replay === true),
    );
  }

  #flush(): void {
    const batch = this.#batcher.flush();
    if (batch !== undefined) this.#enqueue(batch);
  }

  /** Arms the timer for the open batch: it goes when its oldest sample has been here batch.timeout. */
  #flushWhenOld(): void {
    this.#ageTimer?.abort();
    const openedAtMs = this.#batcher.openedAtMs;
    if (openedAtMs === undefined || this.#stopped) return;
    const timer = new AbortController();
    this.#ageTimer = timer;
    const left = openedAtMs + this.#spec.info.batch.timeoutMs - this.#ports.clock.monotonicMs();
    this.#ports.clock
      .sleep(Math.max(0, left), timer.signal)
      .then((elapsed) => {
        if (elapsed) this.#flush();
      })
      .catch(this.#ports.bug);
  }

  #recut(maxSize: number): void {
    const open = this.#batcher;
    this.#batcher = new Batcher(maxSize, open.nextSeq);
    for (const batch of open.moveTo(this.#batcher)) this.#enqueue(batch);
  }

  // -- settlement

  #settled(batch: Batch): void {
    this.#fellBehind = false;
    for (const { round, samples } of batch.rounds) this.#ledger.settle(round, samples);
    this.#moveCursors();
  }

  #moveCursors(): void {
    const { clock, dispatch, save } = this.#ports;
    const moved = this.#ledger.advance();
    for (const { source, cursor, round: last } of moved) {
      const memory = this.#rounds.get(last)?.memory;
      for (const [number, round] of this.#rounds)
        if (round.source.name === source && number <= last) this.#rounds.delete(number);
      save(source, cursor, memory);
      dispatch({ type: "cursor-moved", at: clock.now(), id: this.id, source, cursor, sourceNow: this.#sourceNow });
    }
  }

  #returned(samples: number): void {
    if (samples > 0) this.#ports.dispatch({ type: "returned", at: this.#ports.clock.now(), id: this.id, samples });
  }
}

/** Both select the same samples and give them the same labels. */
const sameSeries = (a: Query, b: Query): boolean =>
  a.kind === b.kind &&
  a.sent === b.sent &&
  a.lateWindowMs === b.lateWindowMs &&
  JSON.stringify(a.labels) === JSON.stringify(b.labels);

/** What an event adds to the samples that a sink has yet to settle. */
function owed(event: Event): number {
  switch (event.type) {
    case "window-read":
      return event.read - Object.values(event.dropped).reduce((a, b) => a + b, 0);
    case "attempt-ended":
      return event.result.kind === "delivered" ? -event.samples : 0;
    case "dropped":
    case "returned":
      return -event.samples;
    default:
      return 0;
  }
}
