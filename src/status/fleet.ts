// What an agent knows of the fleet that it belongs to: members, who owns which shard, and what others report of their sinks. Pure.
import type { EpochMs } from "../platform/clock.ts";

export type FleetMember = { id: string; name: string; since: EpochMs; leaving: boolean; shards: number };
export type ShardOwner = { shard: number; holder: string; epoch: number; since: EpochMs };
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

/** Shards that no living member holds. */
export function unowned({ members, owners, shards }: FleetStatus): number {
  const alive = new Set(members.map((m) => m.id));
  return shards - owners.filter((o) => alive.has(o.holder)).length;
}
