// Which windows of a sink are settled, and so where its cursors are. Windows are numbered per sink in order of arrival. Pure
// bookkeeping: no time, no I/O.
import type { EpochMs } from "../platform/clock.ts";

type OpenWindow = { source: string; from: EpochMs; to: EpochMs; unsettled: number };

export class Ledger {
  #nextNumber = 0;
  readonly #windows = new Map<number, OpenWindow>();
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
  open(source: string, from: EpochMs, to: EpochMs, samples: number): number {
    this.#windows.set(this.#nextNumber, { source, from, to, unsettled: samples });
    return this.#nextNumber++;
  }

  /** `samples` of a window were delivered or dropped. */
  settle(window: number, samples: number): void {
    const open = this.#windows.get(window);
    if (open !== undefined) open.unsettled -= samples;
  }

  /**
   * Sources whose cursor can move now: to the end of the oldest unbroken run of settled windows, of which `window` is the last. Removes
   * those windows.
   */
  advance(): { source: string; cursor: EpochMs; window: number }[] {
    const moved = new Map<string, { cursor: EpochMs; window: number }>();
    const blocked = new Set<string>();
    for (const [number, window] of this.#windows) {
      if (blocked.has(window.source)) continue;
      if (window.unsettled > 0) {
        blocked.add(window.source);
        continue;
      }
      this.#windows.delete(number);
      moved.set(window.source, { cursor: window.to, window: number });
    }
    for (const [source, { cursor }] of moved) this.#cursors.set(source, cursor);
    return [...moved].map(([source, at]) => ({ source, ...at }));
  }

  /** Unsettled windows of a source (all sources without a name), oldest first. */
  unsettled(source?: string): { window: number; source: string; from: EpochMs; to: EpochMs }[] {
    const list: { window: number; source: string; from: EpochMs; to: EpochMs }[] = [];
    for (const [window, r] of this.#windows) {
      if (source === undefined || r.source === source) list.push({ window, source: r.source, from: r.from, to: r.to });
    }
    return list;
  }

  /** Gives up a source's windows from window `first` on: they will be read again. What is still sent of them moves no cursor. */
  abandon(source: string, first: number): void {
    for (const [number, window] of this.#windows)
      if (window.source === source && number >= first) this.#windows.delete(number);
  }
}
