// When a sink that crashed starts again: later each time, until it has run for long without a crash. Pure.
import type { SinkId } from "../status/events.ts";

const RESTART_MS = 1_000;
const RESTART_CAP_MS = 300_000;
/** After this long without one, a crash is the first again. */
const FORGIVE_MS = 600_000;

export class Crashes {
  readonly #of = new Map<SinkId, { count: number; atMs: number }>();

  /** One more. Returns how long it waits, ms. */
  add(id: SinkId, nowMs: number): number {
    const before = this.#of.get(id);
    const count = before === undefined || nowMs - before.atMs > FORGIVE_MS ? 1 : before.count + 1;
    this.#of.set(id, { count, atMs: nowMs });
    return Math.min(RESTART_CAP_MS, RESTART_MS * 2 ** (count - 1));
  }
}
