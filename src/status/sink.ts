// One sink and one event about it in, the sink after it out. Immutable; what an event does not touch is shared. Pure.
import type { EpochMs } from "../platform/clock.ts";
import { emptyAccount, enter } from "./account.ts";
import { attemptEnded, dropped, rejectedAlso, smoothed } from "./attempts/attempts.ts";
import { emptyLatency } from "./attempts/latency.ts";
import { readyLagMs, sinkConditions } from "./conditions.ts";
import type { Event, ReadFailureReason, SinkInfo } from "./events.ts";
import { move } from "./phase.ts";
import { beginsToWork, catchingUp, cursorMoved, firstRead, isBehind, isLate } from "./progress.ts";
import { emptyRing } from "./rings.ts";
import type { Condition, SinkSource, SinkState } from "./snapshot.ts";

/** A sink is idle when nothing was read for this long: longer than any usual scrape interval. */
export const IDLE_AFTER_MS = 90_000;

/** `reported`: its conditions before the agent was restarted; they hold until there is news. */
export function newSink(info: SinkInfo, at: EpochMs, reported: readonly Condition[] = []): SinkState {
  const was = bothOf(reported);
  const sink: Omit<SinkState, "conditions"> = {
    id: info.id,
    info,
    phase: { name: "starting" },
    account: emptyAccount,
    skippedMs: 0,
    lateSamples: 0,
    rejected: [],
    pace: { readPerS: 0, sendPerS: 0 },
    deadLetters: 0,
    samples: emptyRing,
    bytes: emptyRing,
    requests: emptyRing,
    lag: emptyRing,
    latency: emptyLatency,
    inFlight: 0,
    concurrency: 1,
    failuresInRow: 0,
    late: false,
    webPage: false,
    workingSince: at,
    steadiness: { status: "Unknown", reason: "Pending", turns: [] },
    lost: [],
    retries: 0,
    attemptsTotal: 0,
    attempts: [],
    startedAt: at,
    sources: info.sources.map(newSource),
  };
  if (was === undefined) return { ...sink, ...sinkConditions(sink, [], at) };
  if (!mayHold(info, was)) return { ...sink, conditions: was };
  const { status, reason } = was[1];
  return { ...sink, restored: was[1], steadiness: { status, reason, turns: [] }, conditions: was };
}

function bothOf(reported: readonly Condition[]): SinkState["conditions"] | undefined {
  const [accepted, ready] = [reported.find((c) => c.type === "Accepted"), reported.find((c) => c.type === "Ready")];
  return accepted === undefined || ready === undefined ? undefined : [accepted, ready];
}

/** What ended with the process, or was reported of another generation, no longer holds. */
const mayHold = ({ generation }: SinkInfo, [accepted, ready]: SinkState["conditions"]): boolean =>
  accepted.status === "True" &&
  ready.status !== "Unknown" &&
  ready.observedGeneration === generation &&
  ready.reason !== "Paused" &&
  ready.reason !== "InternalError";

const newSource = (source: SinkInfo["sources"][number]): SinkSource => ({
  ...source,
  series: 0,
  samplesLastRead: 0,
  lateSamples: 0,
  lastReadMs: 0,
});

function reported(sink: SinkState, at: EpochMs): SinkState {
  const { conditions, steadiness } = sinkConditions(sink, sink.conditions, at);
  if (conditions === sink.conditions && steadiness === sink.steadiness) return sink;
  return { ...sink, conditions, steadiness };
}

/** Events about one sink that is known; sink-started and sink-refused carry its info. */
export type SinkEvent = Exclude<Extract<Event, { id: string } | { sink: SinkInfo }>, { type: "attempt-started" }>;

export function reduceSink(sink: SinkState, event: SinkEvent): SinkState {
  return reported(changed(sink, event), event.at);
}

/** What only time does: nothing to send any more, data too old, calm again. Shared as it is where nothing changed. */
export function tickSink(sink: SinkState, now: EpochMs): SinkState {
  const late = isLate(sink, now);
  const quiet = isQuiet(sink, now) ? move(sink, "quiet", now) : sink;
  const stale = sink.restored !== undefined && now - sink.startedAt > readyLagMs(sink);
  const flaps = sink.conditions[1].reason === "Flapping";
  if (quiet === sink && late === sink.late && !stale && !flaps) return sink;
  const { restored: _, ...rest } = quiet;
  return reported(stale ? { ...rest, late } : late === quiet.late ? quiet : { ...quiet, late }, now);
}

function isQuiet(sink: SinkState, now: EpochMs): boolean {
  if (sink.phase.name !== "flowing" && sink.phase.name !== "starting") return false;
  if (sink.account.pending > 0 || sink.inFlight > 0 || sink.failing !== undefined || isBehind(sink, now)) return false;
  if (sink.sources.some((s) => s.lastReadAt === undefined || s.failure !== undefined)) return false;
  return sink.lastSampleAt === undefined || now - sink.lastSampleAt >= IDLE_AFTER_MS;
}

