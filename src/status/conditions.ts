// What a sink and a policy report, derived from their state by one table each (design.md, Status): in goes the state, out come
// Kubernetes conditions. lastTransitionTime moves only when status does. Pure.
import type { EpochMs } from "../platform/clock.ts";
import { dropReasons, type FailureReason, type SinkId } from "./events.ts";
import { CALM_MS, flapping, steadied } from "./flapping.ts";
import type { Condition, SinkSource, SinkState } from "./snapshot.ts";
import { age, clockTime, counted, instant, sentence } from "./text/words.ts";

/** A sink before its conditions are derived. */
type Unreported = Omit<SinkState, "conditions">;

type Report = Pick<Condition, "status" | "reason" | "message">;

/** One failed attempt (or read) may be chance; from the second in a row on the sink is not ready. */
export const FAILURES_TO_NOT_READY = 2;

/** 2 polls of 15 s, evalDelay 35 s, 30 s of grace; batch.timeout comes on top. */
const DEFAULT_READY_LAG_MS = 95_000;

export const readyLagMs = ({ info }: Unreported): number =>
  info.readyLagMs ?? DEFAULT_READY_LAG_MS + info.batch.timeoutMs;

/** What to do where the failure's own message does not say it. */
export const remedies: Readonly<Record<FailureReason, string>> = {
  EndpointUnreachable: "",
  TLSFailure:
    "Check the server's certificate (name, dates, authority) and, where it asks for one, our client certificate.",
  Timeout: "If the receiver is slow, lower batch.maxSize or raise --send-timeout.",
  ServerError: "The cause is at the receiver: check its log.",
  ProtocolError: "",
  RateLimited: "Ask for a higher limit at the receiver, or send less: fewer series, a longer --poll-interval.",
  AuthenticationRejected: "",
  NotFound: "",
  Redirected: "",
  SamplesRejected: "The receiver's message says what it refuses: exclude those series from the query.",
};

/** The conditions of a sink after a change, the old ones where nothing changed; and what it would report if it did not flap. */
export function sinkConditions(
  sink: Unreported,
  before: SinkState["conditions"] | readonly [],
  at: EpochMs,
): Pick<SinkState, "conditions" | "steadiness"> {
  const generation = sink.info.generation;
  const accepted = moved("Accepted", accept(sink), before, at, generation);
  const report = ready(sink);
  const was = before[1];
  // A sink that drains or has stopped says nothing new about its endpoint.
  if (report === undefined && was !== undefined)
    return {
      steadiness: sink.steadiness,
      conditions: before.length === 2 && before[0] === accepted ? before : [accepted, was],
    };
  const told = report ?? pending(sink);
  const steadiness = steadied(sink.steadiness, told, at);
  const flaps = isWorking(sink) ? flapping(steadiness, at) : undefined;
  const now = moved("Ready", flaps === undefined ? told : unsteady(flaps, sink), before, at, generation);
  return {
    steadiness,
    conditions: before.length === 2 && before[0] === accepted && before[1] === now ? before : [accepted, now],
  };
}

const isWorking = ({ phase }: Unreported): boolean =>
  phase.name !== "refused" && phase.name !== "paused" && !(phase.name === "starting" && phase.crash !== undefined);

function unsteady({ turns, overMs }: { turns: number; overMs: number }, { failing, attempts }: Unreported): Report {
  const last = failing?.message ?? attempts.findLast((a) => a.message !== undefined)?.message;
  const why = last === undefined ? "" : ` The last failure: ${sentence(last)}`;
  return no(
    "Flapping",
    `Flapping, ${turns} changes in ${age(overMs)}: batches are accepted and fail alternately.${why} It is ready again when nothing has changed for ${age(CALM_MS)}.`,
  );
}

/** A sink has both from its first moment on. */
export const acceptedOf = (sink: SinkState): Condition => sink.conditions[0];
export const readyOf = (sink: SinkState): Condition => sink.conditions[1];

function moved(
  type: Condition["type"],
  report: Report,
  before: readonly Condition[],
  at: EpochMs,
  observedGeneration: number,
): Condition {
  const was = before.find((c) => c.type === type);
  if (was === undefined) return { type, ...report, lastTransitionTime: at, observedGeneration };
  const { status, reason, message } = report;
  if (was.status !== status) return { type, ...report, lastTransitionTime: at, observedGeneration };
  if (was.reason === reason && was.message === message && was.observedGeneration === observedGeneration) return was;
  return { ...was, reason, message, observedGeneration };
}

