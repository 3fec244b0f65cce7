// Which window of a reader is next and when it is due: by the source's clock, by how old data of its query must be, and by reads that
// failed. Predicates change nothing.
import type { Clock, EpochMs } from "../platform/clock.ts";
import { dueAt, nextWindow, type Window } from "../source/window.ts";
import { Delays } from "./delays.ts";
import { type Member, type Reader, tickOf } from "./reader.ts";

type R = Reader<Member>;

/** Both clocks at one look: what is not due by it is due later, so nothing falls between a check and the alarm that is set after it. */
export type Moment = { sourceNow: EpochMs; monoMs: number };

export class Schedule {
  readonly #clock: Clock;
  readonly delays = new Delays();
  /** By query: monotonic ms before which none of its windows is read, since a read has failed in this tick. */
  readonly #failedUntil = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `small`: of one interval. Undefined: none is due by the source's clock. */
  window(reader: R, sourceNow: EpochMs, small = false): Window | undefined {
    const { intervalMs } = reader.query;
    const window = nextWindow({
      read: reader.read,
      sourceNow,
      delayMs: this.delays.of(reader.query),
      intervalMs,
      maxWindowMs: small ? intervalMs : reader.windowMs,
    });
    const end = reader.ends.find((e) => e > reader.read);
    return window === undefined || end === undefined || end >= window.to ? window : { from: window.from, to: end };
  }

  /** Number of the poll of its query that runs now. */
  tick({ query }: R, sourceNow: EpochMs): number {
    return tickOf(query, this.delays.of(query), sourceNow);
  }

  isDue(reader: R, { sourceNow, monoMs }: Moment): boolean {
    if (reader.busy || monoMs < this.#notBeforeMs(reader)) return false;
    return this.window(reader, sourceNow) !== undefined;
  }

  /** Monotonic ms: after `monoMs` where isDue() at the same moment is false. */
  nextReadMs(reader: R, { sourceNow, monoMs }: Moment): number {
    const inMs = dueAt(reader.read, reader.query.intervalMs) + this.delays.of(reader.query) - sourceNow;
    return Math.max(monoMs + inMs, this.#notBeforeMs(reader));
  }

  answered(reader: R): void {
    this.#failedUntil.delete(reader.key);
  }

  /**
   * Not again within the tick of the read that failed, nor right after it: however the source's clock moves meanwhile, and whoever else
   * wants the same. `queryWaits`: windows of other readers of the query wait too.
   */
  failed(reader: R, all: Iterable<R>, o: { tick: number; sourceNow: EpochMs; queryWaits: boolean }): void {
    const { intervalMs } = reader.query;
    const next = Math.max(o.tick, this.tick(reader, o.sourceNow)) + 1;
    const untilNextMs = next * intervalMs + this.delays.of(reader.query) - o.sourceNow;
    const waitMs = Math.min(untilNextMs < intervalMs / 2 ? untilNextMs + intervalMs : untilNextMs, 2 * intervalMs);
    const mono = this.#clock.monotonicMs();
    reader.notBeforeMs = Math.ceil(mono + waitMs); // those that fail together begin again together
    for (const other of all)
      if (other.key === reader.key && other.read === reader.read) other.notBeforeMs = reader.notBeforeMs;
    for (const [key, until] of this.#failedUntil) if (until <= mono) this.#failedUntil.delete(key);
    if (o.queryWaits) this.#failedUntil.set(reader.key, reader.notBeforeMs);
  }

  #notBeforeMs(reader: R): number {
    return Math.max(reader.notBeforeMs, this.#failedUntil.get(reader.key) ?? 0);
  }
}
