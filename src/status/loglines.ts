// Which events are worth a line, and its text: one line for each change of state, none for each attempt; what repeats is summed up
// at ever longer intervals. The event list of the screen shows the same lines. Pure.
import type { EpochMs } from "../platform/clock.ts";
import { droppedTotal } from "./account.ts";
import { readyOf } from "./conditions.ts";
import type { Event, SinkId } from "./events.ts";
import { replayOf } from "./lost.ts";
import { lagOf, sinkOf } from "./sinks.ts";
import type { SinkState, Snapshot } from "./snapshot.ts";
import { age, count, counted, instant } from "./words.ts";

export type LogLine = {
  level: "info" | "warn" | "error";
  text: string;
  fields: Readonly<Record<string, string | number>>;
};

const line = (level: LogLine["level"], text: string, fields: LogLine["fields"] = {}): LogLine => ({
  level,
  text,
  fields,
});

export function logLine(event: Event, before: Snapshot, after: Snapshot): LogLine | undefined {
  switch (event.type) {
    case "agent-started":
      return line(
        "info",
        `outflow ${event.version} started: source ${event.sourceUrl}, state in ${event.stateDir}, admin on ${event.listen}.`,
      );
    case "policies-loaded":
      return policiesLoaded(event);
    case "source-answered":
      return sourceAnswered(event, before.source);
    case "source-failed":
      return sourceFailed(event, after.source);
    case "state-store":
    case "log-output":
      return line(event.state === "ok" ? "info" : "warn", event.message);
    case "notice":
      return line(event.level, event.message);
    case "tick":
      return changedByTime(before, after);
    case "sink-refused":
      return sameRefusal(before, event)
        ? undefined
        : line("error", `${event.sink.id}: refused (${event.reason}): ${event.message}`, {
            sink: event.sink.id,
            reason: event.reason,
          });
    case "sink-started":
      return undefined;
    default:
      return sinkLine(event, sinkOf(before, event.id), sinkOf(after, event.id), after);
  }
}

type SinkLineEvent = Extract<Event, { id: SinkId }>;

function sinkLine(
  event: SinkLineEvent,
  was: SinkState | undefined,
  now: SinkState | undefined,
  after: Snapshot,
): LogLine | undefined {
  const { id } = event;
  const say = (level: LogLine["level"], text: string, fields: LogLine["fields"] = {}) =>
    line(level, `${id}: ${text}`, { sink: id, ...fields });
  switch (event.type) {
    case "sink-paused":
      return say("info", "paused: nothing is read or sent, the cursor stays.");
    case "sink-resumed":
      return say("info", "resumed.");
    case "sink-draining":
      return event.why === "removed"
        ? say("info", `removed from its policy; draining.${whereItStood(was)}`)
        : undefined;
    case "sink-crashed":
      return say(
        "error",
        `a bug in outflow ended this sink's work; it starts again at ${instant(event.restartAt)}. Please report it: ${event.message}`,
      );
    case "skipped":
      return say(
        "warn",
        `skipped ${age(event.to - event.from)} of source ${event.source} (${instant(event.from)} to ${instant(event.to)}): ${event.why}.`,
        { reason: "skipped" },
      );
    case "evidence":
      return undefined;
    case "series-rejected":
      return rejected(event, was, now, say);
    case "late":
      return say(
        "warn",
        `${counted(event.samples, "sample")} of source ${event.source} came too late to be read (${instant(event.from)} to ${instant(event.to)}). To send them: ${event.remedy}`,
        { reason: "late", samples: event.samples },
      );
    case "returned":
      return say("info", `gave ${counted(event.samples, "sample")} back unsent; they will be read again.`, {
        samples: event.samples,
      });
    case "dropped":
      return dropped(event, was, now, say);
    default:
      return readyChanged(was, now, event.at, after, say) ?? stillFailing(event, was, now, say);
  }
}

type Say = (level: LogLine["level"], text: string, fields?: LogLine["fields"]) => LogLine;

/** The first series that is refused with these words, then each time there are twice as many. */
function rejected(
  { series, message }: Extract<Event, { type: "series-rejected" }>,
  was: SinkState | undefined,
  now: SinkState | undefined,
  say: Say,
): LogLine | undefined {
  const { nth = 1 } = now?.rejected.at(-1) ?? {};
  if (was?.rejected.some((r) => r.series === series) || !Number.isInteger(Math.log2(nth))) return undefined;
  const soFar = nth === 1 ? "" : ` (${count(nth)} refusals like this so far)`;
  return say("warn", `the endpoint does not take ${series}${soFar}: ${message}`, { reason: "rejected" });
}

