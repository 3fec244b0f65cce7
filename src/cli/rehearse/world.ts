// From the user's policies and settings to what is rehearsed: the agent's own plans and path, with models in place of the source and the
// receivers.
import type { Settings } from "../../config/settings.ts";
import type { SinkPlan } from "../../exporter/sink-plan.ts";
import type { HttpClient } from "../../http/http.ts";
import { systemClock } from "../../platform/clock.ts";
import type { Policy } from "../../policy/policy.ts";
import type { Brought } from "../../rehearse/brought.ts";
import type { ModelPorts, Rehearsed } from "../../rehearse/run.ts";
import { thinned } from "../../rehearse/thinning.ts";
import { openPath } from "../agent/path.ts";
import { planner } from "../agent/plan.ts";
import { openSource } from "../agent/source.ts";
import type { QueryRules } from "../querycheck.ts";

type AgentSettings = Settings & { sourceUrl: string };

const nowhere: HttpClient = {
  request: () => {
    throw new Error("a plan does not send");
  },
  close: async () => {},
};

/** What each sink would do. */
export function plansOf(policies: readonly Policy[], settings: AgentSettings, rules: QueryRules): SinkPlan[] {
  const plan = planner(settings, () => nowhere, systemClock, rules);
  return policies.flatMap((policy) => policy.sinks.map((sink) => plan(policy, sink, 1)));
}

/** `brought`: by the query's text, as it is sent. `k`: of every k series one, batches of a k-th. */
export function worldOf(
  policies: readonly Policy[],
  plans: readonly SinkPlan[],
  brought: ReadonlyMap<string, Brought>,
  settings: AgentSettings,
  rules: QueryRules,
  k: number,
): Rehearsed {
  const small: AgentSettings = {
    ...settings,
    maxWindowSamples: thinned(settings.maxWindowSamples, k),
    maxBufferedSamples: thinned(settings.maxBufferedSamples, k),
    // The model of the source is a VictoriaMetrics.
    sourceKind: "auto",
    sourceUrl: "http://rehearsal.invalid",
    auditInterval: 0,
    start: 0,
  };
  return {
    policies: policies.map((policy) => ({
      ...policy,
      // Where a new sink begins is not what is rehearsed.
      settings: { ...policy.settings, startBackMs: 0 },
      sinks: policy.sinks.map((sink) => ({
        ...sink,
        batch: { ...sink.batch, maxSize: thinned(sink.batch.maxSize, k) },
      })),
    })),
    sinks: plans
      .filter(({ refusal }) => refusal === undefined)
      .map(({ info, sources }) => ({
        id: info.id,
        raw: sources.every(({ query }) => query.kind === "raw"),
        pollMs: Math.max(...sources.map(({ query }) => query.intervalMs)),
        queries: new Map(sources.map(({ name, query }) => [name, query.sent])),
      })),
    stretches: new Map([...brought].map(([query, found]) => [query, found.take(k)])),
    pollMs: Math.max(...plans.flatMap(({ sources }) => sources.map(({ query }) => query.intervalMs))),
    drainTimeoutMs: settings.drainTimeout,
    open: (ports) => open(ports, small, rules),
  };
}

function open(
  { clock, random, dispatch, store, source, client, noting }: ModelPorts,
  settings: AgentSettings,
  rules: QueryRules,
): ReturnType<typeof openPath> {
  return openPath(settings, {
    clock,
    random,
    dispatch,
    store,
    source: openSource(settings, source, dispatch, clock, store.seed),
    plan: (policy, sink, generation) => {
      const id = `${policy.namespace}/${policy.name}/${sink.name}`;
      const plan = planner(settings, () => client(id), clock, rules)(policy, sink, generation);
      return {
        ...plan,
        makeSender: () => {
          const sender = plan.makeSender();
          return { ...sender, encode: (span) => noting(id, sender.encode(span), span) };
        },
      };
    },
  });
}
