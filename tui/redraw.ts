// When the screen is drawn: at once after a key, else at most four times a second while data changes, and less often where drawing is
// expensive, so that the screen never costs more than a small share of a core.
import type { Clock } from "../src/platform/clock.ts";
import type { Meter } from "./meter.ts";
import type { Session, Store } from "./session.ts";

export const REDRAW_MS = 250;
/** The agent's own tick makes one change a second: ages and countdowns never stand still for longer. */
const SLOWEST_MS = 1_000;
/** Drawing takes at most this share of a core. */
const SHARE = 0.015;

/** The pause after a drawing that took `costMs`. */
export const pauseAfter = (costMs: number, minMs = REDRAW_MS): number =>
  Math.round(Math.min(Math.max(minMs, SLOWEST_MS), Math.max(minMs, costMs / SHARE)));

export type RedrawPorts = {
  store: Store;
  session: Session;
  clock: Clock;
  meter: Pick<Meter, "costMs">;
  redraw(): void;
  /** At least this long between two drawings that no key asked for. */
  minMs?: number | undefined;
};

/** Starts; returns the function that stops it. */
export function redrawer({ store, session, clock, meter, redraw, minMs }: RedrawPorts): () => void {
  const ended = new AbortController();
  let waiting = false;
  const unsubscribe = store.subscribe(() => {
    if (waiting) return;
    waiting = true;
    void clock.sleep(pauseAfter(meter.costMs, minMs), ended.signal).then((elapsed) => {
      waiting = false;
      if (elapsed) redraw();
    });
  });
  const unsubscribeKeys = session.subscribe(redraw);
  return () => {
    unsubscribe();
    unsubscribeKeys();
    ended.abort();
  };
}
