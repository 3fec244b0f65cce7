// What is to run: the policies of the last load and their sinks. A load is compared with the one before by identity, so that policies
// that are the same objects are not looked at: one edit of a thousand costs one.
import { changedPart } from "../platform/changed-part.ts";
import type { Policy } from "../policy/policy.ts";
import type { PolicyInfo, SinkId } from "../status/events.ts";
import type { PolicyPlans, Wanted } from "./policy-plans.ts";

/** `load`: the number of the load that it came with. */
type Known = Wanted & { load: number };

/** Sinks of policies that are new or changed, and the sinks that these policies had before. */
type Change = { came: readonly Wanted[]; went: ReadonlyMap<SinkId, Wanted> };

export class WantedSinks {
  readonly #plans: PolicyPlans;
  readonly #sinks = new Map<SinkId, Known>();
  #policies: readonly Policy[] = [];
  /** One for each of the policies. */
  #infos: readonly PolicyInfo[] = [];
  #loads = 0;
  /** Removed since unused cursors were last looked for. */
  readonly #left = new Set<SinkId>();
  #moved = false;

  constructor(plans: PolicyPlans) {
    this.#plans = plans;
  }

  get policies(): readonly PolicyInfo[] {
    return this.#infos;
  }

  /** The number of the last load. */
  get loads(): number {
    return this.#loads;
  }

  get(id: SinkId): Wanted | undefined {
    return this.#sinks.get(id);
  }

  /** Sinks that came with this load or a later one. */
  since(load: number): Wanted[] {
    return [...this.#sinks.values()].filter((sink) => sink.load >= load);
  }

  /** `reported`: what was reported of a policy that is new here. */
  load(policies: readonly Policy[], reported: (id: string) => PolicyInfo["conditions"] & object): Change {
    const { from, beforeTo, afterTo } = changedPart(this.#policies, policies, (a, b) => a === b);
    const replaced = this.#policies.slice(from, beforeTo).flatMap((policy) => this.#plans.of(policy).wanted);
    const changed = policies.slice(from, afterTo).map((policy) => this.#plans.of(policy));
    const infos = changed.map(({ info, wanted: [first] }) =>
      first !== undefined && this.#sinks.has(first.plan.info.id) ? info : { ...info, conditions: reported(info.id) },
    );
    this.#infos = [...this.#infos.slice(0, from), ...infos, ...this.#infos.slice(beforeTo)];
    this.#policies = policies;
    this.#loads++;
    return this.#exchange(
      replaced.map(({ plan }) => plan.info.id),
      changed.flatMap(({ wanted }) => wanted),
    );
  }

  #exchange(replaced: readonly SinkId[], came: readonly Wanted[]): Change {
    const went = new Map<SinkId, Known>();
    for (const id of replaced) {
      const known = this.#sinks.get(id);
      if (known !== undefined) went.set(id, known);
      this.#sinks.delete(id);
    }
    for (const wanted of came) {
      const { id } = wanted.plan.info;
      const before = went.get(id);
      this.#moved ||= before === undefined;
      this.#sinks.set(id, { ...wanted, load: before?.load ?? this.#loads });
    }
    for (const id of went.keys())
      if (!this.#sinks.has(id)) {
        this.#moved = true;
        this.#left.add(id);
      }
    return { came, went };
  }

  /** These policies are somebody else's now; returns their sinks. They are new if they come again. */
  forget(of: (policy: string) => boolean): SinkId[] {
    const isOurs = ({ namespace, name }: Policy) => !of(`${namespace}/${name}`);
    this.#infos = this.#infos.filter((_, i) => isOurs(this.#policies[i]!));
    this.#policies = this.#policies.filter(isOurs);
    const gone = [...this.#sinks].filter(([, { policy }]) => of(policy)).map(([id]) => id);
    for (const id of gone) this.#sinks.delete(id);
    return gone;
  }

  /** A sink came or went since takeLeft(). */
  get moved(): boolean {
    return this.#moved;
  }

  /** Whether a sink runs, or went since this was called last. */
  takeLeft(): (id: SinkId) => boolean {
    const left = new Set(this.#left);
    this.#left.clear();
    this.#moved = false;
    return (id) => this.#sinks.has(id) || left.has(id);
  }
}
