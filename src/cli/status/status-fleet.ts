// outflow status --fleet: members, what each owns, what this agent may do, and what others report of the sinks that they own. Pure.
import type { FleetStatus } from "../../status/fleet.ts";
import type { Snapshot } from "../../status/snapshot.ts";
import { fleetLines } from "../../status/text/fleet-lines.ts";
import { age, counted } from "../../status/text/words.ts";

/** Undefined: the agent belongs to no fleet. */
export function fleetText({ fleet, at }: Snapshot): string | undefined {
  if (fleet === undefined) return undefined;
  const lines = [...fleetLines(fleet, at), "", ...table(membersOf(fleet, at))];
  const elsewhere = fleet.elsewhere.filter((s) => s.status !== "True");
  if (fleet.elsewhere.length > 0) {
    lines.push(
      "",
      `${counted(fleet.elsewhere.length, "sink")} of other agents, ${elsewhere.length} of them not ready:`,
    );
    const rows = elsewhere.map((s) => [s.sink, s.reason, age(at - s.since), s.holder]);
    if (rows.length > 0) lines.push(...table([["SINK", "REASON", "FOR", "OWNER"], ...rows]));
  }
  return `${lines.join("\n")}\n`;
}

function membersOf(fleet: FleetStatus, at: number): string[][] {
  const lastTaken = (id: string) => Math.max(0, ...fleet.owners.filter((o) => o.holder === id).map((o) => o.since));
  return [
    ["MEMBER", "SHARDS", "UP", "LAST TAKEN", ""],
    ...fleet.members.map((m) => [
      m.id,
      String(m.shards),
      age(at - m.since),
      lastTaken(m.id) === 0 ? "-" : `${age(at - lastTaken(m.id))} ago`,
      m.leaving ? "leaving" : m.id === fleet.self ? "this agent" : "",
    ]),
  ];
}

function table(rows: string[][]): string[] {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  return rows.map((row) =>
    row
      .map((cell, c) => cell.padEnd(widths[c]!))
      .join("  ")
      .trimEnd(),
  );
}
