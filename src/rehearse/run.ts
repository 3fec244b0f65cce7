// One scenario in fast time: the path of the real agent between a model of the source and one of a receiver for each sink. What comes out
// is what each sink went through, in numbers.
import type { Span } from "../batch/batch.ts";
import type { Supervisor } from "../exporter/supervisor.ts";
import type { HttpClient } from "../http/http.ts";
import type { Clock, EpochMs } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { Policy } from "../policy/policy.ts";
import type { Readers } from "../reading/readers.ts";
import type { StateStore } from "../state/store.ts";
import { emptyAccount } from "../status/account.ts";
import type { DropReason, Event, SinkId } from "../status/events.ts";
import type { Account } from "../status/snapshot.ts";
import { StatusStore } from "../status/store.ts";
import { MemoryStore } from "./memory-store.ts";
import { type Behavior, ReceiverModel, TAKES } from "./receiver-model.ts";
import type { Scenario } from "./scenarios.ts";
import { SourceModel, type Stretch } from "./source-model.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** What an agent in fast time is made of. */
export type ModelPorts = {
  clock: Clock;
  random: Random;
  dispatch(event: Event): void;
  store: StateStore;
  source: HttpClient;
  /** To the receiver of a sink. */
  client(id: SinkId): HttpClient;
  /** Of each body that is encoded: what it carries. */
  noting(id: SinkId, body: Uint8Array, span: Span): Uint8Array;
};

/** `pollMs`: the longest interval of its queries. */
export type ModelSink = { id: SinkId; raw: boolean; pollMs: number; queries: ReadonlyMap<string, string> };

export type Rehearsed = {
  policies: readonly Policy[];
  /** Sinks that may send, and the queries of their sources as they are sent, by source. */
  sinks: readonly ModelSink[];
  stretches: ReadonlyMap<string, Stretch>;
  /** The longest interval of any query. */
  pollMs: number;
  drainTimeoutMs: number;
  open(ports: ModelPorts): { readers: Readers; supervisor: Supervisor };
};

/** Counts are samples as modelled. */
export type Outcome = {
  id: SinkId;
  read: number;
  /** Distinct samples that the receiver has. */
  delivered: number;
  dropped: Partial<Record<DropReason, number>>;
  /** Never read, since --max-backfill was exceeded. */
  skipped: number;
  /** What the source had, of all that the cursor has passed: what is neither of it delivered nor dropped nor skipped is a bug. */
  had: number;
  lost: number;
  repeats: number;
  requests: number;
  /** Of them those while the fault lasted. */
  faultRequests: number;
  medianDelayMs: number | undefined;
  worstDelayMs: number;
  /** From the end of the fault until it was as near to the source as before; undefined: not within the time that was looked at. */
  caughtUpMs: number | undefined;
  /** Of samples and request bodies, the most at any time. */
  peakBytes: number;
};

/** Of a sample in a frame: time, value, stale. */
const SAMPLE_BYTES = 17;
const WARM_MS = 20_000;
const WARM_POLLS = 4;
/** Not on the grid of anybody. */
const OFF_GRID_MS = 7_300;
/** It is waited for so long until all have caught up, and for the fault's time once more. */
const CATCH_UP_MS = 7_200_000;
/** A response more or less. */
const GRACE_MS = 1_000;

export async function rehearse(scenario: Scenario, forMs: number, world: Rehearsed): Promise<Outcome[]> {
  const clock = new VirtualClock();
  const source = new SourceModel(clock, world.stretches);
  const store = new MemoryStore(clock);
  const books = new Map(world.sinks.map((sink) => [sink.id, new Book(sink, clock, source)]));
  const random = chance();
  let status = new StatusStore();
  let silent = false;

  const start = () => {
    status = new StatusStore();
    silent = false;
    const agent = world.open({
      clock,
      random,
      dispatch: (event) => {
        if (silent) return;
        status.dispatch(event);
        if ("id" in event) books.get(event.id)?.saw(event, status);
      },
      store,
      source,
      client: (id) => books.get(id)!.receiver.client(),
      noting: (id, body, span) => books.get(id)!.receiver.noting(body, span),
    });
    agent.supervisor.apply({ policies: [...world.policies], problems: [], files: [] });
    return agent;
  };
  const close = (cleanly: boolean) => {
    for (const sink of status.snapshot.sinks) books.get(sink.info.id)?.close(sink.account);
    silent = true;
    store.closedCleanly = cleanly;
  };
  const stop = async ({ supervisor, readers }: ReturnType<typeof start>) => {
    let done = false;
    const stopped = supervisor.shutdown().then(() => {
      done = true;
    });
    await clock.advance(world.drainTimeoutMs + 1_000, () => done);
    await stopped;
    readers.stop();
    store.flush();
    close(true);
  };
  const kill = ({ supervisor, readers }: ReturnType<typeof start>) => {
    close(false);
    store.lose();
    readers.stop();
    for (const id of supervisor.sinks) supervisor.exporter(id)?.abort();
    store.lose();
  };

  let agent = start();
  const warmMs = Math.max(WARM_MS, WARM_POLLS * world.pollMs) + OFF_GRID_MS;
  await clock.advance(warmMs / 2);
  // The first window after a start is not a usual one.
  for (const { receiver } of books.values()) receiver.largestBytes = 0;
  await clock.advance(warmMs / 2);
  for (const book of books.values()) book.begin(scenario, clock.monotonicMs(), warmMs);
  source.up = scenario.sourceAway !== true;
  if (scenario.agent === undefined) await clock.advance(forMs);
  else {
    if (scenario.agent === "stop") await stop(agent);
    else {
      let stored = false;
      for (const { receiver } of books.values()) receiver.onStored = () => (stored = true);
      await clock.advance(WARM_POLLS * world.pollMs, () => stored);
      kill(agent);
      for (const { receiver } of books.values()) receiver.onStored = () => {};
    }
    await clock.advance(forMs);
    agent = start();
  }
  source.up = true;
  for (const book of books.values()) book.end(scenario);
  await clock.advance(forMs + CATCH_UP_MS, () => [...books.values()].every((book) => book.caughtUpMs !== undefined));
  await clock.advance(2 * world.pollMs);
  for (const { receiver } of books.values()) receiver.behavior = () => TAKES;
  await stop(agent);
  return [...books.values()].map((book) => book.outcome());
}

