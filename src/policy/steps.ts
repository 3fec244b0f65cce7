// A load in steps that start, change or end a few sinks each: a thousand at once would hold the event loop for seconds. Pure.
import { changedPart } from "../platform/changed-part.ts";
import type { LoadResult, Policy } from "./policy.ts";

/** Starting or ending one takes some milliseconds; a policy is not divided. */
const STEP_SINKS = 4;

type Step = { ends: Set<string>; puts: Map<string, Policy> };

const idOf = ({ namespace, name }: Policy): string => `${namespace}/${name}`;

/**
 * From what runs to what was loaded. Both are in the order of `namespace/name`; policies that are the same objects are not looked at.
 * One that was deleted and created again (another uid) ends in a step before the one that starts it, so that nothing of it stays.
 */
export function* inSteps(running: readonly Policy[], loaded: LoadResult): Generator<LoadResult> {
  const { from, beforeTo, afterTo } = changedPart(running, loaded.policies, (a, b) => a === b);
  const runs = new Map(running.slice(from, beforeTo).map((policy) => [idOf(policy), policy]));
  const wanted = new Map(loaded.policies.slice(from, afterTo).map((policy) => [idOf(policy), policy]));
  const ids = [...new Set([...runs.keys(), ...wanted.keys()])].sort();
  const steps = stepsOf(runs, wanted);
  for (const { ends, puts } of steps.slice(0, -1)) {
    for (const id of ends) runs.delete(id);
    for (const [id, policy] of puts) runs.set(id, policy);
    const changed = ids.flatMap((id) => runs.get(id) ?? []);
    const policies = [...running.slice(0, from), ...changed, ...running.slice(beforeTo)];
    yield { ...loaded, policies, partial: true };
  }
  yield loaded;
}

function stepsOf(runs: ReadonlyMap<string, Policy>, wanted: ReadonlyMap<string, Policy>): Step[] {
  const steps: Step[] = [];
  let left = 0;
  const step = (sinks: number, fits: (last: Step) => boolean): Step => {
    const last = steps.at(-1);
    const current = last !== undefined && left > 0 && fits(last) ? last : { ends: new Set<string>(), puts: new Map() };
    if (current !== last) {
      steps.push(current);
      left = STEP_SINKS;
    }
    left -= Math.max(1, sinks);
    return current;
  };
  for (const [id, policy] of runs)
    if (wanted.get(id) === undefined || wanted.get(id)!.uid !== policy.uid)
      step(policy.sinks.length, () => true).ends.add(id);
  for (const [id, policy] of wanted)
    if (runs.get(id) !== policy) step(policy.sinks.length, ({ ends }) => !ends.has(id)).puts.set(id, policy);
  return steps;
}
