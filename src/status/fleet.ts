// What an agent knows of the fleet that it belongs to: members, who owns which shard, and what others report of their sinks. Pure.
import type { EpochMs } from "../platform/clock.ts";

export type FleetMember = {
  /** Unique for each process: its name and a random suffix. */
  id: string;
  name: string;
  /** When it started. */
  since: EpochMs;
  leaving: boolean;
  /** How many it holds. */
  shards: number;
  /** When this agent last heard a heartbeat of it. */
  heardAt: EpochMs;
  /** Until when it may export without another heartbeat: of this agent exactly, of another one at the latest. */
  validUntil: EpochMs;
};

/** `holder` "": free. */
export type ShardOwner = {
  shard: number;
  holder: string;
  epoch: number;
  /** When the holder took it; of a free one: when the last holder had taken it. */
  since: EpochMs;
  /** Who had it before; equal to `holder`: lost for a while, and taken again. Absent: it is the first one. */
  from?: string;
  /** `from` had been silent for a TTL; else it handed the shard over. */
  silent: boolean;
  /** Its policies, `namespace/name`, in order. */
  policies: readonly string[];
};

/** A sink that another agent owns, as that agent last reported it. */
export type SinkElsewhere = { sink: string; status: string; reason: string; since: EpochMs; holder: string };

export type FleetStatus = {
  engine: "etcd" | "kubernetes";
  name: string;
  /** This agent's member id. */
  self: string;
  /** This agent may export what it owns. */
  valid: boolean;
  /** Until when, unless the next heartbeat can be written. */
  validUntil?: EpochMs;
  /** A member that is silent this long has lost what it owned. */
  ttlMs: number;
  /** Why the register cannot be read or written. */
  problem?: string;
  shards: number;
  owned: number;
  members: readonly FleetMember[];
  owners: readonly ShardOwner[];
  elsewhere: readonly SinkElsewhere[];
  /** Members whose policies differ from this agent's, by name. */
  differing: readonly string[];
  /** Shards taken from members that were silent for too long, and shards given up because the validity ended, since the start. */
  takeovers: number;
  fenced: number;
};

/** The latest change from one member to another, as one of the shards that changed then. */
export const lastHandOver = ({ owners }: FleetStatus): ShardOwner | undefined =>
  owners
    .filter((o) => o.from !== undefined && o.holder !== "" && o.from !== o.holder)
    .reduce<ShardOwner | undefined>((last, o) => (last === undefined || o.since > last.since ? o : last), undefined);

/** Shards that no living member holds. */
export function unowned({ members, owners, shards }: FleetStatus): number {
  const alive = new Set(members.map((m) => m.id));
  return shards - owners.filter((o) => alive.has(o.holder)).length;
}
