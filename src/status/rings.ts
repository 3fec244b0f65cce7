// Fixed-size history of an amount: the last 60 whole seconds and the last 60 whole minutes, newest last. Immutable.
import type { EpochMs } from "../platform/clock.ts";
import type { Ring } from "./snapshot.ts";

const SIZE = 60;
const zeros: readonly number[] = Object.freeze(new Array<number>(SIZE).fill(0));

export const emptyRing: Ring = { seconds: zeros, minutes: zeros };

/** Adds to the present second and minute. */
export function addToRing(ring: Ring, amount: number): Ring {
  if (amount === 0) return ring;
  return { seconds: addLast(ring.seconds, amount), minutes: addLast(ring.minutes, amount) };
}

/** Moves the ring on from `before` to `now`; the same object where nothing moves or there is nothing to forget. */
export function rollRing(ring: Ring, before: EpochMs, now: EpochMs): Ring {
  const seconds = roll(ring.seconds, Math.floor(now / 1000) - Math.floor(before / 1000));
  const minutes = roll(ring.minutes, Math.floor(now / 60_000) - Math.floor(before / 60_000));
  return seconds === ring.seconds && minutes === ring.minutes ? ring : { seconds, minutes };
}

/** Per second, over the last `seconds` whole seconds before the present one (at most 59). */
export function ratePerSecond(ring: Ring, seconds: number): number {
  const past = ring.seconds.slice(-1 - seconds, -1);
  return past.reduce((a, b) => a + b, 0) / seconds;
}

function roll(values: readonly number[], steps: number): readonly number[] {
  if (steps <= 0 || values === zeros) return values;
  if (steps >= SIZE || values.every((v, i) => v === 0 || i < steps)) return zeros;
  return [...values.slice(steps), ...zeros.slice(0, steps)];
}

function addLast(values: readonly number[], amount: number): readonly number[] {
  const next = values.slice();
  next[SIZE - 1] = next[SIZE - 1]! + amount;
  return next;
}
