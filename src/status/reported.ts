// Which sinks and policies report something else after an event: what a state store keeps, so that a restart does not forget since
// when a sink is ready, or not. Messages alone change often and are not worth a write. Pure.
import type { Condition } from "./condition.ts";
import type { Snapshot } from "./snapshot.ts";

export type Report = { id: string /** Empty: it is gone. */; conditions: readonly Condition[] };

type Reporting = { id: string; conditions: readonly Condition[] };

export function changedReports(before: Snapshot, after: Snapshot): Report[] {
  const changed: Report[] = [];
  if (before.sinks !== after.sinks) add(changed, before.sinks, after.sinks, before.order === after.order);
  if (before.policies !== after.policies) add(changed, before.policies, after.policies, false);
  return changed;
}

/**
 * `inPlace`: the same ones in the same order, so that nothing need be looked up. Usually only something at the end is new: a thousand
 * sinks that come one by one must not cost a million look-ups.
 */
function add(to: Report[], before: readonly Reporting[], after: readonly Reporting[], inPlace: boolean): void {
  const same = inPlace ? after.length : samePrefix(before, after);
  const known = new Map(before.slice(same).map((one) => [one.id, one]));
  // At each event of any sink: nothing is called for those that are the same.
  for (let i = 0; i < after.length; i++) {
    const one = after[i]!;
    const was = i < same ? before[i] : known.get(one.id);
    if (was === one || was?.conditions === one.conditions) continue;
    if (was === undefined || said(was) !== said(one)) to.push({ id: one.id, conditions: one.conditions });
  }
  if (known.size === 0) return;
  const left = new Set(after.slice(same).map((one) => one.id));
  for (const id of known.keys()) if (!left.has(id)) to.push({ id, conditions: [] });
}

function samePrefix(before: readonly Reporting[], after: readonly Reporting[]): number {
  const most = Math.min(before.length, after.length);
  for (let i = 0; i < most; i++) if (before[i] !== after[i] && before[i]!.id !== after[i]!.id) return i;
  return most;
}

const said = ({ conditions }: Reporting): string =>
  conditions.map((c) => `${c.type} ${c.status} ${c.reason} ${c.observedGeneration}`).join();
