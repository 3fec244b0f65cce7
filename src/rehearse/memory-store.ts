// What survives a restart, in memory: saved as the real one saves, at once but not too often, and what was not yet saved is gone with a kill.
import type { Clock } from "../platform/clock.ts";
import type { Attempted } from "../state/attempted.ts";
import { concatenated, readAttempted } from "../state/rows.ts";
import { type CursorKey, SAVE_WITHIN_MS, type SavedCursor, type SavedMemory, type StateStore } from "../state/store.ts";

export class MemoryStore implements StateStore {
  /** Of all runs: what a restart finds again is found by it. */
  readonly seed = [0, 0] as const;
  closedCleanly = true;
  readonly saved = new Map<string, SavedCursor>();
  readonly attempts = new Map<string, Attempted>();
  readonly #unsaved = new Map<string, () => SavedCursor>();
  readonly #clock: Clock;
  readonly #saveWithinMs: number;
  #flushing = false;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  /** `saveWithinMs`: from one save to the next; longer where a disk is slow. */
  constructor(clock: Clock, saveWithinMs = SAVE_WITHIN_MS) {
    this.#clock = clock;
    this.#saveWithinMs = saveWithinMs;
  }

  cursor(key: CursorKey): SavedCursor | undefined {
    this.flush();
    return this.saved.get(JSON.stringify(key));
  }

  saveCursor(key: CursorKey, cursor: number, memory?: SavedMemory): void {
    this.#unsaved.set(JSON.stringify(key), () => ({ cursor, memory: memory && concatenated(memory.blob()) }));
    if (this.#flushing) return;
    this.#flushing = true;
    void this.#clock.sleep(Math.max(0, this.#notBeforeMs - this.#clock.monotonicMs())).then(() => {
      this.#flushing = false;
      this.#notBeforeMs = this.#clock.monotonicMs() + this.#saveWithinMs;
      this.flush();
    });
  }

  attempted(key: CursorKey): Attempted | undefined {
    return this.attempts.get(JSON.stringify(key));
  }

  /** Through the text that the real one keeps: what it could not read again is a bug of who made it. */
  saveAttempted(key: CursorKey, attempted: Attempted): void {
    const read = readAttempted({ attempted: JSON.stringify(attempted) });
    if (!read.ok) throw new Error(read.why);
    this.attempts.set(JSON.stringify(key), read.value);
  }

  flush(): void {
    for (const [key, make] of this.#unsaved) this.saved.set(key, make());
    this.#unsaved.clear();
  }

  /** A kill: what was on its way to the disk is lost. */
  lose(): void {
    this.#unsaved.clear();
  }

  conditions(): readonly [] {
    return [];
  }
  saveConditions(): void {}
  definitions(): ReadonlyMap<string, string> {
    return new Map();
  }
  saveDefinitions(): void {}
  generation(): number {
    return 1;
  }
  forgetUnused(): void {}
  look(): void {}
  close(): void {}
}
