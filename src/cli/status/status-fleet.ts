// outflow status --fleet: members, who owns which shard since when, what this agent may do, and what others report of the sinks that
// they own. Pure.
import { stringify } from "yaml";
import type { FleetStatus, ShardOwner, SinkElsewhere } from "../../status/fleet.ts";
import type { Snapshot } from "../../status/snapshot.ts";
import { fleetLines } from "../../status/text/fleet-lines.ts";
import { age, count, counted } from "../../status/text/words.ts";
import { columns, type Output } from "./status-text.ts";

/** Undefined: the agent belongs to no fleet. `yaml` and `json`: FleetStatus as it is in the snapshot, with the version of its shape. */
export function fleetText({ fleet, at }: Snapshot, output: Output): string | undefined {
  if (fleet === undefined) return undefined;
  if (output === "json" || output === "yaml") {
    const document = { version: 1, ...fleet };
    return output === "json" ? `${JSON.stringify(document, null, 2)}\n` : stringify(document, { lineWidth: 0 });
  }
  return [
    `${fleetLines(fleet, at).join("\n")}\n`,
    columns(members(fleet, at)),
    columns(shards(fleet, at)),
    elsewhereText(fleet.elsewhere, false, at),
  ]
    .filter((text) => text !== "")
    .join("\n");
}

/** What `outflow status` adds of the sinks of other agents; empty: there is none. */
export function elsewhereText(sinks: readonly SinkElsewhere[], all: boolean, at: number): string {
  if (sinks.length === 0) return "";
  const shown = all ? sinks : sinks.filter((s) => s.status !== "True");
  return `${elsewhereHead(sinks, shown.length > 0)}${shown.length > 0 ? elsewhereTable(shown, at) : ""}`;
}

function elsewhereHead(sinks: readonly SinkElsewhere[], listed: boolean): string {
  const bad = sinks.filter((s) => s.status !== "True").length;
  return `${counted(sinks.length, "sink")} of other agents, ${count(bad)} of them not ready${listed ? ":" : "."}\n`;
}

const elsewhereTable = (sinks: readonly SinkElsewhere[], at: number): string =>
  columns([
    ["SINK", "READY", "REASON", "SINCE", "OWNER"],
    ...sinks.map((s) => [s.sink, s.status, s.reason, age(at - s.since), s.holder]),
  ]);

function members(fleet: FleetStatus, at: number): string[][] {
  const policies = (id: string) =>
    fleet.owners.reduce((n, { holder, policies }) => n + (holder === id ? policies.length : 0), 0);
  return [
    ["MEMBER", "SHARDS", "POLICIES", "UP", "HEARD", "VALID FOR", ""],
    ...fleet.members.map((m) => [
      m.id,
      count(m.shards),
      count(policies(m.id)),
      age(at - m.since),
      `${age(Math.max(0, at - m.heardAt))} ago`,
      m.validUntil > at ? age(m.validUntil - at) : "-",
      m.leaving ? "leaving" : m.id === fleet.self ? "this agent" : "",
    ]),
  ];
}

const NAMED = 3;

function shards({ owners }: FleetStatus, at: number): string[][] {
  const names = ({ policies }: ShardOwner) =>
    policies.length <= NAMED + 1
      ? policies.join(", ")
      : `${policies.slice(0, NAMED).join(", ")} and ${count(policies.length - NAMED)} more`;
  return [
    ["SHARD", "OWNER", "FOR", "EPOCH", "FROM", "POLICIES"],
    ...owners.map((o) => [
      String(o.shard),
      o.holder || "-",
      o.holder === "" ? "-" : age(at - o.since),
      String(o.epoch),
      origin(o),
      names(o) || "-",
    ]),
  ];
}

function origin({ holder, from, silent }: ShardOwner): string {
  if (from === undefined) return "-";
  if (from === holder) return "itself";
  return silent ? `${from}, silent` : from;
}
