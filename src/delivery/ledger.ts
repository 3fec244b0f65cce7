// Which windows of a sink are settled, and so where its cursors stand. A round is one window of one source as it reached this
// sink, numbered in order of arrival. Pure bookkeeping: no time, no I/O.
import type { EpochMs } from "../platform/clock.ts";

type Round = { source: string; from: EpochMs; to: EpochMs; unsettled: number };

export class Ledger {
  #nextRound = 0;
  readonly #rounds = new Map<number, Round>();
  readonly #cursors = new Map<string, EpochMs>();

  /** Where everything up to is settled; undefined for an unknown source. */
  cursor(source: string): EpochMs | undefined {
    return this.#cursors.get(source);
  }

  /** Sets a cursor outright: at the start, when time is skipped, when a clock was set back. */
  reset(source: string, cursor: EpochMs): void {
    this.#cursors.set(source, cursor);
  }

  /** A window has arrived with `samples` to settle (0: settled at once when its turn comes). Returns its round number. */
  open(source: string, from: EpochMs, to: EpochMs, samples: number): number {
    this.#rounds.set(this.#nextRound, { source, from, to, unsettled: samples });
    return this.#nextRound++;
  }

  /** `samples` of a round were delivered or dropped. */
  settle(round: number, samples: number): void {
    const r = this.#rounds.get(round);
    if (r !== undefined) r.unsettled -= samples;
  }

  /**
   * Sources whose cursor can move now: to the end of the oldest unbroken run of settled windows, of which `round` is the last. Removes
   * those windows.
   */
  advance(): { source: string; cursor: EpochMs; round: number }[] {
    const moved = new Map<string, { cursor: EpochMs; round: number }>();
    const blocked = new Set<string>();
    for (const [number, round] of this.#rounds) {
      if (blocked.has(round.source)) continue;
      if (round.unsettled > 0) {
        blocked.add(round.source);
        continue;
      }
      this.#rounds.delete(number);
      moved.set(round.source, { cursor: round.to, round: number });
    }
    for (const [source, { cursor }] of moved) this.#cursors.set(source, cursor);
    return [...moved].map(([source, at]) => ({ source, ...at }));
  }

  /** Unsettled windows of a source (all sources without a name), oldest first. */
  unsettled(source?: string): { round: number; source: string; from: EpochMs; to: EpochMs }[] {
    const list: { round: number; source: string; from: EpochMs; to: EpochMs }[] = [];
    for (const [round, r] of this.#rounds) {
      if (source === undefined || r.source === source) list.push({ round, source: r.source, from: r.from, to: r.to });
    }
    return list;
  }

  /** Gives up a source's windows from round `first` on: they will be read again. What is still sent of them moves no cursor. */
  abandon(source: string, first: number): void {
    for (const [number, round] of this.#rounds)
      if (round.source === source && number >= first) this.#rounds.delete(number);
  }
}
