// The groups of the sink table by cause: each headline of the overview with its sinks, then those that are ready by their reason. Pure.
import { readyOf } from "../../src/status/conditions.ts";
import type { SinkState, Snapshot } from "../../src/status/snapshot.ts";
import { overview } from "../../src/status/text/overview.ts";
import { gist } from "../../src/status/text/words.ts";

export type Cause = { key: string; title: string; sinks: readonly SinkState[] };

export function causes(sinks: readonly SinkState[], source: Snapshot["source"]): Cause[] {
  const found = overview({ sinks, source }).headlines.map(({ reason, cause, sinks: members }) => ({
    key: `${reason} ${gist(cause)}`,
    title: `${reason}: ${cause}`,
    sinks: members,
  }));
  const ready = new Map<string, SinkState[]>();
  for (const sink of sinks) {
    const { status, reason } = readyOf(sink);
    if (status === "True") ready.set(reason, [...(ready.get(reason) ?? []), sink]);
  }
  const well = [...ready].map(([reason, members]) => ({ key: reason, title: reason, sinks: members }));
  return [...found.filter((c) => c.sinks.length > 0), ...well];
}