function accept({ phase }: Unreported): Report {
  if (phase.name === "refused") return { status: "False", reason: phase.reason, message: phase.message };
  return { status: "True", reason: "SinkConfigured", message: "The sink's configuration is complete." };
}

/** Undefined: as it was. */
function ready(sink: Unreported): Report | undefined {
  const { phase, failing } = sink;
  if (phase.name === "refused") return { status: "False", reason: phase.reason, message: phase.message };
  if (phase.name === "draining" || phase.name === "stopped") return undefined;
  if (phase.name === "paused") return paused(phase.since);
  if (phase.name === "starting" && phase.crash !== undefined) return crashed(phase.crash);
  if (phase.name === "holding") return no(phase.reason, `${sentence(phase.message)} ${held(sink, phase.probeAt)}`);
  if (failing !== undefined && (sink.late || sink.failuresInRow >= FAILURES_TO_NOT_READY)) {
    return no(failing.reason, failed(sink));
  }
  // What is late while a source fails is late for that, whatever comes of its next read.
  const source = sink.sources.find((s) => failsForGood(s) || (sink.late && s.failure !== undefined));
  if (source?.failure !== undefined) return no(source.failure.reason, unread(source));
  if (sink.late) return no("Lagging", lagging(sink));
  if (phase.name === "idle") {
    return yes(
      "Idle",
      "There is nothing to send: the sources return no samples at present. New samples are sent at the next poll.",
    );
  }
  if (phase.name === "catching-up") return yes("CatchingUp", catchesUp(phase));
  if (phase.name === "flowing" && sink.lastSuccessAt !== undefined)
    return yes("Delivering", sink.webPage ? WEB_PAGE : "Data is arriving: the endpoint accepts the batches.");
  const was = sink.steadiness;
  if (phase.name === "backing-off" && was.status === "True") {
    return yes(
      was.reason,
      `Data was arriving until one attempt failed; the next attempt is at ${clockTime(phase.retryAt)}. ${sentence(phase.message)}`,
    );
  }
  if (sink.restored !== undefined) return asBefore(sink.restored);
  return pending(sink);
}

/** Nothing is known yet of this life of the agent: what was reported before it still holds, and says that it is old. */
function asBefore({ status, reason, message }: Condition): Report {
  const old = "Reported before outflow was restarted: ";
  return { status, reason, message: message.startsWith(old) ? message : `${old}${message}` };
}

/** Success by the specification; but nothing of it may be stored. */
export const WEB_PAGE =
  "The endpoint accepts the batches, but answers with a web page: is this the remote-write address?";

const yes = (reason: string, message: string): Report => ({ status: "True", reason, message });
const no = (reason: string, message: string): Report => ({ status: "False", reason, message });

function pending({ phase, sources }: Unreported): Report {
  const message =
    phase.name === "backing-off"
      ? `The first attempt failed; the next is at ${clockTime(phase.retryAt)}. ${sentence(phase.message)}`
      : `Nothing has been delivered yet: ${sources.some((s) => s.lastReadAt !== undefined) ? "the first batch is on its way" : "the first window is being read"}.`;
  return { status: "Unknown", reason: "Pending", message };
}

const paused = (since: EpochMs): Report =>
  no(
    "Paused",
    `Paused since ${instant(since)}: nothing is read or sent and the cursor stays. Resume the sink to continue from there.`,
  );

const crashed = ({ message, restartAt }: { message: string; restartAt: EpochMs }): Report =>
  no(
    "InternalError",
    `A bug in outflow stopped this sink; it restarts at ${clockTime(restartAt)}. Please report it: ${message}`,
  );

const held = (sink: Unreported, probeAt: EpochMs): string =>
  `The request is held${lost(sink)}; the next probe is at ${clockTime(probeAt)}, or at once when the policy or its Secret changes.`;

function failed(sink: Unreported): string {
  const { failing, phase, failuresInRow } = sink;
  if (failing === undefined) return "";
  // Between an attempt's end and its backoff the phase still has the time of the attempt itself.
  const ahead = phase.name === "backing-off" && phase.retryAt > (sink.attempts.at(-1)?.at ?? 0);
  const next = ahead ? `; the next is at ${clockTime(phase.retryAt)}` : "";
  const times = `${counted(failuresInRow, "attempt")} in a row failed since ${instant(failing.since)}${lost(sink)}${next}.`;
  return [sentence(failing.message), remedies[failing.reason], times].filter((s) => s !== "").join(" ");
}

