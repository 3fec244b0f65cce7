// Holds the current snapshot and notifies listeners. Listeners are called after each event, with the event and both snapshots.
import type { Event } from "./events.ts";
import { initialSnapshot, reduce } from "./reduce.ts";
import type { Snapshot } from "./snapshot.ts";

export type Listener = (event: Event, before: Snapshot, after: Snapshot) => void;

export class StatusStore {
  #snapshot: Snapshot = initialSnapshot;
  readonly #listeners = new Set<Listener>();

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  dispatch(event: Event): void {
    const before = this.#snapshot;
    this.#snapshot = reduce(before, event);
    for (const listener of this.#listeners) listener(event, before, this.#snapshot);
  }

  /** Returns a function that unsubscribes. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
