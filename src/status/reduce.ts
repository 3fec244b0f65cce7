// The only way to the next snapshot. Pure: reduce(snapshot, event) shares everything that the event does not touch.
import { policyCondition, readyOf, sinkConditions } from "./conditions.ts";
import { type DropReason, dropReasons, type Event, type SinkId, type SinkInfo } from "./events.ts";
import { logLine } from "./loglines.ts";
import { nextPhase } from "./phases.ts";
import { addToRing, emptyRing, rollRing } from "./rings.ts";
import type { Account, AgentEvent, SinkSource, SinkState, Snapshot } from "./snapshot.ts";

const MAX_EVENTS = 200;
const MAX_ATTEMPTS = 20;

export const initialSnapshot: Snapshot = {
  version: "",
  startedAt: 0,
  at: 0,
  tickAt: 0,
  listen: "off",
  stateDir: "",
  source: { url: "", kind: "unknown", health: "unknown" },
  policies: [],
  problems: [],
  reloads: { ok: 0, failed: 0, lastOk: true },
  stateStore: { state: "ok", message: "" },
  sinks: {},
  order: [],
  events: [],
};

export function reduce(before: Snapshot, event: Event): Snapshot {
  const after = derivePolicies(apply(before, event), event);
  const line = logLine(event, before, after);
  return line === undefined || event.type === "tick" ? after : { ...after, events: [...after.events.slice(1 - MAX_EVENTS), entry(before, event, line)] };
}

function entry(before: Snapshot, event: Event, line: { level: "info" | "warn" | "error"; text: string }): AgentEvent {
  const sink = "id" in event ? event.id : undefined;
  return { seq: (before.events.at(-1)?.seq ?? 0) + 1, at: event.at, level: line.level, ...(sink === undefined ? {} : { sink }), text: line.text };
}

function apply(s: Snapshot, event: Event): Snapshot {
  switch (event.type) {
    case "agent-started":
      return { ...s, version: event.version, startedAt: event.at, at: event.at, tickAt: event.at, listen: event.listen, stateDir: event.stateDir, source: { ...s.source, url: event.sourceUrl } };
    case "policies-loaded": {
      const conditions = new Map(s.policies.map((p) => [p.id, p.conditions]));
      const policies = event.policies.map((p) => ({ ...p, conditions: conditions.get(p.id) ?? [] }));
      const { ok, failed } = s.reloads;
      return {
        ...s,
        at: event.at,
        policies,
        problems: event.problems,
        order: order(policies.flatMap((p) => p.sinks), s),
        reloads: { ok: ok + (event.ok ? 1 : 0), failed: failed + (event.ok ? 0 : 1), lastAt: event.at, lastOk: event.ok },
      };
    }
    case "source-answered":
      return { ...s, at: event.at, source: { url: s.source.url, kind: event.kind, health: "ok", clockDifferenceMs: event.clockDifferenceMs, lastAnswerAt: event.at } };
    case "source-failed": {
      const { reason, message } = event;
      const since = s.source.failure?.since ?? event.at;
      return { ...s, at: event.at, source: { ...s.source, health: "failing", failure: { reason, message, since } } };
    }
    case "state-store":
      return { ...s, at: event.at, stateStore: { state: event.state, message: event.message } };
    case "notice":
      return { ...s, at: event.at };
    case "tick":
      return tick(s, event);
    case "sink-started":
    case "sink-refused": {
      const before = s.sinks[event.sink.id] ?? newSink(event.sink);
      const sink = { ...before, info: event.sink, sources: sources(before.sources, event.sink) };
      const known = s.order.includes(event.sink.id);
      return withSink(known ? s : { ...s, order: [...s.order, event.sink.id] }, move(sink, event), event);
    }
    case "sink-forgotten": {
      const { [event.id]: _, ...sinks } = s.sinks;
      return { ...s, at: event.at, sinks, order: s.order.filter((id) => id !== event.id) };
    }
    default: {
      const sink = s.sinks[event.id];
      return sink === undefined ? s : withSink(s, move(sinkEvent(sink, event), event), event);
    }
  }
}

type SinkEvent = Exclude<Event & { id: SinkId }, { type: "sink-forgotten" }>;

function sinkEvent(sink: SinkState, event: SinkEvent): SinkState {
  switch (event.type) {
    case "window-read":
      return {
        ...sink,
        lastReadAt: event.at,
        account: settle(Object.entries(event.dropped).reduce((a, [reason, n]) => dropped(a, reason as DropReason, n), { ...sink.account, read: sink.account.read + event.read })),
        sources: withSource(sink.sources, event.source, (s) => {
          const { failure: _, ...rest } = s;
          return { ...rest, read: event.to, series: event.series, samplesLastRead: event.read, lastReadMs: event.durationMs, lastReadAt: event.at };
        }),
      };
    case "read-failed":
      return { ...sink, sources: withSource(sink.sources, event.source, (s) => ({ ...s, failure: { reason: event.reason, message: event.message, since: s.failure?.since ?? event.at } })) };
    case "skipped":
      return { ...sink, skippedMs: sink.skippedMs + (event.to - event.from) };
    case "cursor-moved":
      return { ...sink, sources: withSource(sink.sources, event.source, (s) => ({ ...s, cursor: event.cursor, lagMs: event.sourceNow - event.cursor })) };
    case "attempt-started":
      return { ...sink, inFlight: event.inFlight, concurrency: event.concurrency, attemptsTotal: sink.attemptsTotal + 1, retries: sink.retries + (event.attempt > 1 ? 1 : 0) };
    case "attempt-ended":
      return attemptEnded(sink, event);
    case "dropped":
      return { ...sink, account: settle(dropped(sink.account, event.reason, event.samples)) };
    case "returned":
      return { ...sink, account: settle({ ...sink.account, returned: sink.account.returned + event.samples }) };
    case "sink-stopped":
      return { ...sink, inFlight: 0 };
    case "sink-draining":
    case "sink-paused":
    case "sink-resumed":
    case "sink-crashed":
    case "backing-off":
    case "holding":
    case "behind":
      return sink;
    default:
      return event satisfies never;
  }
}

