// The only way to the next snapshot: reduce(snapshot, event). Pure; everything that the event does not touch is shared.
import { atLeap } from "./clock-leap.ts";
import { policyConditions, readyOf } from "./conditions.ts";
import type { Event, SinkId } from "./events.ts";
import { addToRing, emptyRing } from "./rings.ts";
import { newSink, reduceSink, tickSink } from "./sink.ts";
import { inPolicyOrder, sinkOf, withSink } from "./sinks.ts";
import type { SinkState, Snapshot } from "./snapshot.ts";
import { appendLine } from "./text/eventlog.ts";
import { logged } from "./text/loglines.ts";

export const initialSnapshot: Snapshot = {
  version: "",
  startedAt: 0,
  at: 0,
  listen: "off",
  stateDir: "",
  actions: false,
  source: { url: "", replayFlags: "", kind: "unknown", health: "unknown" },
  policies: [],
  problems: [],
  reloads: { ok: 0, failed: 0, lastOk: true },
  stateStore: { state: "ok", message: "" },
  samples: emptyRing,
  bytes: emptyRing,
  sinks: [],
  order: [],
  events: [],
  alike: [],
};

export function reduce(before: Snapshot, event: Event): Snapshot {
  if (event.type === "attempt-started") return attemptStarted(atLeap(before, event.at), event);
  const happened = next(atLeap(before, event.at), event);
  const changed = happened.at === event.at ? happened : { ...happened, at: event.at };
  const after = withPolicyConditions(before, changed, event);
  const { lines, alike } = logged(event, before, after);
  if (lines.length === 0 && alike === before.alike) return after;
  return { ...after, alike, events: lines.reduce((events, line) => appendLine(events, event, line), after.events) };
}

/** Nothing follows from it, and it comes before each request: a short way. */
function attemptStarted(s: Snapshot, event: Extract<Event, { type: "attempt-started" }>): Snapshot {
  const { at, id, inFlight, concurrency } = event;
  const sink = sinkOf(s, id);
  return sink === undefined ? { ...s, at } : withSink(s, { ...sink, inFlight, concurrency }, at);
}

function next(s: Snapshot, event: Exclude<Event, { type: "attempt-started" }>): Snapshot {
  switch (event.type) {
    case "agent-started": {
      const { version, at, listen, stateDir, sourceUrl, replayFlags = "", actions = false, pollMs } = event;
      return {
        ...s,
        version,
        startedAt: at,
        listen,
        stateDir,
        actions,
        ...(pollMs === undefined ? {} : { pollMs }),
        source: { ...s.source, url: sourceUrl, replayFlags },
      };
    }
    case "policies-loaded":
      return policiesLoaded(s, event);
    case "source-answered": {
      const { failure: _, clockSpreadMs: __, ...source } = s.source;
      const { kind, clockDifferenceMs, clockSpreadMs, at } = event;
      const spread = clockSpreadMs === undefined ? {} : { clockSpreadMs };
      return { ...s, source: { ...source, kind, health: "ok", clockDifferenceMs, ...spread, lastAnswerAt: at } };
    }
    case "series-collided":
      return s; // each sink has its own: window-read
    case "source-failed": {
      const { reason, message, at } = event;
      const { since, inRow } = s.source.failure ?? { since: at, inRow: 0 };
      return {
        ...s,
        source: { ...s.source, health: "failing", failure: { reason, message, since, inRow: inRow + 1 } },
      };
    }
    case "state-store":
      return { ...s, stateStore: { state: event.state, message: event.message } };
    case "log-output":
      return { ...s, log: { state: event.state, message: event.message } };
    case "cluster": {
      const { server, failure } = event;
      return { ...s, cluster: { server, ...(failure === undefined ? {} : { failure }) } };
    }
    case "fleet":
      return { ...s, fleet: event.fleet };
    case "notice":
      return s;
    case "tick":
      return tick(s, event);
    case "sink-started":
    case "sink-refused": {
      return withSink(
        s,
        reduceSink(sinkOf(s, event.sink.id) ?? newSink(event.sink, event.at, event.conditions), event),
      );
    }
    case "sink-forgotten":
      return inPolicyOrder(
        s,
        s.sinks.filter((sink) => sink.id !== event.id),
      );
    default: {
      const sink = sinkOf(s, event.id);
      return sink === undefined ? s : withSink(withDelivered(s, event), reduceSink(sink, event), event.at);
    }
  }
}

function withDelivered(s: Snapshot, event: Event): Snapshot {
  if (event.type !== "attempt-ended" || event.result.kind !== "delivered") return s;
  const { at, samples, bytes } = event;
  return { ...s, samples: addToRing(s.samples, at, samples), bytes: addToRing(s.bytes, at, bytes) };
}

function policiesLoaded(s: Snapshot, event: Extract<Event, { type: "policies-loaded" }>): Snapshot {
  const conditions = new Map(s.policies.map((p) => [p.id, p.conditions]));
  const policies = event.policies.map((p) => ({ ...p, conditions: conditions.get(p.id) ?? p.conditions ?? [] }));
  const { ok, failed } = s.reloads;
  if (event.partial) return inPolicyOrder({ ...s, policies, problems: event.problems }, s.sinks);
  const reloads = {
    ok: ok + (event.ok ? 1 : 0),
    failed: failed + (event.ok ? 0 : 1),
    lastAt: event.at,
    lastOk: event.ok,
  };
  return inPolicyOrder({ ...s, policies, problems: event.problems, reloads }, s.sinks);
}

function tick(s: Snapshot, event: Extract<Event, { type: "tick" }>): Snapshot {
  let sinks: SinkState[] | undefined;
  s.sinks.forEach((sink, i) => {
    const after = tickSink(sink, event.at);
    if (after === sink) return;
    sinks ??= s.sinks.slice();
    sinks[i] = after;
  });
  return sinks === undefined ? s : { ...s, sinks };
}

/** A policy's condition follows from Ready of its sinks: looked at again only where one of those changed. */
function withPolicyConditions(before: Snapshot, after: Snapshot, event: Event): Snapshot {
  const concerned = concernedPolicies(before, after, event);
  if (concerned === "none") return after;
  let policies: Snapshot["policies"][number][] | undefined;
  after.policies.forEach((policy, i) => {
    if (concerned !== "all" && policy.id !== concerned) return;
    const sinks = policy.sinks.map((id) => {
      const sink = sinkOf(after, id);
      return { id, name: sink?.info.sink ?? id, ready: sink && readyOf(sink) };
    });
    const conditions = policyConditions(sinks, policy.conditions, event.at, policy.generation);
    if (conditions === policy.conditions) return;
    policies ??= after.policies.slice();
    policies[i] = { ...policy, conditions };
  });
  return policies === undefined ? after : { ...after, policies };
}

function concernedPolicies(before: Snapshot, after: Snapshot, event: Event): "none" | "all" | string {
  if (event.type === "policies-loaded") return "all";
  if (before.sinks === after.sinks) return "none";
  const id: SinkId | undefined = "id" in event ? event.id : "sink" in event ? event.sink.id : undefined;
  if (id === undefined) return "all"; // a tick that changed something
  const [was, now] = [sinkOf(before, id), sinkOf(after, id)];
  if (was !== undefined && now !== undefined) {
    const [a, b] = [readyOf(was), readyOf(now)];
    if (a.status === b.status && a.reason === b.reason) return "none";
  }
  return (now ?? was)?.info.policy ?? "none";
}
