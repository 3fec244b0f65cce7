// Over 350 lines: taking windows, settling them and draining change the same positions and ledger.
// One sink. Top to bottom, an exporter is this:
//   a window of one of its sources arrives                     take()
//   its samples go into the open batches; full batches go out  OpenBatches -> Delivery
//   so do open batches when nothing more can join them         OpenBatches
//   when a window's last sample is settled the cursor moves    settled()
// While the sink fails it reads nothing (ready()), so memory stays flat and no other sink notices.
import type { Batch } from "../batch/batch.ts";
import type { Drop } from "../delivery/batch-splitter.ts";
import { Delivery } from "../delivery/delivery.ts";
import type { Sealed } from "../delivery/jobs.ts";
import { Ledger } from "../delivery/ledger.ts";
import type { DeliverySettings, Sender } from "../delivery/ports.ts";
import type { Clock, EpochMs } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { Arrival, ReadingMember } from "../reading/member.ts";
import type { Memory } from "../reading/memory/memory.ts";
import type { Query } from "../reading/reader.ts";
import type { Saved } from "../reading/readers.ts";
import { endingsOf } from "../reading/removed-source.ts";
import type { Frame } from "../series/frame.ts";
import type { Window } from "../source/window.ts";
import type { Attempted } from "../state/attempted.ts";
import type { Condition } from "../status/condition.ts";
import type { DropReason, Event, ReadFailureReason, SinkId, SinkInfo } from "../status/events.ts";
import { Attempts, type ReadWindow } from "./attempts.ts";
import { OpenBatches } from "./open-batches.ts";
import { owed, sameSeries } from "./owed.ts";

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
  /** `unclean`: the process before this one was killed, or gave something back. */
  saved(source: string): { cursor: EpochMs; memory: Memory; unclean: boolean; attempted?: Attempted } | undefined;
  /** Saved when this returns. */
  saveAttempted(source: string, attempted: Attempted): void;
  save(source: string, cursor: EpochMs, memory: Memory | undefined): void;
  /** Keeps what the sink dropped (dead letters); false: it could not. */
  keep?(id: SinkId, drop: Drop): boolean;
  attach(query: Query, member: ReadingMember, saved?: Saved): void;
  detach(member: ReadingMember): void;
  /** Monotonic ms from which the next window may be read for a member; -Infinity while one is being read. */
  nextRead(member: ReadingMember): number;
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
  attempts: Attempts;
  read: EpochMs | undefined;
  /** The reader's memory at `read`. */
  memory: Memory | undefined;
};

/** A window that is not settled. */
type OpenWindow = {
  source: SourceState;
  window: ReadWindow;
  maxSize: number;
  before: Memory;
  memory: Memory;
  shared: boolean;
  /** It may have been sent before; the receiver has all samples of a series of it, or none. */
  sent: boolean;
  together: boolean;
};

