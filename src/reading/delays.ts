// How long after its end a window is read: what was set or learned for its query, and the query's own part of the interval.
import type { Frame } from "../series/frame.ts";
import { MOST_SPREAD, offsetInInterval, stretchMs, type Window } from "../source/window.ts";
import { type Query, queryKey } from "./reader.ts";
import { cameLate, firstSettle, learn, type Settle } from "./settle.ts";

export class Delays {
  /** By query: what `--settle auto` has learned. */
  readonly #learned = new Map<string, Settle>();
  /** The own parts, for the present number of queries: each is asked for at every turn of the readers. */
  #offsets = new WeakMap<Query, number>();
  #queries = 1;

  /** So many different queries are read: the more, the wider they are spread over the interval. */
  spreadOver(keys: { readonly size: number; has(key: string): boolean }): void {
    const queries = Math.min(Math.max(1, keys.size), MOST_SPREAD);
    if (this.#queries !== queries) this.#offsets = new WeakMap();
    this.#queries = queries;
    for (const key of this.#learned.keys()) if (!keys.has(key)) this.#learned.delete(key);
  }

  /** How old data must be before it is read, ms. */
  settleOf(query: Query): number {
    if (query.learnsDelay !== true) return query.delayMs;
    return this.#learned.get(queryKey(query))?.ms ?? query.delayMs;
  }

  /** The same with the query's own part of the interval. */
  of(query: Query): number {
    let offset = this.#offsets.get(query);
    if (offset === undefined) {
      offset = offsetInInterval(query.sent, query.intervalMs, this.#queries);
      this.#offsets.set(query, offset);
    }
    return this.settleOf(query) + offset;
  }

  /**
   * A window was read. `live`: as soon as it was due, and neither after an outage of the source nor while catching up. `frames`: what
   * was taken, each sample once.
   */
  learn(query: Query, window: Window, frames: readonly Frame[], live: boolean): void {
    if (query.learnsDelay !== true || !live) return;
    const key = queryKey(query);
    const before = this.#learned.get(key) ?? firstSettle(query.delayMs);
    const due = frames.reduce((n, frame) => n + frame.samples, 0);
    const late = cameLate(frames, window.from, before);
    // A late sample is found by the next read that looks back far.
    const lookMs = stretchMs(query.lateWindowMs) + 2 * query.intervalMs;
    this.#learned.set(key, learn(before, { ...window, due, late }, lookMs));
  }
}
