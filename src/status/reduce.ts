// The only way to the next snapshot: reduce(snapshot, event). Pure; everything that the event does not touch is shared.
import { changedPart } from "../platform/changed-part.ts";
import { atLeap } from "./clock-leap.ts";
import { policyConditions, readyOf } from "./conditions.ts";
import type { Event, PolicyInfo, SinkId } from "./events.ts";
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
      return sink === undefined ? s : withSink(s, reduceSink(sink, event), event.at, totals(s, event));
    }
  }
}

/** Of all sinks together. */
function totals(s: Snapshot, event: Event): Partial<Pick<Snapshot, "samples" | "bytes">> {
  if (event.type !== "attempt-ended" || event.result.kind !== "delivered") return {};
  const { at, samples, bytes } = event;
  return { samples: addToRing(s.samples, at, samples), bytes: addToRing(s.bytes, at, bytes) };
}

function policiesLoaded(s: Snapshot, event: Extract<Event, { type: "policies-loaded" }>): Snapshot {
  const { ok, failed } = s.reloads;
  const reloads = event.partial
    ? s.reloads
    : { ok: ok + (event.ok ? 1 : 0), failed: failed + (event.ok ? 0 : 1), lastAt: event.at, lastOk: event.ok };
  return inPolicyOrder(
    { ...s, policies: loadedPolicies(s.policies, event.policies), problems: event.problems, reloads },
    s.sinks,
  );
}

/** Those of which nothing has changed are the same objects as before. */
function loadedPolicies(before: Snapshot["policies"], after: readonly PolicyInfo[]): Snapshot["policies"] {
  const { from, beforeTo, afterTo } = changedPart(before, after, (a, b) => a.id === b.id);
  const known = new Map(before.slice(from, beforeTo).map((policy) => [policy.id, policy]));
  return after.map((info, i) => {
    const was = i < from ? before[i] : i < afterTo ? known.get(info.id) : before[i - afterTo + beforeTo];
    if (was === undefined) return { ...info, conditions: info.conditions ?? [] };
    return sameInfo(was, info) ? was : { ...info, conditions: was.conditions };
  });
}

const sameInfo = (a: PolicyInfo, b: PolicyInfo): boolean =>
  a.generation === b.generation &&
  a.file === b.file &&
  a.yaml === b.yaml &&
  (a.sinks === b.sinks || (a.sinks.length === b.sinks.length && a.sinks.every((id, i) => id === b.sinks[i])));

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

/** A policy's condition follows from Ready of its sinks: looked at again only where one of those changed, or the policy did. */
function withPolicyConditions(before: Snapshot, after: Snapshot, event: Event): Snapshot {
  let policies: Snapshot["policies"][number][] | undefined;
  for (const i of concernedPolicies(before, after, event)) {
    const policy = after.policies[i]!;
    const sinks = policy.sinks.map((id) => {
      const sink = sinkOf(after, id);
      return { id, name: sink?.info.sink ?? id, ready: sink && readyOf(sink) };
    });
    const conditions = policyConditions(sinks, policy.conditions, event.at, policy.generation);
    if (conditions === policy.conditions) continue;
    policies ??= after.policies.slice();
    policies[i] = { ...policy, conditions };
  }
  return policies === undefined ? after : { ...after, policies };
}

/** Their places in `after.policies`. */
function concernedPolicies(before: Snapshot, after: Snapshot, event: Event): Iterable<number> {
  if (event.type === "policies-loaded") {
    const { from, afterTo } = changedPart(before.policies, after.policies, (a, b) => a === b);
    return range(from, afterTo);
  }
  if (before.sinks === after.sinks) return [];
  const id: SinkId | undefined = "id" in event ? event.id : "sink" in event ? event.sink.id : undefined;
  if (id === undefined) return concernedByTick(before, after);
  const [was, now] = [sinkOf(before, id), sinkOf(after, id)];
  if (sameReady(was, now)) return [];
  const concerned = (now ?? was)?.info.policy;
  const place = after.policies.findIndex((policy) => policy.id === concerned);
  return place < 0 ? [] : [place];
}

function concernedByTick(before: Snapshot, after: Snapshot): number[] {
  const concerned = new Set<string>();
  for (let i = 0; i < after.sinks.length; i++) {
    const [was, now] = [before.sinks[i], after.sinks[i]!];
    if (was !== now && !sameReady(was, now)) concerned.add(now.info.policy);
  }
  return after.policies.flatMap((policy, i) => (concerned.has(policy.id) ? [i] : []));
}

function sameReady(a: SinkState | undefined, b: SinkState | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const [was, now] = [readyOf(a), readyOf(b)];
  return was.status === now.status && was.reason === now.reason;
}

function* range(from: number, to: number): Generator<number> {
  for (let i = from; i < to; i++) yield i;
}
