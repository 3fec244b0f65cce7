// Who reads where: subscribers at the same position of the same query share a reader. One that does not take the next window gets a
// reader of its own, and shares again when it has caught up.
import type { EpochMs } from "../platform/clock.ts";
import { mayMerge, type Reader, split } from "./reader.ts";
import type { Subscriber } from "./subscription.ts";

type R = Reader<Subscriber>;

export class ReaderSet {
  readonly #readers = new Set<R>();
  readonly #of = new Map<Subscriber, R>();
  /** By query: how many readers it has. */
  readonly #keys = new Map<string, number>();

  [Symbol.iterator](): Iterator<R> {
    return this.#readers.values();
  }

  subscribers(): Subscriber[] {
    return [...this.#of.keys()];
  }

  of(subscriber: Subscriber): R | undefined {
    return this.#of.get(subscriber);
  }

  /** Queries that are read. */
  get keys(): { readonly size: number; has(key: string): boolean } {
    return this.#keys;
  }

  /**
   * New, or moved: where another is at the same place with the same memory, that one takes over its subscribers. `farthest`: how far back
   * reads of it may look.
   */
  put(reader: R, farthest: (reader: R) => EpochMs): void {
    for (const other of this.#readers) {
      if (other === reader || !mayMerge(other, reader, () => farthest(other))) continue;
      for (const subscriber of reader.members) {
        other.members.add(subscriber);
        this.#of.set(subscriber, other);
      }
      other.ends = [...other.ends, ...reader.ends].sort((a, b) => a - b);
      // One that began after the source's clock leapt ahead does not know where reads stood then.
      if (reader.leaps.length > other.leaps.length) other.leaps = reader.leaps;
      this.#delete(reader);
      return;
    }
    this.#add(reader);
  }

  /** After a read; a reader whose last subscriber left meanwhile is gone. */
  moved(reader: R, farthest: (reader: R) => EpochMs): void {
    if (this.#readers.has(reader)) this.put(reader, farthest);
  }

  /** Subscribers that do not take the next window leave for a reader of their own. */
  splitOff(reader: R, stays: (subscriber: Subscriber) => boolean): void {
    const left = split(reader, new Set([...reader.members].filter(stays)));
    if (left !== undefined) this.#add(left);
  }

  remove(subscriber: Subscriber): void {
    const reader = this.#of.get(subscriber);
    this.#of.delete(subscriber);
    reader?.members.delete(subscriber);
    if (reader?.members.size === 0) this.#delete(reader);
  }

  #delete(reader: R): void {
    if (!this.#readers.delete(reader)) return;
    const others = (this.#keys.get(reader.key) ?? 1) - 1;
    if (others === 0) this.#keys.delete(reader.key);
    else this.#keys.set(reader.key, others);
  }

  #add(reader: R): void {
    if (!this.#readers.has(reader)) this.#keys.set(reader.key, (this.#keys.get(reader.key) ?? 0) + 1);
    this.#readers.add(reader);
    for (const subscriber of reader.members) this.#of.set(subscriber, reader);
  }
}
