// What is made of each policy. It counts as long as the very same object comes again: one edit of a thousand policies costs one.
import type { Policy, Sink } from "../policy/policy.ts";
import { policyYaml } from "../policy/print.ts";
import type { StateStore } from "../state/store.ts";
import type { PolicyInfo } from "../status/events.ts";
import type { SinkPlan } from "./sink-plan.ts";

export type Wanted = { plan: SinkPlan; policy: string; sink: string };

export type PlanPorts = {
  store: Pick<StateStore, "generation">;
  /** Pure: policy and sink to plan (queries with enforced filters, settings and annotations applied). */
  plan(policy: Policy, sink: Sink, generation: number): SinkPlan;
  specHash(policy: Policy): string;
};

export class PolicyPlans {
  readonly #ports: PlanPorts;
  readonly #made = new WeakMap<Policy, { info: PolicyInfo; wanted: Wanted[] }>();

  constructor(ports: PlanPorts) {
    this.#ports = ports;
  }

  of(policy: Policy): { info: PolicyInfo; wanted: Wanted[] } {
    const before = this.#made.get(policy);
    if (before !== undefined) return before;
    const { store, specHash, plan } = this.#ports;
    const id = `${policy.namespace}/${policy.name}`;
    const generation = policy.generation ?? store.generation(id, specHash(policy));
    const wanted = policy.sinks.map((sink) => ({
      plan: plan(policy, sink, generation),
      policy: id,
      sink: sink.name,
    }));
    const sinks = wanted.map((one) => one.plan.info.id);
    const made = { info: { id, generation, file: policy.place.file, sinks, yaml: policyYaml(policy) }, wanted };
    this.#made.set(policy, made);
    return made;
  }
}
