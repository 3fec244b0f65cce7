// The last events of a stream, numbered: what a reader of the stream may have missed. Bounded; a reader that needs older ones begins
// again with a snapshot.
export const EVENTS_KEPT = 8_192;

export class EventRing<E> {
  readonly #events: (E | undefined)[];
  /** The text of the last events that somebody asked for: 50 readers cost one JSON.stringify. */
  readonly #texts: (string | undefined)[];
  readonly #kept: number;
  readonly #first: number;
  #last: number;

  /** `before`: the number before the first event's. Higher than any of an earlier life of the agent: its readers come back. */
  constructor(before: number, kept = EVENTS_KEPT) {
    this.#kept = kept;
    this.#events = new Array<E | undefined>(kept).fill(undefined);
    this.#texts = new Array<string | undefined>(kept).fill(undefined);
    this.#first = before + 1;
    this.#last = before;
  }

  /** Number of the newest event. */
  get last(): number {
    return this.#last;
  }

  append(event: E): void {
    this.#last++;
    this.#events[this.#last % this.#kept] = event;
    this.#texts[this.#last % this.#kept] = undefined;
  }

  /** True if every event after `seq` is still here. */
  reaches(seq: number): boolean {
    return (
      Number.isSafeInteger(seq) && seq <= this.#last && seq >= Math.max(this.#first, this.#last - this.#kept + 1) - 1
    );
  }

  /** One event as a message of the stream. `seq` must be one that is here. */
  message(seq: number): string {
    const i = seq % this.#kept;
    const text = this.#texts[i] ?? `id: ${seq}\nevent: event\ndata: ${JSON.stringify(this.#events[i])}\n\n`;
    this.#texts[i] = text;
    return text;
  }
}
