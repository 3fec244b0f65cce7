// What outflow reports of a policy as its `status`: the snapshot's conditions, merged with what the API server has, so that a restart
// moves no lastTransitionTime and others' conditions stay. Pure.
import type { Condition as KubeCondition } from "kubernetes-types/meta/v1";
import type { Condition } from "../status/condition.ts";
import { sinkOf } from "../status/sinks.ts";
import type { Snapshot } from "../status/snapshot.ts";
import type { Acceptance, StoredStatus } from "./policy-objects.ts";

/** Longer ones are refused by the API server. */
const MESSAGE_CHARACTERS = 32_768;
const OURS: readonly string[] = ["Accepted", "Ready"];

/**
 * Undefined: nothing is known of the policy yet. `namedSinks`: of the newest version, for a policy that never ran.
 */
export function desiredStatus(
  snapshot: Snapshot,
  id: string,
  acceptance: Acceptance,
  namedSinks: readonly string[],
  atMs: number,
): StoredStatus | undefined {
  const policy = snapshot.policies.find((p) => p.id === id);
  const accepted = acceptedCondition(acceptance, atMs);
  if (policy === undefined) {
    if (acceptance.ok) return undefined;
    const no = [accepted, { ...accepted, type: "Ready" }];
    return { conditions: no, sinks: namedSinks.map((name) => ({ name, conditions: no })) };
  }
  const sinks = policy.sinks.map((sinkId) => sinkOf(snapshot, sinkId));
  // Sinks come one by one at the start: half a status is not written.
  if (policy.conditions.length === 0 || sinks.some((sink) => sink === undefined)) return undefined;
  return {
    conditions: [accepted, ...policy.conditions.map(written)],
    sinks: sinks.map((sink) => ({ name: sink!.info.sink, conditions: sink!.conditions.map(written) })),
  };
}

function acceptedCondition(acceptance: Acceptance, atMs: number): KubeCondition {
  const { ok, generation } = acceptance;
  return {
    type: "Accepted",
    status: ok ? "True" : "False",
    reason: ok ? "PolicyValid" : acceptance.reason,
    message: ok ? "The policy is valid." : acceptance.message.slice(0, MESSAGE_CHARACTERS),
    lastTransitionTime: time(atMs),
    observedGeneration: generation,
  };
}

const written = ({
  type,
  status,
  reason,
  message,
  lastTransitionTime,
  observedGeneration,
}: Condition): KubeCondition => ({
  type,
  status,
  reason,
  message: message.slice(0, MESSAGE_CHARACTERS),
  lastTransitionTime: time(lastTransitionTime),
  observedGeneration,
});

/** RFC 3339 without fractions, as Kubernetes writes it. */
const time = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");

/** The status to write, or undefined: what is stored says the same. Messages alone are not worth a write. */
export function statusUpdate(stored: StoredStatus | undefined, desired: StoredStatus): StoredStatus | undefined {
  const sinks = (desired.sinks ?? []).map((sink) => {
    const before = stored?.sinks?.find((s) => s.name === sink.name);
    return { name: sink.name, conditions: merged(before?.conditions, sink.conditions ?? []) };
  });
  const next = { conditions: merged(stored?.conditions, desired.conditions ?? []), sinks };
  return said(stored) === said(next) ? undefined : next;
}

function merged(stored: readonly KubeCondition[] | undefined, desired: readonly KubeCondition[]): KubeCondition[] {
  const others = (stored ?? []).filter((c) => !OURS.includes(c.type));
  return [
    ...others,
    ...desired.map((condition) => {
      const before = stored?.find((c) => c.type === condition.type);
      return before === undefined || before.status !== condition.status
        ? condition
        : { ...condition, lastTransitionTime: before.lastTransitionTime };
    }),
  ];
}

const said = (status: StoredStatus | undefined): string =>
  JSON.stringify([
    told(status?.conditions),
    (status?.sinks ?? []).map(({ name, conditions }) => [name, told(conditions)]),
  ]);

const told = (conditions: readonly KubeCondition[] = []) =>
  conditions.map(({ type, status, reason, observedGeneration }) => [type, status, reason, observedGeneration]);

/** What was reported of a policy, or of one of its sinks, before this life of the agent. */
export function reportedBefore(stored: StoredStatus | undefined, sink?: string): readonly Condition[] {
  const conditions =
    sink === undefined ? stored?.conditions : stored?.sinks?.find(({ name }) => name === sink)?.conditions;
  // Of a policy outflow itself reports Ready; of a sink both, and both are needed.
  const types: Condition["type"][] = sink === undefined ? ["Ready"] : ["Accepted", "Ready"];
  const found = types.flatMap((type): Condition[] => {
    const c = conditions?.find((one) => one.type === type);
    const at = Date.parse(String(c?.lastTransitionTime));
    if (c === undefined || Number.isNaN(at)) return [];
    const { status, reason, message, observedGeneration = 0 } = c;
    return [
      { type, status: status as Condition["status"], reason, message, lastTransitionTime: at, observedGeneration },
    ];
  });
  return found.length === types.length ? found : [];
}
