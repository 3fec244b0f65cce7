// The sources of one sink: where each has read up to, and its subscription at the readers.
import type { Clock, EpochMs } from "../platform/clock.ts";
import type { Memory } from "../reading/memory/memory.ts";
import type { Query } from "../reading/reader.ts";
import type { StartAt, Subscriber, Subscription } from "../reading/subscription.ts";
import { Attempts } from "./attempts.ts";
import { sameSeries } from "./owed.ts";
import type { ExporterPorts } from "./ports.ts";

export type ReadSource = {
  readonly name: string;
  query: Query;
  readonly attempts: Attempts;
  read: EpochMs | undefined;
  /** The reader's memory at `read`. */
  memory: Memory | undefined;
  /** Of its unsettled windows those with batches that wait or are in flight. */
  sealed: number;
  subscription: Subscription | undefined;
};

export class Sources {
  readonly #ports: Pick<ExporterPorts, "saved" | "subscribe"> & { clock: Clock };
  readonly #subscriberOf: (source: ReadSource) => Subscriber;
  #sources: ReadSource[] = [];
  /** The source's now when a window last arrived, and the monotonic clock then. */
  #seen: { now: EpochMs; monotonicMs: number } | undefined;

  constructor(
    ports: Pick<ExporterPorts, "saved" | "subscribe"> & { clock: Clock },
    subscriberOf: (source: ReadSource) => Subscriber,
  ) {
    this.#ports = ports;
    this.#subscriberOf = subscriberOf;
  }

  [Symbol.iterator](): Iterator<ReadSource> {
    return this.#sources.values();
  }

  find(name: string): ReadSource | undefined {
    return this.#sources.find((source) => source.name === name);
  }

  /** A window has arrived when the source's clock said `now`. */
  saw(now: EpochMs): void {
    this.#seen = { now, monotonicMs: this.#ports.clock.monotonicMs() };
  }

  /** The source's now when a window last arrived; 0: none did. */
  get lastNow(): EpochMs {
    return this.#seen?.now ?? 0;
  }

  /** The source's now; undefined before the first window. */
  get now(): EpochMs | undefined {
    return this.#seen && this.#seen.now + this.#ports.clock.monotonicMs() - this.#seen.monotonicMs;
  }

  /** Monotonic ms from which the next window of any of them may be read; -Infinity while one is being read. */
  nextReadMs(): number {
    return Math.min(...this.#sources.map(({ subscription }) => subscription?.nextReadMs() ?? Number.NEGATIVE_INFINITY));
  }

  /** The sink may take more, or keeps less. */
  wake(): void {
    this.#sources[0]?.subscription?.wake();
  }

  /**
   * `waiting`: a source of this name was removed, and samples up to here still wait to be sent. `known`: called before the first window
   * can arrive, with the cursor that was saved.
   */
  add(name: string, query: Query, waiting: EpochMs, known: (cursor: EpochMs) => void): void {
    const saved = this.#ports.saved(name);
    const source: ReadSource = {
      name,
      query,
      attempts: new Attempts(saved?.attempted, saved?.unclean === true),
      read: saved?.cursor,
      memory: undefined,
      sealed: 0,
      subscription: undefined,
    };
    if (waiting > 0) source.attempts.readAgain(waiting);
    this.#sources.push(source);
    if (saved !== undefined) known(saved.cursor);
    this.#subscribe(source, saved && startAt(source, saved.cursor, saved.memory));
  }

  remove(source: ReadSource): void {
    source.subscription?.cancel();
    this.#sources = this.#sources.filter((other) => other !== source);
  }

  /** The cursor stays: the new query continues where the old one was settled. */
  changeQuery(source: ReadSource, query: Query): void {
    source.subscription?.cancel();
    // Of an expression it is known what was alive: what the new one does not have any more gets its stale marker. Of a selector that
    // is only read at other times it is known what was taken: what is still to come of it is late, not old.
    const same = sameSeries(source.query, query);
    const alive = same || (source.query.kind === "evaluated" && query.kind === "evaluated") ? source.memory : undefined;
    source.query = query;
    const { read } = source;
    const saved = this.#ports.saved(source.name);
    if (read !== undefined && saved !== undefined) {
      const memory = alive ?? (same ? saved.memory : saved.memory.at(read)); // nothing was read since it was saved
      this.#subscribe(source, startAt(source, read, memory));
    } else this.#subscribe(source, saved && startAt(source, saved.cursor, saved.memory));
  }

  /** From `cursor` on it is read again, in windows of at most `windowMs` at first. */
  readAgain(source: ReadSource, cursor: EpochMs, memory: Memory, windowMs: number): void {
    source.read = cursor;
    source.memory = memory;
    source.subscription?.cancel();
    this.#subscribe(source, { ...startAt(source, cursor, memory), windowMs });
  }

  stop(): void {
    for (const source of this.#sources) source.subscription?.cancel();
  }

  #subscribe(source: ReadSource, from: StartAt | undefined): void {
    source.subscription = this.#ports.subscribe(source.query, this.#subscriberOf(source), from);
    source.subscription.wake();
  }
}

/** Where reading continues: windows that were attempted are read again as they were. */
function startAt({ attempts }: ReadSource, cursor: EpochMs, memory: Memory): StartAt {
  const ends = attempts.endsAfter(cursor);
  return { cursor, memory, replay: ends.length === 0 && attempts.to === Number.POSITIVE_INFINITY, ends };
}
