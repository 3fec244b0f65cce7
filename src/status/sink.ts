// One sink and one event about it in, the sink after it out. Immutable; what an event does not touch is shared. Pure.
import type { EpochMs } from "../platform/clock.ts";
import { emptyAccount, enter } from "./account.ts";
import { FAILURES_TO_NOT_READY, readyLagMs, sinkConditions } from "./conditions.ts";
import type { Event, ReadFailureReason, SinkInfo } from "./events.ts";
import { recordLag } from "./lag.ts";
import { addLatency, emptyLatency } from "./latency.ts";
import { droppedAlso } from "./lost.ts";
import { nextPhase, type Trigger } from "./phases.ts";
import { addToRing, emptyRing } from "./rings.ts";
import { lagOf } from "./sinks.ts";
import type { AttemptRecord, Condition, Phase, SinkSource, SinkState } from "./snapshot.ts";
import { gist } from "./words.ts";

/** A sink is idle when nothing was read for this long: longer than any usual scrape interval. */
export const IDLE_AFTER_MS = 90_000;
export const ATTEMPTS_KEPT = 20;
export const REJECTED_KEPT = 20;

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
    lag: emptyRing,
    latency: emptyLatency,
    inFlight: 0,
    concurrency: 1,
    failuresInRow: 0,
    late: false,
    retries: 0,
    attemptsTotal: 0,
    attempts: [],
    startedAt: at,
    sources: info.sources.map(newSource),
  };
  if (was === undefined) return { ...sink, conditions: sinkConditions(sink, [], at) };
  return { ...sink, ...(mayHold(info, was) ? { restored: was[1] } : {}), conditions: was };
}

function bothOf(reported: readonly Condition[]): SinkState["conditions"] | undefined {
  const [accepted, ready] = [reported.find((c) => c.type === "Accepted"), reported.find((c) => c.type === "Ready")];
  return accepted === undefined || ready === undefined ? undefined : [accepted, ready];
}

/** What ended with the process, or was said about another policy, does not hold any more. */
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

const reported = (sink: SinkState, at: EpochMs): SinkState => {
  const conditions = sinkConditions(sink, sink.conditions, at);
  return conditions === sink.conditions ? sink : { ...sink, conditions };
};

/** Events about one sink that is known; sink-started and sink-refused carry its info. */
export type SinkEvent = Extract<Event, { id: string } | { sink: SinkInfo }>;

export function reduceSink(sink: SinkState, event: SinkEvent): SinkState {
  return reported(changed(sink, event), event.at);
}

/** What only time does: nothing to send any more, or data too old. Shared as it is where nothing changed. */
export function tickSink(sink: SinkState, now: EpochMs): SinkState {
  const late = isLate(sink, now);
  const quiet = isQuiet(sink, now) ? move(sink, "quiet") : sink;
  const stale = sink.restored !== undefined && now - sink.startedAt > readyLagMs(sink);
  if (quiet === sink && late === sink.late && !stale) return sink;
  const { restored: _, ...rest } = quiet;
  return reported(stale ? { ...rest, late } : { ...quiet, late }, now);
}

function isQuiet(sink: SinkState, now: EpochMs): boolean {
  if (sink.phase.name !== "flowing" && sink.phase.name !== "starting") return false;
  if (sink.account.pending > 0 || sink.inFlight > 0 || sink.behind !== undefined || sink.failing !== undefined)
    return false;
  if (sink.sources.some((s) => s.lastReadAt === undefined || s.failure !== undefined)) return false;
  return sink.lastSampleAt === undefined || now - sink.lastSampleAt >= IDLE_AFTER_MS;
}

/** While batches are taken, catching up is as good as it gets. */
function isLate(sink: SinkState, now: EpochMs): boolean {
  const lag = lagOf(sink, now);
  const limit = readyLagMs(sink);
  if (lag === undefined || lag <= limit) return false;
  return !(sink.phase.name === "catching-up" && now - (sink.lastSuccessAt ?? 0) <= limit);
}