/** The first drop for a reason, then each time the number has doubled. */
function dropped(
  event: Extract<Event, { type: "dropped" }>,
  was: SinkState | undefined,
  now: SinkState | undefined,
  say: Say,
): LogLine | undefined {
  const before = was?.account.dropped[event.reason] ?? 0;
  const total = now?.account.dropped[event.reason] ?? event.samples;
  if (Math.floor(Math.log2(before)) === Math.floor(Math.log2(total))) return undefined;
  const soFar = before > 0 ? ` (${count(total)} so far)` : "";
  return say("warn", `dropped ${counted(event.samples, "sample")}${soFar}, ${event.reason}: ${event.message}`, {
    reason: event.reason,
    samples: total,
  });
}

/** A change of Ready, whichever event caused it. What the source's own line says is not said again for each sink. */
function readyChanged(
  was: SinkState | undefined,
  now: SinkState | undefined,
  at: EpochMs,
  after: Snapshot,
  say: Say,
): LogLine | undefined {
  if (was === undefined || now === undefined) return undefined;
  const [before, ready] = [readyOf(was), readyOf(now)];
  if (ready === before) return undefined;
  const { status, reason } = ready;
  const fields = { reason };
  if (status === "False" && (before.status !== "False" || before.reason !== reason)) {
    if (reason === "SourceUnavailable" && after.source.health === "failing") return undefined;
    return say("warn", `not ready (${reason}): ${ready.message}`, fields);
  }
  if (status !== "True" || before.status === "True" || before.reason === "SourceUnavailable") return undefined;
  if (before.status === "Unknown") return say("info", `ready (${reason}): ${ready.message}`, fields);
  const lost =
    was.failing === undefined || was.failing.dropped === 0
      ? ""
      : ` ${counted(was.failing.dropped, "sample")} dropped meanwhile.${was.failing.lost === undefined ? "" : ` To send them: ${replayOf(was.info, [was.failing.lost], after.source.replayFlags)}`}`;
  return say(
    "info",
    `ready again after ${age(at - before.lastTransitionTime)} (${reason}): ${ready.message}${lost}`,
    fields,
  );
}

/** A failure of these last minutes was told already: a sink that fails every other request shall not fill the log. */
const TOLD_MS = 600_000;

function stillFailing(
  event: SinkLineEvent,
  was: SinkState | undefined,
  now: SinkState | undefined,
  say: Say,
): LogLine | undefined {
  if ((event.type !== "backing-off" && event.type !== "holding") || now?.failing === undefined || was === undefined)
    return undefined;
  const { failuresInRow: n, failing } = now;
  const fields = { reason: failing.reason, attempts: n };
  if (n >= 8 && Number.isInteger(Math.log2(n))) {
    const lost = failing.dropped > 0 ? `${counted(failing.dropped, "sample")} dropped` : "nothing is lost";
    return say(
      "warn",
      `still not ready after ${age(event.at - failing.since)}, ${count(n)} attempts in a row failed, ${lost}: ${failing.message}`,
      fields,
    );
  }
  if (n !== 1 || event.type !== "backing-off") return undefined;
  if (now.attempts.some((a, i) => i < now.attempts.length - 1 && a.reason !== undefined && event.at - a.at < TOLD_MS))
    return undefined;
  return say(
    "warn",
    `attempt ${event.attempt} of ${event.maxAttempts} failed, the next in ${age(event.retryAt - event.at)}: ${event.message}`,
    fields,
  );
}

const NAMED = 3;

/** A tick may change several sinks at once: one line for all of them. */
function changedByTime(before: Snapshot, after: Snapshot): LogLine | undefined {
  if (before.sinks === after.sinks) return undefined;
  const late = after.sinks.filter((sink, i) => {
    const was = before.sinks[i];
    return was !== sink && was !== undefined && readyOf(sink).status === "False" && readyOf(was).status !== "False";
  });
  const first = late[0] && readyOf(late[0]);
  if (first === undefined) return undefined;
  const names = `${late
    .slice(0, NAMED)
    .map((s) => s.id)
    .join(", ")}${late.length > NAMED ? ` and ${late.length - NAMED} more` : ""}`;
  return line("warn", `${names}: not ready (${first.reason}): ${first.message}`, { reason: first.reason });
}

