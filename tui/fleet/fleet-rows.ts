// The rows of the fleet screen: each member with what it owns, worst first; an owner that is no longer a member, and shards that nobody
// owns, have rows of their own. Pure.
import type { EpochMs } from "../../src/platform/clock.ts";
import { readyOf } from "../../src/status/conditions.ts";
import type { FleetStatus, ShardOwner } from "../../src/status/fleet.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { matcher } from "../input/filter.ts";

export type OwnedSink = { id: string; status: string; reason: string; since: EpochMs };

export type FleetRow = {
  /** The member's id; NOBODY for shards without an owner. */
  key: string;
  state: "gone" | "unowned" | "fenced" | "leaving" | "self" | "member";
  /** When it joined; absent: it is not a member. */
  since?: EpochMs;
  shards: readonly ShardOwner[];
  /** Numbers of shards without an entry in the register, of the row of nobody. */
  missing: readonly number[];
  sinks: readonly OwnedSink[];
};

export const NOBODY = "(no owner)";

const order: readonly FleetRow["state"][] = ["unowned", "gone", "fenced", "leaving", "self", "member"];

export function fleetRows(snapshot: Pick<Snapshot, "fleet" | "sinks">, filter: string): readonly FleetRow[] {
  const { fleet, sinks } = snapshot;
  if (fleet === undefined) return [];
  const matches = matcher(filter);
  const rows = new Map<string, FleetRow>();
  for (const { id, since, leaving } of fleet.members)
    rows.set(id, { key: id, state: stateOf(id, leaving, fleet), since, shards: [], missing: [], sinks: [] });
  const at = (key: string): FleetRow => {
    const row = rows.get(key) ?? {
      key,
      state: key === NOBODY ? ("unowned" as const) : ("gone" as const),
      ...{ shards: [], missing: [], sinks: [] },
    };
    rows.set(key, row);
    return row;
  };
  const shards = new Map<string, ShardOwner[]>();
  for (const owner of fleet.owners) {
    const key = owner.holder === "" ? NOBODY : owner.holder;
    shards.set(key, [...(shards.get(key) ?? []), owner]);
  }
  for (const [key, owned] of shards) rows.set(key, { ...at(key), shards: owned });
  const known = new Set(fleet.owners.map((o) => o.shard));
  const missing = Array.from({ length: fleet.shards }, (_, shard) => shard).filter((shard) => !known.has(shard));
  if (missing.length > 0) rows.set(NOBODY, { ...at(NOBODY), missing });
  const owned = new Map<string, OwnedSink[]>();
  const add = (key: string, sink: OwnedSink) => owned.set(key, [...(owned.get(key) ?? []), sink]);
  for (const sink of sinks) {
    const { status, reason, lastTransitionTime } = readyOf(sink);
    add(fleet.self, { id: sink.id, status, reason, since: lastTransitionTime });
  }
  for (const { sink, status, reason, since, holder } of fleet.elsewhere)
    add(holder, { id: sink, status, reason, since });
  const rank = ({ status }: OwnedSink) => (status === "False" ? 0 : status === "True" ? 2 : 1);
  return [...rows.values()]
    .map((row) => ({
      ...row,
      sinks: (owned.get(row.key) ?? []).sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1)),
    }))
    .filter((row) => matches(`${row.key} ${row.state}`))
    .sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || (a.key < b.key ? -1 : 1));
}

function stateOf(id: string, leaving: boolean, fleet: FleetStatus): FleetRow["state"] {
  if (id !== fleet.self) return leaving ? "leaving" : "member";
  return fleet.valid ? (leaving ? "leaving" : "self") : "fenced";
}

/** When a shard last came to it. */
export function lastHandOver({ shards }: FleetRow): EpochMs | undefined {
  const times = shards.map((s) => s.since);
  return times.length === 0 ? undefined : Math.max(...times);
}

export const notReady = ({ sinks }: FleetRow): number => sinks.filter((s) => s.status === "False").length;

/** `0–3, 7, 12–14` */
export function ranges(numbers: readonly number[], dash: string): string {
  const parts: string[] = [];
  const sorted = [...numbers].sort((a, b) => a - b);
  for (let i = 0; i < sorted.length; ) {
    let end = i;
    while (sorted[end + 1] === (sorted[end] ?? 0) + 1) end++;
    parts.push(end === i ? String(sorted[i]) : `${sorted[i]}${dash}${sorted[end]}`);
    i = end + 1;
  }
  return parts.join(", ");
}
