// Which windows of a sink are settled, and so where its cursors are. Windows are numbered per sink in order of arrival, and each
// keeps what its owner knows of it. Pure bookkeeping: no time, no I/O.
import type { EpochMs } from "../platform/clock.ts";

type Unsettled<T> = { source: string; from: EpochMs; to: EpochMs; samples: number; of: T };

export class Ledger<T = undefined> {
  #nextNumber = 0;
  readonly #windows = new Map<number, Unsettled<T>>();
  readonly #cursors = new Map<string, EpochMs>();

  /** Where everything up to is settled; undefined for an unknown source. */
  cursor(source: string): EpochMs | undefined {
    return this.#cursors.get(source);
  }

  /** Sets a cursor outright: at the start, when time is skipped, when a clock was set back. */
  reset(source: string, cursor: EpochMs): void {
    this.#cursors.set(source, cursor);
  }

  /** A window has arrived with `samples` to settle (0: settled at once when its turn comes). Returns its window number. */
  open(source: string, from: EpochMs, to: EpochMs, samples: number, of: T): number {
    this.#windows.set(this.#nextNumber, { source, from, to, samples, of });
    return this.#nextNumber++;
  }

  /** What its owner knows of an unsettled window. */
  of(window: number): T | undefined {
    return this.#windows.get(window)?.of;
  }

  /** The same of all unsettled windows. */
  all(): T[] {
    return [...this.#windows.values()].map(({ of }) => of);
  }

  /** `samples` of a window were delivered or dropped. True: those were its last. */
  settle(window: number, samples: number): boolean {
    const open = this.#windows.get(window);
    if (open === undefined) return false;
    open.samples -= samples;
    return open.samples <= 0;
  }

  /**
   * Sources whose cursor can move now: to the end of the oldest unbroken run of settled windows, of which `last` is the last. Forgets
   * those windows.
   */
  advance(): { source: string; cursor: EpochMs; last: T }[] {
    const moved = new Map<string, { cursor: EpochMs; last: T }>();
    const blocked = new Set<string>();
    for (const [number, window] of this.#windows) {
      if (blocked.has(window.source)) continue;
      if (window.samples > 0) {
        blocked.add(window.source);
        continue;
      }
      this.#windows.delete(number);
      moved.set(window.source, { cursor: window.to, last: window.of });
    }
    for (const [source, { cursor }] of moved) this.#cursors.set(source, cursor);
    return [...moved].map(([source, at]) => ({ source, ...at }));
  }

  /** Unsettled windows of a source, oldest first. */
  unsettled(source: string): { window: number; from: EpochMs; to: EpochMs; samples: number; of: T }[] {
    return [...this.#windows].flatMap(([window, { source: its, from, to, samples, of }]) =>
      its === source ? [{ window, from, to, samples, of }] : [],
    );
  }

  /** A window ends at `to`: the rest of its time will be read again. */
  cut(window: number, to: EpochMs): void {
    const open = this.#windows.get(window);
    if (open !== undefined) open.to = Math.min(open.to, to);
  }

  /** Gives up a source's windows from window `first` on: they will be read again. What is still sent of them moves no cursor. */
  abandon(source: string, first: number): void {
    for (const [number, window] of this.#windows)
      if (window.source === source && number >= first) this.#windows.delete(number);
  }
}