function attemptEnded(sink: SinkState, event: Extract<Event, { type: "attempt-ended" }>): SinkState {
  const { at, attempt, samples, bytes, durationMs, result } = event;
  const record = { at, attempt, samples, bytes, durationMs, ...(result.status === undefined ? {} : { status: result.status }), ...(result.kind === "failed" ? { reason: result.reason, message: result.message } : {}) };
  const attempts = [...sink.attempts.slice(1 - MAX_ATTEMPTS), record];
  if (result.kind === "failed") return { ...sink, inFlight: event.inFlight, attempts, failuresInRow: sink.failuresInRow + 1 };
  return {
    ...sink,
    inFlight: event.inFlight,
    attempts,
    failuresInRow: 0,
    lastSuccessAt: at,
    account: settle({ ...sink.account, delivered: sink.account.delivered + samples }),
    samples: addToRing(sink.samples, samples),
    bytes: addToRing(sink.bytes, bytes),
  };
}

function tick(s: Snapshot, event: Extract<Event, { type: "tick" }>): Snapshot {
  let sinks: Record<SinkId, SinkState> | undefined;
  for (const id of s.order) {
    const sink = s.sinks[id];
    if (sink === undefined) continue;
    const samples = rollRing(sink.samples, s.tickAt, event.at);
    const bytes = rollRing(sink.bytes, s.tickAt, event.at);
    const rolled = samples === sink.samples && bytes === sink.bytes ? sink : { ...sink, samples, bytes };
    const moved = move(rolled, event);
    if (moved === sink) continue;
    sinks ??= { ...s.sinks };
    sinks[id] = moved;
  }
  return { ...s, at: event.at, tickAt: event.at, sinks: sinks ?? s.sinks };
}

/** Phase, then the conditions that follow from it. */
function move(sink: SinkState, event: Event): SinkState {
  const phase = nextPhase(sink, event);
  const moved = phase === sink.phase ? sink : { ...sink, phase };
  const conditions = sinkConditions(moved, event.at);
  return conditions === moved.conditions ? moved : { ...moved, conditions };
}

function withSink(s: Snapshot, sink: SinkState, event: Event): Snapshot {
  return { ...s, at: event.at, sinks: { ...s.sinks, [sink.id]: sink } };
}

/** A policy's condition follows from its sinks' Ready; only where one of them may have changed. */
function derivePolicies(s: Snapshot, event: Event): Snapshot {
  const concerned = "id" in event ? event.id : "sink" in event ? event.sink.id : undefined;
  if (concerned === undefined && event.type !== "policies-loaded" && event.type !== "tick") return s;
  let changed = false;
  const policies = s.policies.map((policy) => {
    if (concerned !== undefined && !policy.sinks.includes(concerned)) return policy;
    const sinks = policy.sinks.map((id) => s.sinks[id]).filter((sink) => sink !== undefined);
    if (sinks.length < policy.sinks.length) return policy; // its sinks are about to be told
    const conditions = policyCondition(policy.conditions, sinks, policy.generation, event.at);
    if (conditions === policy.conditions) return policy;
    changed = true;
    return { ...policy, conditions };
  });
  return changed ? { ...s, policies } : s;
}

function newSink(info: SinkInfo): SinkState {
  const none = Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Record<DropReason, number>;
  return {
    id: info.id,
    info,
    phase: { name: "starting" },
    conditions: [],
    account: { read: 0, delivered: 0, dropped: none, returned: 0, pending: 0 },
    skippedMs: 0,
    samples: emptyRing,
    bytes: emptyRing,
    inFlight: 0,
    concurrency: 1,
    failuresInRow: 0,
    retries: 0,
    attemptsTotal: 0,
    attempts: [],
    sources: [],
  };
}

const order = (wanted: readonly SinkId[], s: Snapshot): readonly SinkId[] => [...wanted, ...s.order.filter((id) => !wanted.includes(id) && s.sinks[id] !== undefined)];

function sources(before: readonly SinkSource[], info: SinkInfo): readonly SinkSource[] {
  return info.sources.map((source) => {
    const old = before.find((s) => s.name === source.name);
    return old === undefined ? { ...source, series: 0, samplesLastRead: 0, lastReadMs: 0 } : { ...old, ...source };
  });
}

const withSource = (list: readonly SinkSource[], name: string, change: (s: SinkSource) => SinkSource): readonly SinkSource[] => list.map((s) => (s.name === name ? change(s) : s));

const dropped = (a: Account, reason: DropReason, n: number): Account => ({ ...a, dropped: { ...a.dropped, [reason]: a.dropped[reason] + n } });

/** The account's law: read = delivered + dropped + returned + pending. */
function settle(a: Account): Account {
  let out = a.delivered + a.returned;
  for (const reason of dropReasons) out += a.dropped[reason];
  return { ...a, pending: a.read - out };
}

export const isReady = (sink: SinkState): boolean => readyOf(sink).status === "True";
