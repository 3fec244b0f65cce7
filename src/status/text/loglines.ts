// Which events are worth a line, and its text: those of the agent, its policies and its source here, those of a sink in sink-lines.ts.
// The event list of the screen shows the same lines. Pure.
import { droppedTotal } from "../account.ts";
import { readyOf } from "../conditions.ts";
import type { Event } from "../events.ts";
import type { FleetStatus } from "../fleet.ts";
import { lagOf, sinkOf } from "../sinks.ts";
import type { SinkState, Snapshot } from "../snapshot.ts";
import { folded } from "./alike.ts";
import { type LogLine, line } from "./logline.ts";
import { changedByTime, sinkLine } from "./sink-lines.ts";
import { age, collisionText, count, counted } from "./words.ts";

/** The lines of one event, in order, and what is remembered of them. `after`: the snapshot that came of the event. */
export const logged = (
  event: Event,
  before: Snapshot,
  after: Snapshot,
): { lines: LogLine[]; alike: Snapshot["alike"] } => folded(before.alike, ownLine(event, before, after), event.at);

function ownLine(event: Event, before: Snapshot, after: Snapshot): LogLine | undefined {
  switch (event.type) {
    case "agent-started":
      return line(
        "info",
        `outflow ${event.version} started: source ${event.sourceUrl}, state in ${event.stateDir}, admin ${event.listen === "off" ? "off" : `on ${event.listen}`}.`,
      );
    case "policies-loaded":
      return event.partial ? undefined : policiesLoaded(event);
    case "source-answered":
      return sourceAnswered(event, before.source);
    case "source-failed":
      return sourceFailed(event, after.source);
    case "state-store":
    case "log-output":
      return line(event.state === "ok" ? "info" : "warn", event.message);
    case "cluster":
      return clusterChanged(event, before, after);
    case "fleet":
      return fleetChanged(event.fleet, before.fleet);
    case "series-collided":
      return line("warn", collisionText(event.lost, event.kept));
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

function policiesLoaded(event: Extract<Event, { type: "policies-loaded" }>): LogLine {
  const problems = event.problems.filter((p) => p.severity === "problem").length;
  const sinks = event.policies.reduce((n, p) => n + p.sinks.length, 0);
  const running = `${event.policies.length === 1 ? "1 policy" : `${count(event.policies.length)} policies`} with ${counted(sinks, "sink")}`;
  const fields = { policies: event.policies.length, sinks, problems };
  if (!event.ok)
    return line(
      "error",
      `Policies have ${counted(problems, "problem")}: ${event.policies.length === 0 ? "nothing runs until this is fixed" : `${running} from the last good version keep running`}.`,
      fields,
    );
  if (event.policies.length === 0 && event.origin === "cluster")
    return line(
      "warn",
      "The API server has no ExportPolicy that outflow may see: nothing to do until one is created with kubectl apply.",
      fields,
    );
  if (event.policies.length === 0) {
    return line(
      "warn",
      "No policies found: nothing to do until one is added. Write an ExportPolicy into the policy directory; outflow check validates it.",
      fields,
    );
  }
  return line(
    "info",
    `Loaded ${running} from ${event.origin === "cluster" ? "the API server" : counted(event.files, "file")}.`,
    fields,
  );
}

/** One line for each kind of trouble, not for each message. */
/** Who comes and goes; what happens to shards is said where it happens. */
function fleetChanged(now: FleetStatus, was: FleetStatus | undefined): LogLine | undefined {
  if (was === undefined) return line("info", `fleet: joined ${now.name} in ${now.engine} as ${now.self}.`);
  const names = (f: FleetStatus) => new Set(f.members.map((m) => m.id));
  const [before, after] = [names(was), names(now)];
  const came = [...after].filter((id) => !before.has(id) && id !== now.self);
  const went = [...before].filter((id) => !after.has(id) && id !== now.self);
  const differs = now.differing.filter((name) => !was.differing.includes(name));
  if (differs.length > 0)
    return line(
      "warn",
      `fleet: the policies of ${differs.join(", ")} differ from those of this agent: give all agents of the fleet the same policies.`,
    );
  if (came.length === 0 && went.length === 0) return undefined;
  const said = [
    ...(came.length > 0 ? [`${came.join(", ")} joined`] : []),
    ...(went.length > 0 ? [`${went.join(", ")} left or stopped sending heartbeats`] : []),
  ];
  return line("info", `fleet: ${said.join("; ")}; ${now.members.length} members.`);
}

function clusterChanged(
  { server, failure, at }: Extract<Event, { type: "cluster" }>,
  { cluster: was }: Snapshot,
  { policies, reloads }: Snapshot,
): LogLine | undefined {
  const old = was?.failure;
  if (failure === undefined)
    return line(
      "info",
      old === undefined
        ? `API server ${server}: connected.`
        : `API server ${server}: works again after ${age(at - old.since)}; policies and status are up to date again.`,
    );
  if (old?.kind === failure.kind && (failure.kind === "network" || old.message === failure.message)) return undefined;
  const meanwhile =
    reloads.lastAt === undefined
      ? "Nothing is exported until the policies can be read."
      : `${policies.length === 1 ? "1 policy continues" : `${count(policies.length)} policies continue`} to be exported as last read.`;
  return line("error", `API server ${server}: ${failure.message} ${meanwhile}`, { kind: failure.kind });
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
    return line("info", `The source responds again after ${age(event.at - (was.failure?.since ?? event.at))}.${clock}`);
  if (was.health === "unknown")
    return line("info", `The source responds${event.kind === "unknown" ? "" : ` (${event.kind})`}.${clock}`);
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
    `The source still cannot be read after ${age(event.at - (failure?.since ?? event.at))} and ${count(n)} attempts: ${event.message}`,
    fields,
  );
}

function sameRefusal(before: Snapshot, event: Extract<Event, { type: "sink-refused" }>): boolean {
  const phase = sinkOf(before, event.sink.id)?.phase;
  return phase?.name === "refused" && phase.reason === event.reason && phase.message === event.message;
}

/** Once a minute, for readers of the log. `sinceDelivered`: the `delivered` of the summary before. */
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
