// What an attempt and a drop change of a sink: whether it is failing, what was refused, what was lost. Pure.
import type { EpochMs } from "../../platform/clock.ts";
import { enter } from "../account.ts";
import { FAILURES_TO_NOT_READY } from "../conditions.ts";
import type { Event } from "../events.ts";
import { move } from "../phase.ts";
import { beginsToWork, isBehind, isLate } from "../progress.ts";
import { addToRing } from "../rings.ts";
import type { AttemptRecord, SinkState } from "../snapshot.ts";
import { droppedAlso, lostBefore } from "../text/lost.ts";
import { gist } from "../text/words.ts";
import { addLatency } from "./latency.ts";

export const ATTEMPTS_KEPT = 20;
export const REJECTED_KEPT = 20;

export function attemptEnded(sink: SinkState, event: Extract<Event, { type: "attempt-ended" }>): SinkState {
  const { at, samples, result } = event;
  if (result.kind === "delivered") return delivered(sink, event, result.webPage === true);
  const after = { ...sink, ...attempted(sink, event) };
  return result.reason === "SamplesRejected" ? refused(after, at, samples, result) : failed(after, at, result);
}

/** What any attempt leaves. */
function attempted(
  sink: SinkState,
  { at, attempt, samples, bytes, durationMs, inFlight, result }: Extract<Event, { type: "attempt-ended" }>,
): Pick<SinkState, "inFlight" | "attempts" | "attemptsTotal" | "retries" | "latency" | "requests"> {
  const { kind: _, ...outcome } = result;
  const record: AttemptRecord = { at, attempt, samples, bytes, durationMs, ...outcome };
  return {
    inFlight,
    attempts: [...sink.attempts.slice(1 - ATTEMPTS_KEPT), record],
    attemptsTotal: sink.attemptsTotal + 1,
    retries: sink.retries + (attempt > 1 ? 1 : 0),
    latency: addLatency(sink.latency, at, durationMs),
    requests: addToRing(sink.requests, at, 1),
  };
}

/** In one step: a sink has many fields, and each copy of them costs as much as all that is counted here. */
function delivered(sink: SinkState, event: Extract<Event, { type: "attempt-ended" }>, webPage: boolean): SinkState {
  const { at, samples, bytes, durationMs } = event;
  const { failing } = sink;
  const after: SinkState = {
    ...untroubled(wasDown(sink) ? beginsToWork(sink, at) : sink),
    ...attempted(sink, event),
    webPage,
    account: enter(sink.account, { delivered: samples }),
    samples: addToRing(sink.samples, at, samples),
    bytes: addToRing(sink.bytes, at, bytes),
    failuresInRow: 0,
    pace: { ...sink.pace, sendPerS: smoothed(sink.pace.sendPerS, (1000 * samples) / Math.max(1, durationMs)) },
    lastSuccessAt: at,
    lost: failing?.lost === undefined ? sink.lost : lostBefore(sink.lost, failing.lost),
    rejected: refusedEverything(sink) ? [] : sink.rejected,
  };
  const behind = isBehind(after, at);
  const late = after.late && isLate(after, at);
  return move(late === after.late ? after : { ...after, late }, behind ? "delivered-behind" : "delivered", at);
}

/** Without what a failure left. Nearly always there is nothing of it, and each attempt comes here. */
function untroubled(sink: SinkState): Omit<SinkState, "failing" | "refusal" | "restored"> {
  if (sink.failing === undefined && sink.refusal === undefined && sink.restored === undefined) return sink;
  const { failing: _, refusal: __, restored: ___, ...rest } = sink;
  return rest;
}

/** More than one attempt that failed at random: the sink was down, and starts over. */
const wasDown = ({ phase, failing, failuresInRow }: SinkState): boolean =>
  phase.name === "holding" || (failing !== undefined && failuresInRow >= FAILURES_TO_NOT_READY);

/** Refused while nothing at all was taken: that was not the fault of the series named. One that is at fault is refused again. */
const refusedEverything = ({ failing, failuresInRow }: SinkState): boolean =>
  failing?.reason === "SamplesRejected" && failuresInRow >= FAILURES_TO_NOT_READY;

/** The first measure counts whole, later ones a fifth. */
export const smoothed = (was: number, now: number): number => (was === 0 ? now : was + (now - was) / 5);

type Failure = Extract<Extract<Event, { type: "attempt-ended" }>["result"], { kind: "failed" }>;

function failed(sink: SinkState, at: EpochMs, { kind: _, ...failure }: Failure): SinkState {
  const { reason: _was, status: __, message: ___, ...rest } = { since: at, dropped: 0, ...sink.failing };
  return { ...sink, failuresInRow: sink.failuresInRow + 1, failing: { ...rest, ...failure } };
}

/** Samples were refused: whether that is the sink's trouble or some series' is known when the batch is through. */
function refused(
  sink: SinkState,
  at: EpochMs,
  samples: number,
  { kind: _, reason: __, ...answer }: Failure,
): SinkState {
  // The probe of a sink that is held for this very refusal changes nothing.
  if (sink.phase.name === "holding" && sink.phase.message === answer.message) return sink;
  const refusal = { samples, dropped: 0, ...sink.refusal, ...answer };
  return move({ ...sink, refusal }, "answered", at);
}

export function dropped(sink: SinkState, event: Extract<Event, { type: "dropped" }>): SinkState {
  const after: SinkState = {
    ...sink,
    account: enter(sink.account, { dropped: { [event.reason]: event.samples } }),
    deadLetters: sink.deadLetters + (event.kept ? event.samples : 0),
  };
  if (sink.failing !== undefined) after.failing = droppedAlso(sink.failing, event);
  else if (event.reason === "conflict") after.lost = lostBefore(sink.lost, { ...event });
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

export function rejectedAlso(
  rejected: SinkState["rejected"],
  { series, samples, message, at }: Extract<Event, { type: "series-rejected" }>,
): SinkState["rejected"] {
  const was = rejected.find((r) => r.series === series);
  const others = rejected.filter((r) => r.series !== series);
  const alike = rejected.findLast((r) => gist(r.message) === gist(message));
  const nth = was?.nth ?? (alike?.nth ?? 0) + 1;
  return [...others.slice(1 - REJECTED_KEPT), { series, samples: (was?.samples ?? 0) + samples, message, at, nth }];
}
