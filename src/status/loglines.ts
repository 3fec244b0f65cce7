// Which events are worth a line, and its text: one line for each change of state, none for each attempt. The TUI's event list shows
// the same lines. Pure.
import { readyOf } from "./conditions.ts";
import type { Event, SinkId } from "./events.ts";
import type { SinkState, Snapshot } from "./snapshot.ts";
import { counted, durationWords } from "./words.ts";

export type LogLine = { level: "info" | "warn" | "error"; text: string };

export function logLine(event: Event, before: Snapshot, after: Snapshot): LogLine | undefined {
  switch (event.type) {
    case "agent-started":
      return info(`outflow ${event.version} started: source ${event.sourceUrl}, state in ${event.stateDir}, admin on ${event.listen}.`);
    case "policies-loaded":
      return policiesLoaded(event);
    case "source-answered":
      return sourceAnswered(event, before);
    case "source-failed":
      return before.source.health === "failing" && before.source.failure?.message === event.message ? undefined : warn(event.message);
    case "sink-refused":
      return warn(`${event.sink.id}: refused (${event.reason}): ${event.message}`);
    case "sink-draining":
      return event.why === "removed" ? info(`${event.id}: removed from its policy; draining.${whereItStood(before.sinks[event.id])}`) : undefined;
    case "sink-crashed":
      return { level: "error", text: `${event.id}: a bug stopped this sink: ${event.message} It starts again in ${durationWords(event.restartAt - event.at)}.` };
    case "skipped":
      return warn(`${event.id}: skipped ${durationWords(event.to - event.from)} of source ${event.source} (${iso(event.from)} to ${iso(event.to)}): ${event.why}.`);
    case "dropped":
      return warn(`${event.id}: dropped ${counted(event.samples, "sample")} (${event.reason}). ${event.message}`);
    case "returned":
      return info(`${event.id}: gave ${counted(event.samples, "sample")} back unsent; they will be read again.`);
    case "state-store":
      return warn(event.message);
    case "notice":
      return { level: event.level, text: event.message };
    case "sink-paused":
      return info(`${event.id}: paused.`);
    case "sink-resumed":
      return info(`${event.id}: resumed.`);
    default:
      return readyChanged(event, before, after);
  }
}

/** The line of a change of Ready, whichever event caused it; one for the first failure as well. */
function readyChanged(event: Event, before: Snapshot, after: Snapshot): LogLine | undefined {
  const id: SinkId | undefined = "id" in event ? event.id : undefined;
  if (id === undefined) return undefined;
  const now = after.sinks[id];
  const was = before.sinks[id];
  if (now === undefined || was === undefined) return undefined;
  const ready = readyOf(now);
  if (ready.status !== readyOf(was).status || (ready.status === "False" && ready.reason !== readyOf(was).reason)) {
    if (ready.status === "False") return warn(`${id}: not ready (${ready.reason}): ${ready.message}`);
    const after = readyOf(was).status === "False" ? ` after ${durationWords(event.at - readyOf(was).lastTransitionTime)}` : "";
    return info(`${id}: ready${after} (${ready.reason}). ${ready.message}`);
  }
  if (event.type === "backing-off" && was.phase.name !== "backing-off") {
    return warn(`${id}: attempt ${event.attempt} of ${event.maxAttempts} failed, next in ${durationWords(event.retryAt - event.at)}: ${event.message}`);
  }
  return undefined;
}

function policiesLoaded(event: Extract<Event, { type: "policies-loaded" }>): LogLine {
  const problems = event.problems.filter((p) => p.severity === "problem").length;
  const sinks = event.policies.reduce((n, p) => n + p.sinks.length, 0);
  const running = `${counted(event.policies.length, "polic").replace(/polics$/, "policies").replace(/polic$/, "policy")} with ${counted(sinks, "sink")}`;
  if (!event.ok) return { level: "error", text: `Policies have ${counted(problems, "problem")}: ${running} from the last good version keep running.` };
  if (event.policies.length === 0) return warn("No policies found: nothing to do until one appears. Write an ExportPolicy into the policy directory; outflow check tells whether it is right.");
  return info(`Loaded ${running} from ${counted(event.files, "file")}.`);
}

function sourceAnswered(event: Extract<Event, { type: "source-answered" }>, before: Snapshot): LogLine | undefined {
  const { source } = before;
  const difference = `${durationWords(Math.abs(event.clockDifferenceMs))} ${event.clockDifferenceMs < 0 ? "behind" : "ahead of"} this host`;
  const clock = Math.abs(event.clockDifferenceMs) > CLOCK_WARNING_MS ? ` Its clock is ${difference}; windows follow the source's clock.` : "";
  if (source.health === "failing") return info(`The source answers again after ${durationWords(event.at - (source.failure?.since ?? event.at))}.${clock}`);
  if (source.health === "unknown") return info(`The source answers${event.kind === "unknown" ? "" : ` (${event.kind})`}.${clock}`);
  const was = Math.abs(source.clockDifferenceMs ?? 0) > CLOCK_WARNING_MS;
  return clock !== "" && !was ? warn(`The source's clock is ${difference}; windows follow the source's clock.`) : undefined;
}

const CLOCK_WARNING_MS = 5_000;

function whereItStood(sink: SinkState | undefined): string {
  const cursors = sink?.sources.filter((s) => s.cursor !== undefined).map((s) => `${s.name} at ${iso(s.cursor!)}`) ?? [];
  return cursors.length === 0 ? "" : ` It stood at: ${cursors.join(", ")}; put back within a day it goes on there.`;
}

/** Once a minute, for whoever reads the log. */
export function summaryLine(s: Snapshot, sinceDelivered: number): { line: LogLine; delivered: number } {
  const sinks = Object.values(s.sinks);
  const ready = sinks.filter((sink) => sink.conditions[1]?.status === "True").length;
  const sum = (of: (sink: SinkState) => number) => sinks.reduce((n, sink) => n + of(sink), 0);
  const delivered = sum((k) => k.account.delivered);
  const dropped = sum((k) => Object.values(k.account.dropped).reduce((a, b) => a + b, 0));
  const lag = Math.max(0, ...sinks.flatMap((k) => k.sources.map((source) => source.lagMs ?? 0)));
  const text = `${ready} of ${counted(sinks.length, "sink")} ready; delivered ${counted(delivered - sinceDelivered, "sample")} in the last minute, ${delivered.toLocaleString("en-US")} in all, dropped ${dropped.toLocaleString("en-US")}, pending ${sum((k) => k.account.pending).toLocaleString("en-US")}; largest lag ${durationWords(lag)}.`;
  return { line: info(text), delivered };
}

const info = (text: string): LogLine => ({ level: "info", text });
const warn = (text: string): LogLine => ({ level: "warn", text });
const iso = (ms: number): string => new Date(ms).toISOString();
