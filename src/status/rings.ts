// Throughput of the last minute and hour in fixed space. A ring moves only when something is added to it; a reader shifts it to
// its own now, so a sink that does nothing costs nothing. What is added within one second is a number beside the arrays: a thousand
// attempts a second copy each of them once. Pure.
import type { EpochMs } from "../platform/clock.ts";
import type { Ring } from "./snapshot.ts";

/** 60 whole ones and the running one. */
const SLOTS = 61;
const zeros: readonly number[] = new Array<number>(SLOTS).fill(0);

export const emptyRing: Ring = { second: 0, seconds: zeros, minutes: zeros };

/** The ring with `amount` more in the second of `at`. A time before the newest entry counts there: clocks jump. */
export function addToRing(ring: Ring, at: EpochMs, amount: number): Ring {
  if (amount === 0) return ring;
  const second = Math.floor(at / 1000);
  const running = ring.running ?? 0;
  if (second <= ring.second)
    return { second: ring.second, seconds: ring.seconds, minutes: ring.minutes, running: running + amount };
  const { seconds, minutes } = atRest(ring);
  return {
    second,
    seconds: shifted(seconds, second - ring.second),
    minutes: shifted(minutes, minuteOf(second) - minuteOf(ring.second)),
    running: amount,
  };
}

/** With what was added to the newest second in its place. */
function atRest(ring: Ring): Pick<Ring, "seconds" | "minutes"> {
  const { seconds, minutes, running = 0 } = ring;
  return running === 0 ? ring : { seconds: withLast(seconds, running), minutes: withLast(minutes, running) };
}

function withLast(slots: readonly number[], amount: number): readonly number[] {
  const copy = slots.slice();
  copy[SLOTS - 1] = (copy[SLOTS - 1] ?? 0) + amount;
  return copy;
}

/** The last 60 whole seconds before `now`, oldest first. */
export const lastMinute = (ring: Ring, now: EpochMs): readonly number[] =>
  shifted(atRest(ring).seconds, Math.floor(now / 1000) - ring.second).slice(0, 60);

/** The last 60 whole minutes before `now`, oldest first. */
export const lastHour = (ring: Ring, now: EpochMs): readonly number[] =>
  shifted(atRest(ring).minutes, minuteOf(Math.floor(now / 1000)) - minuteOf(ring.second)).slice(0, 60);

/** Amount per second over the last whole minute, or since `since` if that is shorter. */
export function rate(ring: Ring, now: EpochMs, since: EpochMs): number {
  const seconds = Math.min(60, Math.max(1, Math.floor((now - since) / 1000)));
  const by = Math.floor(now / 1000) - ring.second;
  let sum = by > 0 && by < SLOTS ? (ring.running ?? 0) : 0;
  for (let i = Math.max(0, by); i < SLOTS - 1 + Math.min(1, Math.max(0, by)); i++) sum += ring.seconds[i] ?? 0;
  return sum / seconds;
}

const minuteOf = (second: number): number => Math.floor(second / 60);

function shifted(slots: readonly number[], by: number): readonly number[] {
  if (by <= 0) return slots;
  return by >= SLOTS ? zeros : [...slots.slice(by), ...zeros.slice(0, by)];
}