function changed(sink: SinkState, event: SinkEvent): SinkState {
  switch (event.type) {
    case "sink-started":
      return move(
        { ...started(sink, event.at), info: event.sink, sources: sourcesOf(sink, event.sink) },
        "started",
        event.at,
      );
    case "sink-refused":
      return move({ ...sink, info: event.sink }, "refused", event.at, {
        name: "refused",
        reason: event.reason,
        message: event.message,
      });
    case "sink-draining":
      return move(sink, "draining", event.at, { name: "draining", why: event.why });
    case "sink-stopped":
    case "sink-forgotten":
      return move({ ...sink, inFlight: 0 }, "stopped", event.at, { name: "stopped" });
    case "sink-paused":
      return move(without(sink, "restored"), "paused", event.at, { name: "paused", since: event.at });
    case "sink-resumed":
      return move(beginsToWork(sink, event.at), "resumed", event.at);
    case "sink-crashed": {
      const crash = { message: event.message, restartAt: event.restartAt };
      const after = move(sink, "crashed", event.at, { name: "starting", crash });
      return after.phase.name === "starting" ? { ...after, phase: { name: "starting", crash }, inFlight: 0 } : after;
    }
    case "window-read":
      return windowRead(sink, event);
    case "read-failed":
      return withSource(sink, event.source, (s) => ({ ...s, failure: failureOf(s, event) }));
    case "skipped":
      return { ...sink, skippedMs: sink.skippedMs + (event.to - event.from) };
    case "attempt-broken-off":
      return { ...sink, inFlight: event.inFlight };
    case "attempt-ended":
      return attemptEnded(sink, event);
    case "backing-off": {
      const { attempt, maxAttempts, since, retryAt, reason, message } = event;
      return move(sink, "backing-off", event.at, {
        name: "backing-off",
        attempt,
        maxAttempts,
        since,
        retryAt,
        reason,
        message,
      });
    }
    case "holding": {
      const { since, probeAt, reason, message } = event;
      return move(sink, "holding", event.at, { name: "holding", since, probeAt, reason, message });
    }
    case "dropped":
      return dropped(sink, event);
    case "size-learned": {
      const { samples, bytes } = event;
      const { learnedSize: _, ...rest } = sink;
      return samples === undefined || bytes === undefined ? rest : { ...rest, learnedSize: { samples, bytes } };
    }
    case "evidence": {
      const { reason, text } = event;
      return sink.failing === undefined ? sink : { ...sink, failing: { ...sink.failing, evidence: { reason, text } } };
    }
    case "series-rejected":
      return { ...sink, rejected: rejectedAlso(sink.rejected, event) };
    case "late": {
      const { source, from, to, samples, remedy, at } = event;
      return {
        ...withSource(sink, source, (s) => ({ ...s, lateSamples: s.lateSamples + samples })),
        lateSamples: sink.lateSamples + samples,
        lastLate: { source, from, to, samples, remedy, at },
      };
    }
    case "returned":
      return { ...sink, account: enter(sink.account, { returned: event.samples }) };
    case "cursor-moved":
      return settled(cursorMoved(sink, event), event.at);
    default:
      return event satisfies never;
  }
}

/** A sink that did not run starts over; one whose policy changed continues. */
const started = (sink: SinkState, at: EpochMs): SinkState =>
  ["refused", "draining", "stopped"].includes(sink.phase.name) ? beginsToWork(sink, at) : sink;

function without<K extends keyof SinkState>(sink: SinkState, key: K): Omit<SinkState, K> {
  const { [key]: _, ...rest } = sink;
  return rest;
}

/** What is unchanged keeps its read position and cursor. */
const sourcesOf = (sink: SinkState, info: SinkInfo): readonly SinkSource[] =>
  info.sources.map((source) => ({
    ...(sink.sources.find((s) => s.name === source.name) ?? newSource(source)),
    ...source,
  }));

function withSource(sink: SinkState, name: string, change: (source: SinkSource) => SinkSource): SinkState {
  return { ...sink, sources: sink.sources.map((s) => (s.name === name ? change(s) : s)) };
}

function failureOf(
  source: SinkSource,
  { at, reason, message }: { at: EpochMs; reason: ReadFailureReason; message: string },
) {
  return { reason, message, since: source.failure?.since ?? at, inRow: (source.failure?.inRow ?? 0) + 1 };
}

function windowRead(sink: SinkState, event: Extract<SinkEvent, { type: "window-read" }>): SinkState {
  const { at } = event;
  const was = sink.sources.find((s) => s.name === event.source);
  const after = withSource(sink, event.source, (source) => {
    const { failure: _, ...readable } = firstRead(source, event);
    return {
      ...readable,
      read: event.to,
      series: event.series,
      samplesLastRead: event.read,
      lastReadMs: event.durationMs,
      lastReadAt: at,
      ...(event.settleMs === undefined ? {} : { settleMs: event.settleMs }),
    };
  });
  const account = enter(sink.account, { read: event.read, dropped: event.dropped });
  const readPerS = (1000 * event.read) / Math.max(1, event.to - event.from);
  const pace = { ...sink.pace, readPerS: smoothed(sink.pace.readPerS, readPerS) };
  const collisions = event.collisions && { collisions: [...(sink.collisions ?? []), ...event.collisions].slice(-5) };
  const counted = { ...after, account, pace, lastReadAt: at, ...collisions };
  const again = was?.failure === undefined ? counted : settled(beginsToWork(counted, at), at);
  return event.read === 0 ? again : move({ ...again, lastSampleAt: at }, "samples-read", at);
}

/** Whether it catches up, is done with it, and how far it is. */
function settled(sink: SinkState, at: EpochMs): SinkState {
  if (!isBehind(sink, at)) return move(sink, "caught-up", at);
  if (sink.late && sink.phase.name !== "catching-up") return sink;
  return move(sink, "behind", at, catchingUp(sink, at));
}
