// The last events of the agent, numbered: what a reader of the stream may have missed. Bounded; a reader that needs older ones begins
// again with a snapshot.
import type { Event } from "../status/events.ts";

export const EVENTS_KEPT = 8_192;

export class EventRing {
  readonly #events: (Event | undefined)[] = new Array<Event | undefined>(EVENTS_KEPT).fill(undefined);
  /** The text of the last events that somebody asked for: 50 readers cost one JSON.stringify. */
  readonly #texts: (string | undefined)[] = new Array<string | undefined>(EVENTS_KEPT).fill(undefined);
  readonly #first: number;
  #last: number;

  /** `before`: the number before the first event's. Higher than any of an earlier life of the agent: its readers come back. */
  constructor(before: number) {
    this.#first = before + 1;
    this.#last = before;
  }

  /** Number of the newest event. */
  get last(): number {
    return this.#last;
  }

  append(event: Event): void {
    this.#last++;
    this.#events[this.#last % EVENTS_KEPT] = event;
    this.#texts[this.#last % EVENTS_KEPT] = undefined;
  }

  /** True if every event after `seq` is still here. */
  reaches(seq: number): boolean {
    return (
      Number.isSafeInteger(seq) && seq <= this.#last && seq >= Math.max(this.#first, this.#last - EVENTS_KEPT + 1) - 1
    );
  }

  /** One event as a message of the stream. `seq` must be one that is here. */
  message(seq: number): string {
    const i = seq % EVENTS_KEPT;
    const text = this.#texts[i] ?? `id: ${seq}\nevent: event\ndata: ${JSON.stringify(this.#events[i])}\n\n`;
    this.#texts[i] = text;
    return text;
  }
}
