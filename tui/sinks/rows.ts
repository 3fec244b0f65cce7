// The rows of the sink table: sinks in their order, under a heading for each group where they are grouped. Pure.
import type { EpochMs } from "../../src/platform/clock.ts";
import type { SinkId } from "../../src/status/events.ts";
import type { SinkState, Snapshot } from "../../src/status/snapshot.ts";
import { shownSinks } from "../input/order.ts";
import type { UiState } from "../input/ui-state.ts";
import { causes } from "./causes.ts";

export type Row =
  | { kind: "sink"; key: SinkId; sink: SinkState }
  | { kind: "group"; key: string; title: string; sinks: readonly SinkState[]; folded: boolean };

type Choice = Pick<UiState, "faultsOnly" | "sort" | "reverse" | "filters" | "group" | "folded">;

let last: { snapshot: Snapshot; now: EpochMs; choice: Choice; rows: readonly Row[] } | undefined;

/** A frame asks for them several times: the last answer is kept. */
export function sinkRows(snapshot: Snapshot, ui: Choice, now: EpochMs): readonly Row[] {
  if (last !== undefined && last.snapshot === snapshot && last.now === now && same(last.choice, ui)) return last.rows;
  const rows = made(snapshot, ui, now);
  last = { snapshot, now, choice: ui, rows };
  return rows;
}

const same = (a: Choice, b: Choice): boolean =>
  a.faultsOnly === b.faultsOnly &&
  a.sort === b.sort &&
  a.reverse === b.reverse &&
  a.group === b.group &&
  a.folded === b.folded &&
  a.filters.sinks === b.filters.sinks;

function made(snapshot: Snapshot, ui: Choice, now: EpochMs): readonly Row[] {
  const sinks = shownSinks(snapshot, ui, now);
  const row = (sink: SinkState): Row => ({ kind: "sink", key: sink.id, sink });
  if (ui.group === "none") return sinks.map(row);
  const groups = ui.group === "cause" ? causes(sinks, snapshot.source) : policies(sinks);
  return groups.flatMap(({ key: name, title, sinks: members }) => {
    const key = `group ${name}`;
    const folded = ui.folded.has(key);
    return [{ kind: "group", key, title, sinks: members, folded }, ...(folded ? [] : members.map(row))] as Row[];
  });
}

/** In the order of their first sink: the policy with the worst sink comes first. */
function policies(sinks: readonly SinkState[]): { key: string; title: string; sinks: SinkState[] }[] {
  const found = new Map<string, SinkState[]>();
  for (const sink of sinks) found.set(sink.info.policy, [...(found.get(sink.info.policy) ?? []), sink]);
  return [...found].map(([key, members]) => ({ key, title: key, sinks: members }));
}
