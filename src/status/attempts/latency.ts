// How long attempts took, as percentiles over the last minute (slots of 5 s) and hour (slots of a minute), in fixed space: the
// running slot is a histogram, a slot that is over three numbers. Pure.
import type { EpochMs } from "../../platform/clock.ts";
import type { Latency, Quantiles } from "../snapshot.ts";

const MINUTE = { slotMs: 5_000, slots: 12 };
const HOUR = { slotMs: 60_000, slots: 60 };

/** Four buckets an octave from 1 ms to 65 s: within 9 % of what was measured. */
const BUCKETS = 64;
const noCounts: readonly number[] = new Array<number>(BUCKETS).fill(0);

const empty = (slots: number): Quantiles => {
  const zeros: readonly number[] = new Array<number>(slots).fill(0);
  return { slot: 0, counts: noCounts, p50: zeros, p95: zeros, p99: zeros };
};

export const emptyLatency: Latency = { minute: empty(MINUTE.slots), hour: empty(HOUR.slots) };

export const addLatency = ({ minute, hour }: Latency, at: EpochMs, ms: number): Latency => ({
  minute: added(minute, MINUTE, at, ms),
  hour: added(hour, HOUR, at, ms),
});

export type Percentiles = Pick<Quantiles, "p50" | "p95" | "p99">;

/** ms in each whole slot of the last minute before `now`, oldest first; 0 where nothing was attempted. */
export const latencyOfMinute = ({ minute }: Latency, now: EpochMs): Percentiles =>
  movedTo(minute, MINUTE, Math.floor(now / MINUTE.slotMs));
export const latencyOfHour = ({ hour }: Latency, now: EpochMs): Percentiles =>
  movedTo(hour, HOUR, Math.floor(now / HOUR.slotMs));

function added(q: Quantiles, shape: typeof MINUTE, at: EpochMs, ms: number): Quantiles {
  const after = movedTo(q, shape, Math.floor(at / shape.slotMs));
  const counts = after.counts.slice();
  const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.floor(4 * Math.log2(Math.max(1, ms)))));
  counts[bucket] = (counts[bucket] ?? 0) + 1;
  return { ...after, counts };
}

/** A time before the running slot counts there: clocks jump. */
function movedTo(q: Quantiles, { slots }: typeof MINUTE, slot: number): Quantiles {
  const by = q.slot === 0 ? 0 : slot - q.slot;
  if (by <= 0) return q.slot === 0 ? { ...q, slot } : q;
  const gap = new Array<number>(Math.min(by - 1, slots)).fill(0);
  const pushed = (values: readonly number[], p: number) => [...values, percentile(q.counts, p), ...gap].slice(-slots);
  return { slot, counts: noCounts, p50: pushed(q.p50, 0.5), p95: pushed(q.p95, 0.95), p99: pushed(q.p99, 0.99) };
}

function percentile(counts: readonly number[], p: number): number {
  const total = counts.reduce((a, b) => a + b, 0);
  if (total === 0) return 0;
  let left = Math.ceil(p * total);
  const bucket = counts.findIndex((n) => {
    left -= n;
    return left <= 0;
  });
  return Math.round(2 ** ((bucket + 0.5) / 4) * 10) / 10;
}
