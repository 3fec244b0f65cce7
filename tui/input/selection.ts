// Which row, which sink and which sinks a key acts on. Pure.
import type { EpochMs } from "../../src/platform/clock.ts";
import type { SinkId } from "../../src/status/events.ts";
import { sinkOf } from "../../src/status/sinks.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { type Row, sinkRows } from "../sinks/rows.ts";
import type { UiState } from "./ui-state.ts";

/** The selected row of the sink table; the first one where none is. */
export function selectedRow(ui: UiState, snapshot: Snapshot, now: EpochMs): Row | undefined {
  const rows = sinkRows(snapshot, ui, now);
  return rows.find((row) => row.key === ui.selected) ?? rows[0];
}

/** The sink that keys act on; on a screen without sinks, and on the heading of a group, none. */
export function selectedSink(ui: UiState, snapshot: Snapshot, now: EpochMs): SinkId | undefined {
  if (ui.screen === "detail") return ui.selected;
  if (ui.screen === "events") return ui.eventsOf;
  if (ui.screen !== "sinks") return undefined;
  const row = selectedRow(ui, snapshot, now);
  return row?.kind === "sink" ? row.key : undefined;
}

/** What an action is for: the marked sinks, else those of the selected group, else the selected one. */
export function targets(ui: UiState, snapshot: Snapshot, now: EpochMs): readonly SinkId[] {
  if (ui.screen === "sinks") {
    const marked = [...ui.marked].filter((id) => sinkOf(snapshot, id) !== undefined);
    if (marked.length > 0) return marked;
    const row = selectedRow(ui, snapshot, now);
    if (row?.kind === "group") return row.sinks.map((s) => s.id);
  }
  const id = selectedSink(ui, snapshot, now);
  return id === undefined ? [] : [id];
}
