// How far a sink is behind, and whether it catches up. Lag counts what has arrived: a cursor that only moves because everything was
// dropped does not count. Pure.
import type { EpochMs } from "../platform/clock.ts";
import { droppedTotal } from "./account.ts";
import { readyLagMs } from "./conditions.ts";
import type { Event } from "./events.ts";
import { recordLag } from "./lag.ts";
import { lagOf } from "./sinks.ts";
import type { Account, Phase, SinkSource, SinkState } from "./snapshot.ts";

/** Progress is measured over at least this long; a measure that is older than a minute says nothing any more. */
const MEASURE_MS = 10_000;
const STALE_MS = 60_000;
/** A sink that did not keep up is assumed to catch up from this gain on, so that its state does not change with every window. */
const SURE_GAIN = 0.1;

/** What the receiver does not have; what it refused because it has it already does not count. */
const lostTotal = ({ dropped }: Account): number => droppedTotal({ dropped }) - dropped.refused_replay;

/** The source before its first window is read: nothing has arrived since `from`. */
export const firstRead = (
  source: SinkSource,
  { from, sourceNow, at }: Extract<Event, { type: "window-read" }>,
): SinkSource =>
  source.lagMs !== undefined
    ? source
    : { ...source, cursor: from, arrived: from, lagMs: Math.max(0, sourceNow - from), lagAt: at };

export function cursorMoved(sink: SinkState, event: Extract<Event, { type: "cursor-moved" }>): SinkState {
  const { at } = event;
  const sources = sink.sources.map((s) => (s.name === event.source ? withCursor(s, sink.account, event) : s));
  const moved = { ...sink, sources };
  const trend = measured(moved, at);
  const after: SinkState = { ...moved, trend, lag: recordLag(sink, moved, at) };
  return { ...after, late: after.late && isLate(after, at) };
}

function withCursor(
  source: SinkSource,
  account: Account,
  { cursor, sourceNow, at }: Extract<Event, { type: "cursor-moved" }>,
): SinkSource {
  const then = source.settledThen ?? { delivered: 0, lost: 0 };
  const nothingArrived = account.delivered === then.delivered && lostTotal(account) > then.lost;
  const arrived = nothingArrived ? (source.arrived ?? cursor) : cursor;
  const settledThen = nothingArrived ? then : { delivered: account.delivered, lost: lostTotal(account) };
  return { ...source, cursor, arrived, settledThen, lagMs: Math.max(0, sourceNow - arrived), lagAt: at };
}

function measured(sink: SinkState, at: EpochMs): NonNullable<SinkState["trend"]> {
  const { trend } = sink;
  const lagMs = lagOf(sink, at) ?? 0;
  if (trend === undefined || at < trend.at || at - trend.at > STALE_MS) return { at, lagMs };
  if (at - trend.at < MEASURE_MS) return trend;
  return { at, lagMs, gain: (trend.lagMs - lagMs) / (at - trend.at) };
}

/** It begins to work (again): nothing is known yet of how fast. */
export function beginsToWork(sink: SinkState, at: EpochMs): SinkState {
  const { trend: _, ...rest } = sink;
  return { ...rest, late: false, workingSince: at };
}

/** Data is missing: more than a sink that keeps up ever lacks. */
export const isBehind = (sink: SinkState, now: EpochMs): boolean => (lagOf(sink, now) ?? 0) > readyLagMs(sink);

/** Data is older than it may be, and it does not get better: no batch is taken, or not enough. */
export function isLate(sink: SinkState, now: EpochMs): boolean {
  const limit = readyLagMs(sink);
  if (!isBehind(sink, now)) return false;
  if (now - Math.max(sink.workingSince, sink.lastSuccessAt ?? 0) > limit) return true;
  const gain = sink.trend?.gain;
  if (gain !== undefined) return sink.late ? gain < SURE_GAIN : gain <= 0;
  // Nothing failed lately, and it fell behind all the same.
  return (sink.phase.name === "flowing" || sink.phase.name === "idle") && now - sink.workingSince > limit;
}

/** The phase of a sink that catches up, with what is known of it now. */
export function catchingUp(sink: SinkState, now: EpochMs): Extract<Phase, { name: "catching-up" }> {
  const since = sink.phase.name === "catching-up" ? sink.phase.since : now;
  const behindMs = lagOf(sink, now) ?? 0;
  const gain = sink.trend?.gain;
  if (gain === undefined || gain <= 0) return { name: "catching-up", since, behindMs };
  return { name: "catching-up", since, behindMs, speed: 1 + gain, doneAt: Math.round(now + behindMs / gain) };
}