function changed(sink: SinkState, event: SinkEvent): SinkState {
  switch (event.type) {
    case "sink-started":
      return move({ ...sink, info: event.sink, sources: sourcesOf(sink, event.sink) }, "started");
    case "sink-refused":
      return move({ ...sink, info: event.sink }, "refused", {
        name: "refused",
        reason: event.reason,
        message: event.message,
      });
    case "sink-draining":
      return move(sink, "draining", { name: "draining", why: event.why });
    case "sink-stopped":
    case "sink-forgotten":
      return move({ ...sink, inFlight: 0 }, "stopped", { name: "stopped" });
    case "sink-paused":
      return move(without(sink, "restored"), "paused", { name: "paused", since: event.at });
    case "sink-resumed":
      return move(sink, "resumed");
    case "sink-crashed": {
      const crash = { message: event.message, restartAt: event.restartAt };
      const after = move(sink, "crashed", { name: "starting", crash });
      return after.phase.name === "starting" ? { ...after, phase: { name: "starting", crash }, inFlight: 0 } : after;
    }
    case "window-read":
      return windowRead(sink, event);
    case "read-failed":
      return withSource(sink, event.source, (s) => ({ ...s, failure: failureOf(s, event) }));
    case "skipped":
      return { ...sink, skippedMs: sink.skippedMs + (event.to - event.from) };
    case "attempt-started":
      return { ...sink, inFlight: event.inFlight, concurrency: event.concurrency };
    case "attempt-broken-off":
      return { ...sink, inFlight: event.inFlight };
    case "attempt-ended":
      return attemptEnded(sink, event);
    case "backing-off": {
      const { attempt, maxAttempts, since, retryAt, reason, message } = event;
      return move(sink, "backing-off", { name: "backing-off", attempt, maxAttempts, since, retryAt, reason, message });
    }
    case "holding": {
      const { since, probeAt, reason, message } = event;
      return move(sink, "holding", { name: "holding", since, probeAt, reason, message });
    }
    case "dropped":
      return dropped(sink, event);
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
    case "cursor-moved": {
      const { cursor, sourceNow, at } = event;
      const after = withSource(sink, event.source, (s) => ({
        ...s,
        cursor,
        lagMs: Math.max(0, sourceNow - cursor),
        lagAt: at,
      }));
      const late = after.late && isLate(after, at);
      return { ...after, late, lag: recordLag(sink, after, at) };
    }
    case "behind":
      return behind(sink, event);
    default:
      return event satisfies never;
  }
}

function without<K extends keyof SinkState>(sink: SinkState, key: K): Omit<SinkState, K> {
  const { [key]: _, ...rest } = sink;
  return rest;
}

/** Moves the phase by the table. `made` is the phase with its data, used where the table leads to it or the sink is in it. */
function move(sink: SinkState, trigger: Trigger, made?: Phase): SinkState {
  const to = nextPhase(sink.phase.name, trigger);
  if (made !== undefined && made.name === to) return { ...sink, phase: made };
  if (to === sink.phase.name) return sink;
  return { ...sink, phase: plain(to, sink) };
}

function plain(name: Phase["name"], sink: SinkState): Phase {
  switch (name) {
    case "starting":
    case "flowing":
    case "idle":
      return { name };
    case "catching-up":
      return { name, ...(sink.behind ?? { behindMs: 0 }) };
    default:
      throw new Error(`phase ${name} needs its data`);
  }
}

/** What is the same goes on with its read position and cursor. */
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
  const after = withSource(sink, event.source, ({ failure: _, ...source }) => ({
    ...source,
    read: event.to,
    series: event.series,
    samplesLastRead: event.read,
    lastReadMs: event.durationMs,
    lastReadAt: event.at,
  }));
  const account = enter(sink.account, { read: event.read, dropped: event.dropped });
  const readPerS = (1000 * event.read) / Math.max(1, event.to - event.from);
  const pace = { ...sink.pace, readPerS: smoothed(sink.pace.readPerS, readPerS) };
  const counted = { ...after, account, pace, lastReadAt: event.at };
  return event.read === 0 ? counted : move({ ...counted, lastSampleAt: event.at }, "samples-read");
}

function attemptEnded(sink: SinkState, event: Extract<SinkEvent, { type: "attempt-ended" }>): SinkState {
  const { at, attempt, samples, bytes, durationMs, result } = event;
  const { kind, ...outcome } = result;
  const record: AttemptRecord = { at, attempt, samples, bytes, durationMs, ...outcome };
  const after: SinkState = {
    ...sink,
    inFlight: event.inFlight,
    attempts: [...sink.attempts.slice(1 - ATTEMPTS_KEPT), record],
    attemptsTotal: sink.attemptsTotal + 1,
    retries: sink.retries + (attempt > 1 ? 1 : 0),
    latency: addLatency(sink.latency, at, durationMs),
  };
  if (result.kind === "delivered") return delivered(after, event);
  return result.reason === "SamplesRejected" ? refused(after, samples, result) : failed(after, at, result);
}