export class Exporter {
  readonly id: SinkId;
  readonly #ports: ExporterPorts;
  readonly #delivery: Delivery;
  readonly #ledger = new Ledger();
  readonly #windows = new Map<number, OpenWindow>();
  #sources: SourceState[] = [];
  #spec: ExporterSpec;
  readonly #open: OpenBatches;
  #stopped = false;
  /** The source's now when a window last arrived, and the monotonic clock then. */
  #sourceNow: EpochMs = 0;
  #sourceNowMs = 0;
  /** By the account: samples that were read and are neither delivered nor dropped nor given back. */
  #owed = 0;
  /** It gave back what it could not send: it reads again when something of what it kept is settled. */
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
    this.#open = new OpenBatches(spec.info.batch.maxSize, spec.info.batch.timeoutMs, {
      clock: ports.clock,
      nextReadMs: () => Math.min(...this.#sources.map(({ member }) => ports.nextRead(member))),
      sealed: (batch, of) => this.#enqueue(batch, of),
      bug: ports.bug,
    });
    this.#delivery = new Delivery(this.id, sender, spec.delivery, {
      clock: ports.clock,
      random: ports.random,
      dispatch: this.#ports.dispatch,
      ...(ports.keep === undefined ? {} : { keep: (drop: Drop) => ports.keep!(this.id, drop) }),
      sourceNow: () =>
        this.#sourceNow === 0 ? undefined : this.#sourceNow + ports.clock.monotonicMs() - this.#sourceNowMs,
      attempting: (batch, cut) => this.#attempting(batch, cut),
      suspect: (table, series, refused) => this.#open.suspect(table, series, refused),
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

  /** The policy changed: what is the same continues as it is, the rest takes effect at once. `sender` only if it changed. */
  update(spec: ExporterSpec, sender: Sender | undefined): void {
    this.#spec = spec;
    this.#ports.dispatch({ type: "sink-started", at: this.#ports.clock.now(), sink: spec.info });
    const { maxSize, timeoutMs } = spec.info.batch;
    this.#open.update(maxSize, timeoutMs);
    // A series that is longer than a batch may be cut at two sizes now.
    for (const open of this.#windows.values()) if (open.maxSize !== maxSize) open.together = false;
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
    this.#open.flush();
    const returned = await this.#delivery.drain(timeoutMs);
    this.#returned(returned);
    dispatch({ type: "sink-stopped", at: clock.now(), id: this.id });
    return returned === 0;
  }

  /** Ends at once; nothing is lost: cursors have not moved past what was not settled. */
  abort(): void {
    this.#stopReading();
    this.#returned(this.#open.clear().samples + this.#delivery.abort());
    this.#ports.dispatch({ type: "sink-stopped", at: this.#ports.clock.now(), id: this.id });
  }

  /** Samples in memory: neither delivered nor dropped nor given back. */
  get pending(): number {
    return this.#open.samples + this.#delivery.pending;
  }

  /** Ends after a bug: what it should have in memory counts as given back, whatever it has. */
  crash(): void {
    try {
      this.#stopReading();
      this.#open.clear();
      this.#delivery.abort();
    } finally {
      this.#returned(this.#owed);
    }
  }

  /** The frames this sink keeps in memory. */
  *frames(): Iterable<Frame> {
    yield* this.#open.frames();
    yield* this.#delivery.frames();
  }

  // -- reading

  #attach(name: string, query: Query): void {
    const saved = this.#ports.saved(name);
    const source: SourceState = {
      name,
      query,
      member: this.#member(name),
      attempts: new Attempts(saved?.attempted, saved?.unclean === true),
      read: saved?.cursor,
      memory: undefined,
    };
    this.#sources.push(source);
    if (saved !== undefined) this.#ledger.reset(name, saved.cursor);
    this.#ports.attach(query, source.member, saved && this.#from(source, saved.cursor, saved.memory));
  }

  /** Where reading continues: windows that were attempted are read again as they were. */
  #from({ attempts }: SourceState, cursor: EpochMs, memory: Memory, windowMs?: number): Saved {
    const ends = attempts.endsAfter(cursor);
    const unknown = ends.length === 0 && attempts.to === Number.POSITIVE_INFINITY;
    return { cursor, memory, replay: unknown, ends, ...(windowMs === undefined ? {} : { windowMs }) };
  }

  /** What is thrown in here is this exporter's bug: the reader, which others share, continues. */
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
      for (const { window } of batch.windows) if (this.#windows.get(window)?.source.name === source) sealed.add(window);
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
    this.#sourceNowMs = clock.monotonicMs();
    source.read = to;
    source.memory = arrival.memory;
    source.attempts.readUpTo(arrival.sourceNow);
    const window = { from, to, samples: frame.samples, series: frame.runs };
    const { maxSize } = this.#spec.info.batch;
    const { sent, together } = source.attempts.origin(window, maxSize);
    // What may have been sent before stays apart from what was not: a receiver that refuses samples it has refuses the whole request.
    if (sent) this.#open.flush();
    const number = this.#ledger.open(source.name, from, to, samples);
    const { before, memory, shared } = arrival;
    this.#windows.set(number, { source, window, maxSize, before, memory, shared, sent, together });
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
      ...(arrival.settleMs === undefined ? {} : { settleMs: arrival.settleMs }),
    });
    this.#open.add(frame, number);
    if (late !== undefined) this.#open.addLate(late, number);
    // Something to try the sink with, now.
    if (this.#delivery.failing || sent) this.#open.flush();
    this.#open.flushIfAlone();
    this.#moveCursors();
  }

  #readFailed(source: string, reason: ReadFailureReason, message: string): void {
    this.#ports.dispatch({ type: "read-failed", at: this.#ports.clock.now(), id: this.id, source, reason, message });
    this.#open.flushIfAlone();
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
    this.#open.flushIfAlone();
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
    for (const [number, open] of this.#windows) if (open.source.name === name) this.#windows.delete(number);
    const source = this.#sources.find((s) => s.name === name);
    // Read a second time: some of it was sent.
    if (source?.read !== undefined) {
      source.attempts.forgetWindows();
      Object.assign(source, { read: to, memory: undefined });
    }
    this.#ledger.reset(name, to);
    this.#ports.save(name, to, undefined);
  }

  /** Others who share our frames are more than two windows ahead: give back what was never attempted, and read it again later. */
  #othersAt(name: string, read: EpochMs): void {
    const oldest = this.#ledger.unsettled(name)[0];
    if (oldest === undefined || this.#windows.get(oldest.window)?.shared !== true) return;
    if (read <= oldest.to + 2 * (oldest.to - oldest.from)) return;
    this.#releaseUnsent();
  }

  /** Others wait for memory: what this sink cannot send, or has not sent for so long, it reads again later, in shorter windows. */
  #freeMemory(patienceMs: number): void {
    if (!this.#delivery.failing && !this.#delivery.paused) {
      this.#open.flush(); // sooner than its age asks for
      const oldest = this.#delivery.batches[0]?.openedAtMs;
      const since = oldest === undefined ? 0 : this.#ports.clock.monotonicMs() - oldest;
      if (since <= patienceMs + this.#spec.info.batch.timeoutMs) return;
    }
    this.#releaseUnsent(0.5);
    this.#delivery.compact();
  }

  /** `shorter`: windows are read again at this share of their length. */
  #releaseUnsent(shorter = 1): void {
    const windowsOf = (batches: readonly Sealed[]) =>
      new Set(batches.flatMap((batch) => batch.windows.map((w) => w.window)));
    const back = this.#delivery.releaseUnsent();
    const kept = windowsOf(this.#delivery.batches);
    const given = windowsOf(back);
    // The last few samples of a window that is attempted already are cheaper to keep than to send the window twice.
    const open = this.#open.clear((window) => kept.has(window) && !given.has(window));
    const windows = new Set([...given, ...open.windows]);
    if (windows.size === 0) return;
    this.#fellBehind = true;
    this.#returned(open.samples + back.reduce((n, batch) => n + batch.samples, 0));
    for (const source of this.#sources) this.#rereadFrom(source, windows, shorter);
  }

  /** Reads a source again from its first window that was given back in part or whole; older ones are seen through. */
  #rereadFrom(source: SourceState, givenBack: ReadonlySet<number>, shorter: number): void {
    const mine = [...this.#windows].filter(([, open]) => open.source === source);
    const first = mine.findIndex(([number]) => givenBack.has(number));
    if (first < 0) return;
    const again = mine.slice(first);
    for (const [number] of again) this.#windows.delete(number);
    this.#ledger.abandon(source.name, again[0]![0]);
    const { window, before } = again[0]![1];
    source.read = window.from;
    source.memory = before;
    this.#ports.detach(source.member);
    const windowMs = (window.to - window.from) * shorter;
    this.#ports.attach(source.query, source.member, this.#from(source, window.from, before, windowMs));
  }

  #removeSource(source: SourceState): void {
    this.#endSeries(source);
    this.#ports.detach(source.member);
    this.#sources = this.#sources.filter((s) => s !== source);
  }

  /** The source is removed, and its series end: each that is alive gets a stale marker, so that no graph continues it for five minutes. */
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

  /** The cursor stays: the new query continues where the old one was settled. */
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
      this.#ports.attach(query, source.member, this.#from(source, read, memory));
    } else this.#ports.attach(query, source.member, saved && this.#from(source, saved.cursor, saved.memory));
  }

  #stopReading(): void {
    this.#stopped = true;
    this.#open.stop();
    for (const source of this.#sources) this.#ports.detach(source.member);
  }

  // -- batches

  #enqueue(batch: Batch, of: "ordinary" | "suspects" | "late"): void {
    const windows = this.#windowsOf(batch);
    this.#delivery.enqueue(batch, {
      sent: of === "late" || windows.some(({ sent }) => sent),
      together: of !== "late" && windows.every(({ together }) => together),
      suspects: of === "suspects",
    });
  }

  #windowsOf(batch: Sealed | Batch): OpenWindow[] {
    return batch.windows.map(({ window }) => this.#windows.get(window)).filter((open) => open !== undefined);
  }

  /** Saved before the request is sent: a process that follows a kill must know. */
  #attempting(batch: Sealed, cut: boolean): void {
    const windows = this.#windowsOf(batch);
    for (const source of new Set(windows.map((open) => open.source))) {
      const mine = windows
        .filter((open) => open.source === source)
        .map(({ window, maxSize, together }) => ({ ...window, maxSize, together: together && !cut }));
      const cursor = this.#ledger.cursor(source.name) ?? 0;
      const attempted = source.attempts.record(mine, cursor);
      if (attempted !== undefined) this.#ports.saveAttempted(source.name, attempted);
    }
  }

  // -- settlement

  #settled(batch: Sealed): void {
    this.#fellBehind = false;
    for (const { window, samples } of batch.windows) this.#ledger.settle(window, samples);
    this.#moveCursors();
  }

  #moveCursors(): void {
    const { clock, dispatch, save } = this.#ports;
    const moved = this.#ledger.advance();
    for (const { source, cursor, window: last } of moved) {
      const memory = this.#windows.get(last)?.memory;
      for (const [number, open] of this.#windows)
        if (open.source.name === source && number <= last) this.#windows.delete(number);
      save(source, cursor, memory);
      dispatch({ type: "cursor-moved", at: clock.now(), id: this.id, source, cursor, sourceNow: this.#sourceNow });
    }
  }

  #returned(samples: number): void {
    if (samples > 0) this.#ports.dispatch({ type: "returned", at: this.#ports.clock.now(), id: this.id, samples });
  }
}
