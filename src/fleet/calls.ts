// Calls to the register, each within a bound: an engine that hangs must not hold up an agent that has to stop in time.
import type { Clock } from "../platform/clock.ts";
import type { Read, Written } from "./register.ts";

/** Asks, and concludes "failed" when there is no response in time. */
export type Call = {
  <T>(ask: (signal: AbortSignal) => Promise<Read<T>>): Promise<Read<T>>;
  (ask: (signal: AbortSignal) => Promise<Written>): Promise<Written>;
};

/** Before a write is tried again that a hand-over waits for. */
export const retryMs = (ttlMs: number): number => ttlMs / 60;

/** At most 4 s, less with a short TTL. */
export function boundedCalls(clock: Clock, ttlMs: number): Call {
  const ms = Math.min(4_000, (ttlMs * 4) / 15);
  const call = async (ask: (signal: AbortSignal) => Promise<Read<unknown> | Written>) => {
    const limit = new AbortController();
    const done = new AbortController();
    const late = clock.sleep(ms, done.signal).then((elapsed) => {
      if (elapsed) limit.abort();
      return { ok: false, why: "failed", message: `no response within ${Math.round(ms)} ms` } as const;
    });
    try {
      return await Promise.race([
        ask(limit.signal).catch((error) => ({ ok: false, why: "failed", message: String(error) }) as const),
        late,
      ]);
    } finally {
      done.abort();
    }
  };
  return call as Call;
}

/** At most so many at once, in the order in which they came: each of many at once would open a connection of its own. */
export function inTurn(atOnce: number): <T>(act: () => Promise<T>) => Promise<T> {
  let free = atOnce;
  const waiting: (() => void)[] = [];
  return async (act) => {
    if (free > 0) free--;
    else await new Promise<void>((turn) => waiting.push(turn));
    try {
      return await act();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