function delivered(
  sink: SinkState,
  { at, samples, bytes, durationMs }: { at: EpochMs; samples: number; bytes: number; durationMs: number },
): SinkState {
  const { failing, refusal: _, restored: __, ...rest } = sink;
  const after: SinkState = {
    ...rest,
    account: enter(sink.account, { delivered: samples }),
    samples: addToRing(sink.samples, at, samples),
    bytes: addToRing(sink.bytes, at, bytes),
    failuresInRow: 0,
    pace: { ...sink.pace, sendPerS: smoothed(sink.pace.sendPerS, (1000 * samples) / Math.max(1, durationMs)) },
    lastSuccessAt: at,
    // Late because it failed: what it has to catch up with is known in a moment, and the next tick looks again.
    late: sink.late && failing === undefined,
    ...(failing?.lost === undefined ? {} : { lastLost: failing.lost }),
    rejected: refusedEverything(sink) ? [] : sink.rejected,
  };
  return move(after, sink.behind === undefined ? "delivered" : "delivered-behind");
}

/** Refused while nothing at all was taken: that was no fault of the series named. One that is at fault is refused again. */
const refusedEverything = ({ failing, failuresInRow }: SinkState): boolean =>
  failing?.reason === "SamplesRejected" && failuresInRow >= FAILURES_TO_NOT_READY;

/** The first measure counts whole, later ones a fifth. */
const smoothed = (was: number, now: number): number => (was === 0 ? now : was + (now - was) / 5);

type Failure = Extract<Extract<Event, { type: "attempt-ended" }>["result"], { kind: "failed" }>;

function failed(sink: SinkState, at: EpochMs, { kind: _, ...failure }: Failure): SinkState {
  const { reason: _was, status: __, message: ___, ...rest } = { since: at, dropped: 0, ...sink.failing };
  return { ...sink, failuresInRow: sink.failuresInRow + 1, failing: { ...rest, ...failure } };
}

/** Samples were refused: whether that is the sink's trouble or some series' is known when the batch is through. */
function refused(sink: SinkState, samples: number, { kind: _, reason: __, ...answer }: Failure): SinkState {
  const refusal = { samples, dropped: 0, ...sink.refusal, ...answer };
  return move({ ...sink, refusal }, "answered");
}

function dropped(sink: SinkState, event: Extract<SinkEvent, { type: "dropped" }>): SinkState {
  const after: SinkState = {
    ...sink,
    account: enter(sink.account, { dropped: { [event.reason]: event.samples } }),
    deadLetters: sink.deadLetters + (event.kept ? event.samples : 0),
  };
  if (sink.failing !== undefined) after.failing = droppedAlso(sink.failing, event);
  if (sink.refusal === undefined) return after;
  const { refusal: _, ...rest } = after;
  if (event.reason === "refused_replay") return rest; // what was sent before may be refused: nothing is wrong
  const refusal = droppedAlso(sink.refusal, event);
  if (refusal.dropped < refusal.samples) return { ...after, refusal };
  // While the sink was failing already each part was counted as it was dropped (above).
  const { samples: __, ...refused } = refusal;
  const failing = after.failing ?? { since: event.at, reason: "SamplesRejected", ...refused };
  const { dropped: ___, lost: ____, ...answer } = refused;
  return failed({ ...rest, failing }, event.at, { kind: "failed", reason: "SamplesRejected", ...answer });
}

function rejectedAlso(
  rejected: SinkState["rejected"],
  { series, samples, message, at }: Extract<SinkEvent, { type: "series-rejected" }>,
): SinkState["rejected"] {
  const was = rejected.find((r) => r.series === series);
  const others = rejected.filter((r) => r.series !== series);
  const alike = rejected.findLast((r) => gist(r.message) === gist(message));
  const nth = was?.nth ?? (alike?.nth ?? 0) + 1;
  return [...others.slice(1 - REJECTED_KEPT), { series, samples: (was?.samples ?? 0) + samples, message, at, nth }];
}

function behind(sink: SinkState, { behindMs, etaMs }: { behindMs: number; etaMs?: number }): SinkState {
  const { behind: _, ...rest } = sink;
  if (behindMs <= 0) return move(rest, "caught-up");
  const missing = etaMs === undefined ? { behindMs } : { behindMs, etaMs };
  return move({ ...rest, behind: missing }, "behind", { name: "catching-up", ...missing });
}