/** What is written down of one sink. */
class Book {
  readonly receiver: ReceiverModel;
  caughtUpMs: number | undefined;
  readonly #sink: ModelSink;
  readonly #clock: VirtualClock;
  readonly #source: SourceModel;
  readonly #from = new Map<string, EpochMs>();
  readonly #cursors = new Map<string, EpochMs>();
  #account: Account = emptyAccount;
  #skipped = 0;
  #peakBytes = 0;
  /** The largest lag before the fault, right after the cursor moved. */
  #usualLagMs = 0;
  #begun = false;
  #requestsBefore = 0;
  #faultRequests = 0;
  #endedMs: number | undefined;

  constructor(sink: ModelSink, clock: VirtualClock, source: SourceModel) {
    this.#sink = sink;
    this.#clock = clock;
    this.#source = source;
    this.receiver = new ReceiverModel(clock);
  }

  saw(event: Event, status: StatusStore): void {
    if (event.type === "sink-crashed") throw new Error(`a bug in outflow, at ${event.id}: ${event.message}`);
    if (event.type === "window-read" && !this.#from.has(event.source)) this.#from.set(event.source, event.from);
    if (event.type === "skipped")
      this.#skipped += this.#source.samples(this.#sink.queries.get(event.source)!, event.from, event.to);
    if (event.type === "window-read" || event.type === "attempt-started") {
      const pending = status.snapshot.sinks.find(({ info }) => info.id === this.#sink.id)?.account.pending ?? 0;
      this.#peakBytes = Math.max(this.#peakBytes, pending * SAMPLE_BYTES + this.receiver.bytesInFlight);
    }
    if (event.type !== "cursor-moved") return;
    this.#cursors.set(event.source, event.cursor);
    if (!this.#begun) this.#usualLagMs = Math.max(this.#usualLagMs, this.#lagMs());
    else this.#look();
  }

  begin({ receiver: fault }: Scenario, nowMs: number, warmMs: number): void {
    this.#begun = true;
    this.#requestsBefore = this.receiver.requests;
    if (fault === undefined) return;
    const { largestBytes, bytes } = this.receiver;
    const behavior = fault({ largestBytes, bytesPerMs: Math.max(bytes, 1) / warmMs });
    this.receiver.behavior = (request) => behavior(request, request.atMs - nowMs);
  }

  end({ after }: Scenario): void {
    this.#endedMs = this.#clock.monotonicMs();
    this.#faultRequests = this.receiver.requests - this.#requestsBefore;
    const behavior: Behavior = after?.() ?? (() => TAKES);
    this.receiver.behavior = behavior;
    this.#look();
  }

  /** The life of an agent is over. */
  close(account: Account): void {
    const sum = (name: "read" | "delivered" | "returned" | "pending") => this.#account[name] + account[name];
    const dropped = Object.entries(account.dropped).map(([reason, n]) => [
      reason,
      this.#account.dropped[reason as DropReason] + n,
    ]);
    this.#account = {
      read: sum("read"),
      delivered: sum("delivered"),
      returned: sum("returned"),
      pending: sum("pending"),
      dropped: Object.fromEntries(dropped) as Account["dropped"],
    };
  }

  outcome(): Outcome {
    const { receiver } = this;
    let had = 0;
    for (const [source, query] of this.#sink.queries) {
      const from = this.#from.get(source);
      const cursor = this.#cursors.get(source);
      if (from !== undefined && cursor !== undefined) had += this.#source.samples(query, from, cursor);
    }
    const dropped = Object.fromEntries(Object.entries(this.#account.dropped).filter(([, n]) => n > 0));
    const givenUp = Object.values(dropped).reduce((a, b) => a + b, 0) + this.#skipped;
    return {
      id: this.#sink.id,
      read: this.#account.read,
      delivered: receiver.stored,
      dropped,
      skipped: this.#skipped,
      had,
      // What was given up may have arrived: its response was lost.
      lost: this.#sink.raw ? Math.min(givenUp, Math.max(0, had - receiver.stored)) : givenUp,
      repeats: receiver.repeats,
      requests: receiver.requests,
      faultRequests: this.#faultRequests,
      medianDelayMs: receiver.delays.medianMs,
      worstDelayMs: receiver.delays.worstMs,
      caughtUpMs: this.caughtUpMs,
      peakBytes: this.#peakBytes,
    };
  }

  #lagMs(): number {
    return this.#clock.now() - Math.min(...this.#cursors.values());
  }

  #look(): void {
    if (this.#endedMs === undefined || this.caughtUpMs !== undefined) return;
    // The cursor moves once a poll: right before, lag is a poll more than right after.
    const movedNow = this.#clock.monotonicMs() > this.#endedMs;
    if (this.#lagMs() <= this.#usualLagMs + (movedNow ? GRACE_MS : this.#sink.pollMs))
      this.caughtUpMs = this.#clock.monotonicMs() - this.#endedMs;
  }
}

/** Chance that is the same in each rehearsal. */
function chance(): Random {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}
