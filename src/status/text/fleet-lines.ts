// The fleet in sentences, for outflow status --fleet and the web page: what this agent owns and may do, then what is wrong. Pure.
import { type FleetStatus, lastHandOver, unowned } from "../fleet.ts";
import { age, counted } from "./words.ts";

export const fleetLines = (fleet: FleetStatus, at: number): string[] => [
  headline(fleet, at),
  ...problems(fleet),
  ...handOver(fleet, at),
];

/** The latest change of owner, with all shards that took the same way within a few seconds. */
function handOver(fleet: FleetStatus, at: number): string[] {
  const last = lastHandOver(fleet);
  if (last === undefined) return [];
  const same = fleet.owners.filter(
    (o) => o.holder === last.holder && o.from === last.from && last.since - o.since < TOGETHER_MS,
  );
  const what = same.length === 1 ? `shard ${last.shard}` : counted(same.length, "shard");
  const why = last.silent ? `, which was silent for ${age(fleet.ttlMs)}` : ", which handed over";
  return [`Last change of owner ${age(at - last.since)} ago: ${last.holder} took ${what} from ${last.from}${why}.`];
}

const TOGETHER_MS = 10_000;

function headline(fleet: FleetStatus, at: number): string {
  const may = !fleet.valid
    ? "may not export"
    : `may export for ${age(Math.max(0, (fleet.validUntil ?? at) - at))} without another heartbeat`;
  return `Fleet ${fleet.name} in ${fleet.engine}: ${counted(fleet.members.length, "member")}, ${fleet.shards} shards. This agent, ${fleet.self}, owns ${fleet.owned} and ${may}.`;
}

function problems(fleet: FleetStatus): string[] {
  const without = unowned(fleet);
  return [
    ...(fleet.problem === undefined ? [] : [`The register: ${fleet.problem}.`]),
    ...(without === 0 ? [] : [`${counted(without, "shard")} without an owner.`]),
    ...(fleet.differing.length === 0
      ? []
      : [`The policies of ${fleet.differing.join(", ")} differ from this agent's.`]),
    ...(fleet.takeovers + fleet.fenced === 0
      ? []
      : [
          `Since its start this agent took over ${fleet.takeovers} shards and lost ${fleet.fenced} because its validity ended.`,
        ]),
  ];
}
