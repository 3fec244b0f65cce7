// The snapshot as the API shows it: an ExportPolicyList whose items carry `status` (API reference, ExportPolicy.status). The spec is the
// one that runs: defaults filled in, no secrets. Pure.
import { parse } from "yaml";
import { sinkOf } from "../status/sinks.ts";
import type { Condition, Snapshot } from "../status/snapshot.ts";

const API_VERSION = "telemetry.miloapis.com/v1alpha1";

export function statusList(s: Snapshot, mayShow: (sink: string) => boolean = () => true): object {
  return {
    apiVersion: API_VERSION,
    kind: "ExportPolicyList",
    metadata: {},
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
            sinks: policy.sinks.flatMap((id) => {
              const sink = sinkOf(s, id);
              return sink === undefined ? [] : [{ name: sink.info.sink, conditions: sink.conditions.map(condition) }];
            }),
          },
        };
      }),
  };
}

/** Nothing where the text was too long for the snapshot. */
function asItRuns(yaml: string | undefined): { metadata?: object; spec?: object } {
  try {
    const { metadata, spec } = parse(yaml ?? "") as { metadata?: object; spec?: object };
    return { ...(metadata === undefined ? {} : { metadata }), ...(spec === undefined ? {} : { spec }) };
  } catch {
    return {};
  }
}

/** metav1.Condition: RFC 3339 without fractions, as Kubernetes writes it. */
function condition(c: Condition): object {
  return {
    type: c.type,
    status: c.status,
    reason: c.reason,
    message: c.message,
    lastTransitionTime: new Date(c.lastTransitionTime).toISOString().replace(/\.\d+Z$/, "Z"),
    observedGeneration: c.observedGeneration,
  };
}
