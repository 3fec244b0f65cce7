// Throughput of the last minute and hour in fixed space. A ring moves only when something is added to it; a reader shifts it to
// its own now, so a sink that does nothing costs nothing. Pure.
import type { EpochMs } from "../platform/clock.ts";
import type { Ring } from "./snapshot.ts";

/** 60 whole ones and the running one. */
const SLOTS = 61;
const zeros: readonly number[] = new Array<number>(SLOTS).fill(0);

export const emptyRing: Ring = { second: 0, seconds: zeros, minutes: zeros };

/** The ring with `amount` more in the second of `at`. A time before the newest entry counts there: clocks jump. */
export function addToRing(ring: Ring, at: EpochMs, amount: number): Ring {
  if (amount === 0) return ring;
  const second = Math.max(ring.second, Math.floor(at / 1000));
  return {
    second,
    seconds: added(ring.seconds, second - ring.second, amount),
    minutes: added(ring.minutes, minuteOf(second) - minuteOf(ring.second), amount),
  };
}

/** The last 60 whole seconds before `now`, oldest first. */
export const lastMinute = (ring: Ring, now: EpochMs): readonly number[] =>
  shifted(ring.seconds, Math.floor(now / 1000) - ring.second).slice(0, 60);

/** The last 60 whole minutes before `now`, oldest first. */
export const lastHour = (ring: Ring, now: EpochMs): readonly number[] =>
  shifted(ring.minutes, minuteOf(Math.floor(now / 1000)) - minuteOf(ring.second)).slice(0, 60);

/** Amount per second over the last whole minute, or since `since` if that is shorter. */
export function rate(ring: Ring, now: EpochMs, since: EpochMs): number {
  const seconds = Math.min(60, Math.max(1, Math.floor((now - since) / 1000)));
  const by = Math.floor(now / 1000) - ring.second;
  let sum = 0;
  for (let i = Math.max(0, by); i < SLOTS - 1 + Math.min(1, Math.max(0, by)); i++) sum += ring.seconds[i] ?? 0;
  return sum / seconds;
}

const minuteOf = (second: number): number => Math.floor(second / 60);

function shifted(slots: readonly number[], by: number): readonly number[] {
  if (by <= 0) return slots;
  return by >= SLOTS ? zeros : [...slots.slice(by), ...zeros.slice(0, by)];
}

function added(slots: readonly number[], by: number, amount: number): readonly number[] {
  const moved = by <= 0 ? slots.slice() : [...shifted(slots, by)];
  moved[SLOTS - 1] = (moved[SLOTS - 1] ?? 0) + amount;
  return moved;
}
