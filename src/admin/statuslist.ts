// The snapshot as the API shows it: an ExportPolicyList whose items carry `status` (API reference, ExportPolicy.status), and for each
// sink what it does in numbers. The spec is the one that runs: defaults filled in, no secrets. docs/admin-api.md describes the shape;
// what is added keeps `status.version`, what is renamed or goes raises it. Pure.
import { parse } from "yaml";
import type { EpochMs } from "../platform/clock.ts";
import { readyOf } from "../status/conditions.ts";
import { type FleetStatus, unowned } from "../status/fleet.ts";
import { rate } from "../status/rings.ts";
import { lagOf, sinkOf } from "../status/sinks.ts";
import type { Condition, SinkState, Snapshot } from "../status/snapshot.ts";
import { overview } from "../status/text/overview.ts";

const API_VERSION = "telemetry.miloapis.com/v1alpha1";
const STATUS_VERSION = 1;

/** `mayShow`: which sinks; policies none of whose sinks may be shown are left out. */
export function statusList(s: Snapshot, mayShow: (sink: string) => boolean = () => true): object {
  return {
    apiVersion: API_VERSION,
    kind: "ExportPolicyList",
    metadata: {},
    status: agentStatus(s, mayShow),
    items: s.policies
      .filter((policy) => policy.sinks.length === 0 || policy.sinks.some(mayShow))
      .map((policy) => {
        const [namespace, name] = policy.id.split("/");
        const { metadata, ...spec } = asItRuns(policy.yaml);
        return {
          apiVersion: API_VERSION,
          kind: "ExportPolicy",
          metadata: { ...metadata, name, namespace, generation: policy.generation },
          ...spec,
          status: {
            conditions: policy.conditions.map(condition),
            sinks: policy.sinks.filter(mayShow).flatMap((id) => {
              const sink = sinkOf(s, id);
              return sink === undefined ? [] : [sinkStatus(sink, s.at)];
            }),
          },
        };
      }),
  };
}

function agentStatus(s: Snapshot, mayShow: (sink: string) => boolean): object {
  const { total, ready, notReady, pending, headlines } = overview({
    sinks: s.sinks.filter((sink) => mayShow(sink.id)),
    source: s.source,
  });
  return {
    version: STATUS_VERSION,
    time: rfc3339(s.at),
    agentVersion: s.version,
    source: {
      url: s.source.url,
      kind: s.source.kind,
      health: s.source.health,
      ...(s.source.failure === undefined ? {} : { message: s.source.failure.message }),
    },
    sinks: { total, ready, notReady, pending },
    ...(s.fleet === undefined ? {} : { fleet: fleetStatus(s.fleet, mayShow) }),
    causes: headlines.map(({ kind, status, reason, cause, since, sinks }) => ({
      kind,
      status,
      reason,
      message: cause,
      since: rfc3339(since),
      sinks: sinks.map((sink) => sink.id),
    })),
  };
}

/** Sinks of other agents as these last reported them, so that any agent answers for all. */
const fleetStatus = (fleet: FleetStatus, mayShow: (sink: string) => boolean): object => ({
  name: fleet.name,
  engine: fleet.engine,
  self: fleet.self,
  valid: fleet.valid,
  ...(fleet.problem === undefined ? {} : { problem: fleet.problem }),
  shards: { total: fleet.shards, owned: fleet.owned, unowned: unowned(fleet) },
  members: fleet.members.map(({ id, name, shards, leaving, since }) => ({
    id,
    name,
    shards,
    leaving,
    since: rfc3339(since),
  })),
  otherSinks: fleet.elsewhere
    .filter(({ sink }) => mayShow(sink))
    .map(({ sink, status, reason, since, holder }) => ({
      sink,
      ready: { status, reason, lastTransitionTime: rfc3339(since) },
      owner: holder,
    })),
});

function sinkStatus(sink: SinkState, now: EpochMs): object {
  const { account, sources } = sink;
  return {
    name: sink.info.sink,
    conditions: sink.conditions.map(condition),
    phase: sink.phase.name,
    reason: readyOf(sink).reason,
    ...seconds("lagSeconds", lagOf(sink, now)),
    samplesPerSecond: rounded(rate(sink.samples, now, sink.startedAt)),
    ...(sink.lastSuccessAt === undefined ? {} : { lastSuccessTime: rfc3339(sink.lastSuccessAt) }),
    failedAttemptsInRow: sink.failuresInRow,
    samples: {
      read: account.read,
      delivered: account.delivered,
      dropped: account.dropped,
      returned: account.returned,
      pending: account.pending,
      late: sink.lateSamples,
    },
    skippedSeconds: sink.skippedMs / 1000,
    sources: sources.map((source) => ({
      name: source.name,
      series: source.series,
      ...seconds("lagSeconds", lagOf({ sources: [source] }, now)),
      ...seconds("settleSeconds", source.settleMs),
      ...(source.cursor === undefined ? {} : { cursor: new Date(source.cursor).toISOString() }),
      ...(source.failure === undefined ? {} : { reason: source.failure.reason, message: source.failure.message }),
    })),
  };
}

const rounded = (n: number): number => Math.round(n * 1000) / 1000;

const seconds = (name: string, ms: number | undefined): object =>
  ms === undefined ? {} : { [name]: rounded(ms / 1000) };

/** Nothing where the text was too long for the snapshot. */
function asItRuns(yaml: string | undefined): { metadata?: object; spec?: object } {
  try {
    const { metadata, spec } = parse(yaml ?? "") as { metadata?: object; spec?: object };
    return { ...(metadata === undefined ? {} : { metadata }), ...(spec === undefined ? {} : { spec }) };
  } catch {
    return {};
  }
}

/** As Kubernetes writes it: without fractions. */
const rfc3339 = (at: EpochMs): string => new Date(at).toISOString().replace(/\.\d+Z$/, "Z");

/** metav1.Condition */
function condition(c: Condition): object {
  return {
    type: c.type,
    status: c.status,
    reason: c.reason,
    message: c.message,
    lastTransitionTime: rfc3339(c.lastTransitionTime),
    observedGeneration: c.observedGeneration,
  };
}
