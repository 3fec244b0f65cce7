// When the clock is set back, what was recorded in the future comes back with it: otherwise histories and lag stand still until real
// time has caught up. When it leaps ahead (or the host slept), no sink is late before it had time to work. Pure.
import type { EpochMs } from "../platform/clock.ts";
import type { Condition } from "./condition.ts";
import { beginsToWork } from "./progress.ts";
import type { Latency, Phase, Quantiles, Ring, SinkSource, SinkState, Snapshot } from "./snapshot.ts";

/** Events arrive in order but for this much. */
const BACK_MS = 2_000;
/** There is a tick every second: after a longer silence the clock has leapt or the host was asleep. */
const AHEAD_MS = 30_000;

export function atLeap(s: Snapshot, at: EpochMs): Snapshot {
  if (s.at === 0) return s;
  if (at < s.at - BACK_MS) return setBack(s, at);
  if (at > s.at + AHEAD_MS) return { ...s, sinks: s.sinks.map((sink) => ahead(sink, at)) };
  return s;
}

const ahead = (sink: SinkState, at: EpochMs): SinkState =>
  sink.phase.name === "paused" || sink.phase.name === "refused" ? sink : { ...beginsToWork(sink, at), late: sink.late };

function setBack(s: Snapshot, at: EpochMs): Snapshot {
  const by = at - s.at;
  return { ...s, ...ringsSetBack(s, ringsOfAll, at), sinks: s.sinks.map((sink) => sinkSetBack(sink, at, by)) };
}

type RingOf<T> = { [K in keyof T]-?: T[K] extends Ring ? K : never }[keyof T];

/** Complete by type. */
const ringsOfAll: Record<RingOf<Snapshot>, true> = { samples: true, bytes: true };
const ringsOfSink: Record<RingOf<SinkState>, true> = { samples: true, bytes: true, requests: true, lag: true };

const ringsSetBack = <K extends string>(of: { readonly [k in K]: Ring }, keys: Record<K, true>, at: EpochMs) =>
  Object.fromEntries((Object.keys(keys) as K[]).map((key) => [key, ring(of[key], at)])) as { [k in K]: Ring };

function sinkSetBack(sink: SinkState, at: EpochMs, by: number): SinkState {
  const { trend: _, ...rest } = sink;
  return {
    ...rest,
    phase: phase(sink.phase, by),
    conditions: [transition(sink.conditions[0], at), transition(sink.conditions[1], at)],
    ...(sink.failing === undefined ? {} : { failing: { ...sink.failing, since: Math.min(sink.failing.since, at) } }),
    ...ringsSetBack(sink, ringsOfSink, at),
    latency: latency(sink.latency, at),
    workingSince: Math.min(sink.workingSince, at),
    steadiness: { ...sink.steadiness, turns: sink.steadiness.turns.filter((t) => t <= at) },
    ...notAfter(sink, ["lastSuccessAt", "lastReadAt", "lastSampleAt"], at),
    sources: sink.sources.map(
      (source): SinkSource => ({ ...source, ...notAfter(source, ["lagAt", "lastReadAt"], at) }),
    ),
  };
}

/** The times among `keys` that lie after `at`, as `at`. */
function notAfter<K extends string>(of: { readonly [k in K]?: EpochMs }, keys: readonly K[], at: EpochMs) {
  return Object.fromEntries(keys.flatMap((key) => ((of[key] ?? 0) > at ? [[key, at]] : []))) as { [k in K]?: EpochMs };
}

const transition = (was: Condition, at: EpochMs): Condition =>
  was.lastTransitionTime <= at ? was : { ...was, lastTransitionTime: at };

/** What is still to come is waited for on the monotonic clock: it stays as far away as it was. */
function phase(was: Phase, by: number): Phase {
  switch (was.name) {
    case "backing-off":
      return { ...was, retryAt: was.retryAt + by };
    case "holding":
      return { ...was, probeAt: was.probeAt + by };
    case "starting":
      return was.crash === undefined ? was : { ...was, crash: { ...was.crash, restartAt: was.crash.restartAt + by } };
    default:
      return was;
  }
}

const ring = (was: Ring, at: EpochMs): Ring => {
  const second = Math.floor(at / 1000);
  return was.second <= second ? was : { ...was, second };
};

const latency = ({ minute, hour }: Latency, at: EpochMs): Latency => ({
  minute: quantiles(minute, Math.floor(at / 5_000)),
  hour: quantiles(hour, Math.floor(at / 60_000)),
});

const quantiles = (was: Quantiles, slot: number): Quantiles => (was.slot <= slot ? was : { ...was, slot });
