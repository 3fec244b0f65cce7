// The snapshot as the API shows it: an ExportPolicyList whose items carry `status` (API reference, ExportPolicy.status). Pure.
import { sinkOf } from "../status/sinks.ts";
import type { Condition, Snapshot } from "../status/snapshot.ts";

const API_VERSION = "telemetry.miloapis.com/v1alpha1";

export function statusList(s: Snapshot): object {
  return {
    apiVersion: API_VERSION,
    kind: "ExportPolicyList",
    metadata: {},
    items: s.policies.map((policy) => {
      const [namespace, name] = policy.id.split("/");
      return {
        apiVersion: API_VERSION,
        kind: "ExportPolicy",
        metadata: { name, namespace, generation: policy.generation },
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
