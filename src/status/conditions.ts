// What a sink and a policy report, derived from the phase by one table (design.md, Status). Kubernetes' conventions: a CamelCase
// reason, a full sentence that says what to do, lastTransitionTime that moves only when status does.
import type { EpochMs } from "../platform/clock.ts";
import type { Condition, SinkState } from "./snapshot.ts";

type Said = Pick<Condition, "status" | "reason" | "message">;

/** Failed attempts in a row that turn Ready False: one alone is weather. */
const FAILURES_TO_NOT_READY = 2;

export function sinkConditions(sink: SinkState, now: EpochMs): readonly Condition[] {
  const accepted = condition(sink.conditions, "Accepted", acceptedNow(sink), sink.info.generation, now);
  const ready = condition(sink.conditions, "Ready", readyNow(sink), sink.info.generation, now);
  return accepted === sink.conditions[0] && ready === sink.conditions[1] ? sink.conditions : [accepted, ready];
}

export function policyCondition(before: readonly Condition[], sinks: readonly SinkState[], generation: number, now: EpochMs): readonly Condition[] {
  const notReady = sinks.filter((s) => readyOf(s).status === "False");
  const pending = sinks.filter((s) => readyOf(s).status === "Unknown");
  const ready = condition(before, "Ready", policyReady(sinks, notReady, pending), generation, now);
  return ready === before[0] ? before : [ready];
}

export const readyOf = (sink: SinkState): Condition => sink.conditions[1]!;
export const acceptedOf = (sink: SinkState): Condition => sink.conditions[0]!;

function policyReady(sinks: readonly SinkState[], notReady: readonly SinkState[], pending: readonly SinkState[]): Said {
  const names = (list: readonly SinkState[]) => list.map((s) => s.info.sink).join(", ");
  if (notReady.length > 0) return { status: "False", reason: "SinksNotReady", message: `${notReady.length} of ${sinks.length} sinks ${notReady.length === 1 ? "is" : "are"} not ready: ${names(notReady)}.` };
  if (pending.length > 0) return { status: "Unknown", reason: "Pending", message: `${pending.length} of ${sinks.length} sinks ${pending.length === 1 ? "has" : "have"} delivered nothing yet: ${names(pending)}.` };
  return { status: "True", reason: "AllSinksReady", message: sinks.length === 1 ? "The sink is ready." : `All ${sinks.length} sinks are ready.` };
}

function acceptedNow({ phase, conditions }: SinkState): Said {
  if (phase.name === "refused") return { status: "False", reason: phase.reason, message: phase.message };
  if (phase.name === "stopped" && conditions[0] !== undefined) return conditions[0];
  return { status: "True", reason: "SinkConfigured", message: "The sink's configuration is complete." };
}

function readyNow(sink: SinkState): Said {
  const { phase } = sink;
  const before = sink.conditions[1];
  const pending: Said = { status: "Unknown", reason: "Pending", message: "Nothing was delivered yet." };
  switch (phase.name) {
    case "refused":
      return { status: "False", reason: phase.reason, message: phase.message };
    case "paused":
      return { status: "False", reason: "Paused", message: "The sink is paused: nothing is read or sent for it, and nothing is lost. Resume it to go on." };
    case "draining":
    case "stopped":
      return before ?? pending;
    case "holding":
      return { status: "False", reason: phase.reason, message: phase.message };
    case "backing-off":
      if (sink.failuresInRow >= FAILURES_TO_NOT_READY) return { status: "False", reason: phase.reason, message: phase.message };
      return before ?? pending;
    case "starting":
    case "flowing":
    case "idle":
    case "catching-up":
      return failingSource(sink) ?? rejected(sink) ?? delivering(sink, before) ?? pending;
    default:
      return phase satisfies never;
  }
}

function failingSource(sink: SinkState): Said | undefined {
  const failing = sink.sources.find((s) => s.failure !== undefined);
  if (failing?.failure === undefined) return undefined;
  return { status: "False", reason: failing.failure.reason, message: `Source ${failing.name}: ${failing.failure.message}` };
}

function rejected(sink: SinkState): Said | undefined {
  const last = sink.attempts.at(-1);
  if (sink.failuresInRow < FAILURES_TO_NOT_READY || last?.reason === undefined) return undefined;
  return { status: "False", reason: last.reason, message: last.message ?? "The endpoint refused samples." };
}

function delivering(sink: SinkState, before: Condition | undefined): Said | undefined {
  const { phase } = sink;
  if (phase.name === "catching-up") return { status: "True", reason: "CatchingUp", message: "Data is arriving; the sink is behind and catches up, oldest first." };
  if (phase.name === "idle") return { status: "True", reason: "Idle", message: "The sources have no new samples for this sink." };
  if (phase.name === "flowing" && sink.lastSuccessAt !== undefined && sink.failuresInRow < FAILURES_TO_NOT_READY) return { status: "True", reason: "Delivering", message: "Data is arriving at the endpoint." };
  // Once it was known, it stays as it was until something tells otherwise.
  return before?.status === "True" ? before : undefined;
}

function condition(before: readonly Condition[], type: Condition["type"], said: Said, generation: number, now: EpochMs): Condition {
  const old = before.find((c) => c.type === type);
  if (old !== undefined && old.status === said.status && old.reason === said.reason && old.message === said.message && old.observedGeneration === generation) return old;
  return {
    type,
    status: said.status,
    reason: said.reason,
    message: said.message,
    lastTransitionTime: old?.status === said.status ? old.lastTransitionTime : now,
    observedGeneration: generation,
  };
}