const lost = ({ failing }: Unreported): string =>
  failing !== undefined && failing.dropped > 0
    ? `, ${counted(failing.dropped, "sample")} dropped`
    : ", no data is lost";

/** A query error remains until the query is corrected; a source that is away once may be back at the next poll. */
export const failsForGood = ({ failure }: SinkSource): boolean =>
  failure !== undefined && (failure.reason === "QueryFailed" || failure.inRow >= FAILURES_TO_NOT_READY);

function unread({ name, failure }: SinkSource): string {
  if (failure === undefined) return "";
  const since = `${counted(failure.inRow, "read")} in a row failed since ${instant(failure.since)}`;
  return failure.reason === "QueryFailed"
    ? `The query of source "${name}" fails: ${sentence(failure.message)} Correct it in the policy. ${since}; nothing is skipped.`
    : `Source "${name}" cannot be read: ${sentence(failure.message)} ${since}; reading continues from the cursor when the source responds.`;
}

function lagging(sink: Unreported): string {
  const limit = age(readyLagMs(sink));
  const gone = lostSinceArrival(sink);
  if (gone !== "")
    return `Nothing has arrived for more than ${limit}: everything that was read since then was dropped (${gone}).`;
  if (sink.lastSuccessAt === undefined)
    return `Nothing has been delivered yet, and the oldest data that is missing is more than ${limit} old.`;
  return `Data arrives more than ${limit} late though nothing fails: the source or the endpoint is too slow for this much data. Raise batch.maxSize or --max-concurrency, or select fewer series.`;
}

/** `exhausted, invalid_name`: why nothing arrives though the cursor moves; empty while something arrives. */
export function lostSinceArrival({ sources, account }: Unreported): string {
  if (!sources.some((s) => s.arrived !== undefined && s.cursor !== undefined && s.arrived < s.cursor)) return "";
  return dropReasons.filter((reason) => account.dropped[reason] > 0).join(", ");
}

/** The time in whole minutes: a message that changed with every window would be news each time. */
function catchesUp({ doneAt }: { doneAt?: EpochMs }): string {
  const done =
    doneAt === undefined
      ? ""
      : `; it should be done at about ${instant(Math.ceil(doneAt / 60_000) * 60_000).slice(11, 16)}Z`;
  return `Catching up: batches are accepted, and missing data is sent, oldest first${done}.`;
}

/** The Ready condition of a policy, from those of its sinks. */
export function policyConditions(
  sinks: readonly { id: SinkId; name: string; ready: Condition | undefined }[],
  before: readonly Condition[],
  at: EpochMs,
  generation: number,
): readonly Condition[] {
  // After a restart sinks come one by one: what was reported of the policy holds until all are there.
  if (before.length > 0 && sinks.some((s) => s.ready === undefined)) return before;
  const now = moved("Ready", policyReady(sinks), before, at, generation);
  return before[0] === now ? before : [now];
}

const NAMED = 3;

function policyReady(sinks: readonly { name: string; ready: Condition | undefined }[]): Report {
  const bad = sinks.filter((s) => s.ready?.status === "False");
  if (bad.length > 0) {
    const same =
      bad.length > 1 && new Set(bad.map((s) => s.ready?.reason)).size === 1 ? ` (${bad[0]?.ready?.reason})` : "";
    const named = bad.slice(0, NAMED).map((s) => (same === "" ? `${s.name} (${s.ready?.reason})` : s.name));
    const more = bad.length > NAMED ? ` and ${bad.length - NAMED} more` : "";
    const verb = bad.length === 1 ? "is" : "are";
    return no(
      "SinksNotReady",
      `${bad.length} of ${counted(sinks.length, "sink")} ${verb} not ready${same}: ${named.join(", ")}${more}.`,
    );
  }
  const open = sinks.filter((s) => s.ready?.status !== "True").length;
  if (open > 0)
    return {
      status: "Unknown",
      reason: "Pending",
      message: `${open} of ${counted(sinks.length, "sink")} have not delivered yet.`,
    };
  return yes("AllSinksReady", sinks.length === 1 ? "The sink is ready." : `All ${sinks.length} sinks are ready.`);
}