function policiesLoaded(event: Extract<Event, { type: "policies-loaded" }>): LogLine {
  const problems = event.problems.filter((p) => p.severity === "problem").length;
  const sinks = event.policies.reduce((n, p) => n + p.sinks.length, 0);
  const running = `${event.policies.length === 1 ? "1 policy" : `${count(event.policies.length)} policies`} with ${counted(sinks, "sink")}`;
  const fields = { policies: event.policies.length, sinks, problems };
  if (!event.ok)
    return line(
      "error",
      `Policies have ${counted(problems, "problem")}: ${event.policies.length === 0 ? "nothing runs until that is mended" : `${running} from the last good version keep running`}.`,
      fields,
    );
  if (event.policies.length === 0) {
    return line(
      "warn",
      "No policies found: nothing to do until one appears. Write an ExportPolicy into the policy directory; outflow check tells whether it is right.",
      fields,
    );
  }
  return line("info", `Loaded ${running} from ${counted(event.files, "file")}.`, fields);
}

const CLOCK_WARNING_MS = 5_000;

function sourceAnswered(
  event: Extract<Event, { type: "source-answered" }>,
  was: Snapshot["source"],
): LogLine | undefined {
  const difference = `${age(Math.abs(event.clockDifferenceMs))} ${event.clockDifferenceMs < 0 ? "behind" : "ahead of"} this host's`;
  const off = Math.abs(event.clockDifferenceMs) > CLOCK_WARNING_MS;
  const clock = off ? ` Its clock is ${difference}; windows follow the source's clock.` : "";
  if (was.health === "failing")
    return line("info", `The source answers again after ${age(event.at - (was.failure?.since ?? event.at))}.${clock}`);
  if (was.health === "unknown")
    return line("info", `The source answers${event.kind === "unknown" ? "" : ` (${event.kind})`}.${clock}`);
  const wasOff = Math.abs(was.clockDifferenceMs ?? 0) > CLOCK_WARNING_MS;
  return off && !wasOff
    ? line("warn", `The source's clock is ${difference}; windows follow the source's clock.`)
    : undefined;
}

function sourceFailed(
  event: Extract<Event, { type: "source-failed" }>,
  { failure }: Snapshot["source"],
): LogLine | undefined {
  const n = failure?.inRow ?? 1;
  const fields = { reason: event.reason };
  if (n === 1) return line("warn", `The source cannot be read: ${event.message}`, fields);
  if (n < 8 || !Number.isInteger(Math.log2(n))) return undefined;
  return line(
    "warn",
    `The source still cannot be read after ${age(event.at - (failure?.since ?? event.at))} and ${count(n)} tries: ${event.message}`,
    fields,
  );
}

function sameRefusal(before: Snapshot, event: Extract<Event, { type: "sink-refused" }>): boolean {
  const phase = sinkOf(before, event.sink.id)?.phase;
  return phase?.name === "refused" && phase.reason === event.reason && phase.message === event.message;
}

function whereItStood(sink: SinkState | undefined): string {
  const cursors = (sink?.sources ?? []).flatMap((s) =>
    s.cursor === undefined ? [] : [`${s.name} at ${instant(s.cursor)}`],
  );
  return cursors.length === 0 ? "" : ` It stood at: ${cursors.join(", ")}; put back within a day it goes on there.`;
}

/** Once a minute, for whoever reads the log. `sinceDelivered`: the `delivered` of the summary before. */
export function summaryLine({ sinks, at }: Snapshot, sinceDelivered: number): { line: LogLine; delivered: number } {
  const sum = (of: (sink: SinkState) => number) => sinks.reduce((n, sink) => n + of(sink), 0);
  const ready = sum((s) => (readyOf(s).status === "True" ? 1 : 0));
  const delivered = sum((s) => s.account.delivered);
  const dropped = sum((s) => droppedTotal(s.account));
  const pending = sum((s) => s.account.pending);
  const lag = Math.max(0, ...sinks.map((s) => lagOf(s, at) ?? 0));
  const text = `${ready} of ${counted(sinks.length, "sink")} ready; delivered ${counted(delivered - sinceDelivered, "sample")} in the last minute, ${count(delivered)} in all, dropped ${count(dropped)}, pending ${count(pending)}; largest lag ${age(lag)}.`;
  return {
    line: line("info", text, { sinks: sinks.length, ready, delivered, dropped, pending, lagMs: Math.round(lag) }),
    delivered,
  };
}
