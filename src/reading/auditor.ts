// Compares what was read with what the source has by now, stretch by stretch (source/audit.ts): more at the source came too late to
// be read, and is reported for each sink with the command that sends it. One query a stretch and source, whoever shares it.
import type { Clock, EpochMs } from "../platform/clock.ts";
import type { AuditCounts } from "../source/audit.ts";
import type { Window } from "../source/window.ts";
import type { Event } from "../status/events.ts";
import type { Member, Query } from "./reader.ts";

export type Position = {
  query: Query;
  read: EpochMs;
  auditCounts: AuditCounts | undefined;
  members: readonly Member[];
};

export type AuditorPorts = {
  clock: Clock;
  dispatch(event: Event): void;
  sourceNow(): EpochMs | undefined;
  /** Where all readers are now. */
  positions(): Position[];
  /** How many samples the source has there now; undefined: it did not say. */
  count(query: Query, stretch: Window): Promise<number | undefined>;
  /** The command that sends the stretch again. */
  remedy(member: Member, stretch: Window): string;
};

const key = (member: Member): string => JSON.stringify([member.id, member.source]);

/** Looks for ripe stretches until `signal`. */
export async function audit(stretchMs: number, ports: AuditorPorts, signal: AbortSignal): Promise<void> {
  if (stretchMs === 0) return;
  /** By source of a sink: the end of what was audited. */
  const audited = new Map<string, EpochMs>();
  const lookEveryMs = Math.min(30_000, Math.max(1_000, stretchMs / 5));
  while (await ports.clock.sleep(lookEveryMs, signal)) await look(stretchMs, audited, ports, signal);
}

async function look(
  stretchMs: number,
  audited: Map<string, EpochMs>,
  ports: AuditorPorts,
  signal: AbortSignal,
): Promise<void> {
  const sourceNow = ports.sourceNow();
  if (sourceNow === undefined) return;
  const counted = new Map<string, number | undefined>();
  for (const { query, read, auditCounts } of ports.positions()) {
    for (const stretch of auditCounts?.ripe(read, sourceNow, stretchMs) ?? []) {
      const due = (p: Position) =>
        p.query.sent === query.sent && p.members.some((m) => (audited.get(key(m)) ?? 0) < stretch.to);
      if (!ports.positions().some(due)) continue;
      const what = JSON.stringify([query.sent, stretch]);
      if (!counted.has(what)) counted.set(what, await ports.count(query, stretch));
      if (signal.aborted) return;
      const there = counted.get(what);
      if (there === undefined) continue; // the next look asks again
      // Looked up again: what was read while the source counted is no longer missing.
      for (const now of ports.positions().filter(due)) {
        const ripe = now.auditCounts?.ripe(now.read, sourceNow, stretchMs) ?? [];
        if (!ripe.some((s) => s.from === stretch.from && s.to === stretch.to)) continue;
        const samples = there - now.auditCounts!.taken(stretch.to, stretchMs);
        for (const member of now.members) {
          if ((audited.get(key(member)) ?? 0) >= stretch.to) continue;
          audited.set(key(member), stretch.to);
          if (samples <= 0) continue;
          const remedy = ports.remedy(member, stretch);
          const { id, source } = member;
          ports.dispatch({ type: "late", at: ports.clock.now(), id, source, ...stretch, samples, remedy });
        }
      }
    }
  }
}
