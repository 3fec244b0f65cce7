// Finding and replacing one sink in a snapshot without a walk or a copy of the others. Pure; the index is derived from `order`,
// which is a new array whenever a sink comes or goes, and is thrown away with it.
import type { EpochMs } from "../platform/clock.ts";
import type { SinkId } from "./events.ts";
import type { SinkState, Snapshot } from "./snapshot.ts";

const indexes = new WeakMap<readonly SinkId[], ReadonlyMap<SinkId, number>>();

function indexOf(order: readonly SinkId[]): ReadonlyMap<SinkId, number> {
  let index = indexes.get(order);
  if (index === undefined) {
    index = new Map(order.map((id, i) => [id, i]));
    indexes.set(order, index);
  }
  return index;
}

export function sinkOf(snapshot: Pick<Snapshot, "sinks" | "order">, id: SinkId): SinkState | undefined {
  const i = indexOf(snapshot.order).get(id);
  return i === undefined ? undefined : snapshot.sinks[i];
}

/** The snapshot with `sink` in its place; a new one goes where its policy says. */
export function withSink(snapshot: Snapshot, sink: SinkState, at = snapshot.at): Snapshot {
  const i = indexOf(snapshot.order).get(sink.id);
  if (i === undefined) return { ...withNewSink(snapshot, sink), at };
  const sinks = snapshot.sinks.slice();
  sinks[i] = sink;
  return { ...snapshot, sinks, at };
}

function withNewSink(snapshot: Snapshot, sink: SinkState): Snapshot {
  const sinks = [...snapshot.sinks, sink];
  const last = snapshot.sinks.at(-1);
  const isLast = last === undefined || comesBefore(snapshot, last, sink);
  return isLast ? { ...snapshot, sinks, order: [...snapshot.order, sink.id] } : inPolicyOrder(snapshot, sinks);
}

/** Usual at the start, when sinks come one by one in policy order. */
function comesBefore({ policies }: Snapshot, a: SinkState, b: SinkState): boolean {
  const [p, q] = [a, b].map((sink) => policies.findIndex((policy) => policy.id === sink.info.policy));
  if (p === undefined || q === undefined || p < 0 || p !== q)
    return p !== undefined && q !== undefined && p >= 0 && p < q;
  const sinks = policies[p]?.sinks ?? [];
  return sinks.indexOf(a.id) < sinks.indexOf(b.id);
}

/** Sinks in the order of their policies; those that no policy names any more (they drain) at the end. */
export function inPolicyOrder(snapshot: Snapshot, sinks: readonly SinkState[]): Snapshot {
  const rank = new Map(snapshot.policies.flatMap((p) => p.sinks).map((id, i) => [id, i]));
  const last = rank.size;
  const sorted = sinks.toSorted((a, b) => (rank.get(a.id) ?? last) - (rank.get(b.id) ?? last));
  return { ...snapshot, sinks: sorted, order: sorted.map((sink) => sink.id) };
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
