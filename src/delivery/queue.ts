// The batches of one sink that wait or are in flight, oldest first. Each step costs the same however many there are.
import type { Frame } from "../series/frame.ts";
import { type Job, nextJob, type Sealed, unattempted } from "./jobs.ts";

/** The queue as others than its delivery see it. */
export type Backlog = Pick<Queue, "size" | "oldestMs" | "samples" | "frames" | "batches" | "release" | "compact">;

export class Queue {
  readonly #jobs = new Set<Job>();

  get size(): number {
    return this.#jobs.size;
  }

  [Symbol.iterator](): Iterator<Job> {
    return this.#jobs.values();
  }

  has(job: Job): boolean {
    return this.#jobs.has(job);
  }

  add(job: Job): void {
    this.#jobs.add(job);
  }

  remove(job: Job): void {
    this.#jobs.delete(job);
  }

  clear(): void {
    this.#jobs.clear();
  }

  /** Which is sent next; `holding`: the sink takes none of them for now. */
  next(holding: boolean): Job | undefined {
    return nextJob(this.#jobs, holding);
  }

  /** When the oldest sample arrived that is not settled, monotonic ms. */
  get oldestMs(): number | undefined {
    for (const { batch } of this.#jobs) return batch.openedAtMs;
    return undefined;
  }

  /** Samples that are neither delivered nor dropped. */
  get samples(): number {
    let samples = 0;
    for (const { pieces } of this.#jobs) samples += pieces.samples;
    return samples;
  }

  *frames(): Iterable<Frame> {
    for (const { pieces } of this.#jobs) yield* pieces.frames();
  }

  batches(): Sealed[] {
    return Array.from(this.#jobs, ({ batch }) => batch);
  }

  /**
   * Gives back every batch that was never attempted; the others are seen through, and so is a last one that only has the rest of
   * their windows: it is cheaper to keep than to send those windows twice. `keepStarted`: all that only have the rest of theirs.
   */
  release(keepStarted: boolean): Sealed[] {
    const unsent = unattempted([...this.#jobs], keepStarted);
    for (const job of unsent) this.#jobs.delete(job);
    return unsent.map(({ batch }) => batch);
  }

  /** Small parts of large frames are copied, so that these can be freed. */
  compact(): void {
    for (const { pieces } of this.#jobs) pieces.compact();
  }
}
