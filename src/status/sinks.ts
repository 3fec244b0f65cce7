// Finding and replacing one sink in a snapshot without a walk or a copy of the others. Pure; the index is derived from `order`,
// which is a new array whenever a sink comes or goes. One that comes last leaves the places of the others as they are: the index is
// handed on, and a snapshot from before it has nothing at the new place.
import type { EpochMs } from "../platform/clock.ts";
import type { SinkId } from "./events.ts";
import type { SinkState, Snapshot } from "./snapshot.ts";

const indexes = new WeakMap<readonly SinkId[], Map<SinkId, number>>();

function indexOf(order: readonly SinkId[]): Map<SinkId, number> {
  let index = indexes.get(order);
  if (index === undefined) {
    index = new Map(order.map((id, i) => [id, i]));
    indexes.set(order, index);
  }
  return index;
}

function placeOf(order: readonly SinkId[], id: SinkId): number | undefined {
  const i = indexOf(order).get(id);
  if (i === undefined || order[i] === id) return i;
  // Two snapshots were made of the same one, each with another sink at its end.
  const there = order.indexOf(id);
  return there < 0 ? undefined : there;
}

function withLast(order: readonly SinkId[], id: SinkId): readonly SinkId[] {
  const longer = [...order, id];
  const index = indexOf(order);
  if (!index.has(id)) indexes.set(longer, index.set(id, order.length));
  return longer;
}

export function sinkOf(snapshot: Pick<Snapshot, "sinks" | "order">, id: SinkId): SinkState | undefined {
  const i = placeOf(snapshot.order, id);
  return i === undefined ? undefined : snapshot.sinks[i];
}

/** The snapshot with `sink` in its place, and with `more`; a new sink goes where its policy says. */
export function withSink(
  snapshot: Snapshot,
  sink: SinkState,
  at = snapshot.at,
  more: Partial<Pick<Snapshot, "samples" | "bytes">> = {},
): Snapshot {
  const i = placeOf(snapshot.order, sink.id);
  if (i === undefined) return { ...withNewSink(snapshot, sink), ...more, at };
  const sinks = snapshot.sinks.slice();
  sinks[i] = sink;
  return { ...snapshot, ...more, sinks, at };
}

function withNewSink(snapshot: Snapshot, sink: SinkState): Snapshot {
  const sinks = [...snapshot.sinks, sink];
  const last = snapshot.sinks.at(-1);
  const isLast = last === undefined || comesBefore(snapshot, last, sink);
  return isLast ? { ...snapshot, sinks, order: withLast(snapshot.order, sink.id) } : inPolicyOrder(snapshot, sinks);
}

/** Usual at the start, when sinks come one by one in policy order. */
function comesBefore({ policies }: Snapshot, a: SinkState, b: SinkState): boolean {
  const placeIn = ({ id, info }: SinkState): readonly [policy: number, sink: number] => {
    const policy = policies.findIndex((p) => p.id === info.policy);
    return [policy, policies[policy]?.sinks.indexOf(id) ?? -1];
  };
  const [[p, i], [q, j]] = [placeIn(a), placeIn(b)];
  // One that drains is not named any more, and comes last.
  return i >= 0 && j >= 0 && (p < q || (p === q && i < j));
}

/** Sinks in the order of their policies; those that no policy names any more (they drain) at the end. */
export function inPolicyOrder(snapshot: Snapshot, sinks: readonly SinkState[]): Snapshot {
  const sorted = isInOrder(snapshot, sinks) ? sinks : sortedByPolicy(snapshot, sinks);
  return sorted === snapshot.sinks ? snapshot : { ...snapshot, sinks: sorted, order: sorted.map((sink) => sink.id) };
}

/** Usual: a policy was edited, or others come after those that are there. */
function isInOrder({ policies }: Snapshot, sinks: readonly SinkState[]): boolean {
  let i = 0;
  for (const policy of policies) for (const id of policy.sinks) if (sinks[i]?.id === id) i++;
  return i === sinks.length;
}

function sortedByPolicy({ policies }: Snapshot, sinks: readonly SinkState[]): readonly SinkState[] {
  const rank = new Map(policies.flatMap((p) => p.sinks).map((id, i) => [id, i]));
  const last = rank.size;
  return sinks.toSorted((a, b) => (rank.get(a.id) ?? last) - (rank.get(b.id) ?? last));
}

/** How old the newest settled data is, ms: the worst of the sink's sources, grown by the time since it was measured. */
export function lagOf(sink: Pick<SinkState, "sources">, now: EpochMs): number | undefined {
  let worst: number | undefined;
  for (const { lagMs, lagAt } of sink.sources) {
    if (lagMs === undefined || lagAt === undefined) continue;
    const lag = lagMs + Math.max(0, now - lagAt);
    if (worst === undefined || lag > worst) worst = lag;
  }
  return worst;
}
