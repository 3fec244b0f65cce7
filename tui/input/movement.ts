// Up and down: in the list of a screen, or through its text. Pure.
import type { EpochMs } from "../../src/platform/clock.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { fleetRows } from "../fleet/fleet-rows.ts";
import { sinkRows } from "../sinks/rows.ts";
import { columnNames } from "../sinks/sink-columns.ts";
import { shownPolicies, shownSources } from "./order.ts";
import { type UiState, unselected, without } from "./ui-state.ts";

/** Beyond any list; the view keeps scroll within what there is. */
export const END = 1_000_000;

export function moved(ui: UiState, by: number, snapshot: Snapshot, now: EpochMs): UiState {
  if (ui.panel === "columns") return { ...ui, chooser: Math.min(columnNames.length - 1, Math.max(0, ui.chooser + by)) };
  if (ui.panel === undefined) {
    switch (ui.screen) {
      case "sinks": {
        const to = neighbour(
          sinkRows(snapshot, ui, now).map((row) => row.key),
          ui.selected,
          by,
        );
        return to === undefined ? unselected(ui) : { ...ui, selected: to };
      }
      case "policies": {
        const list = shownPolicies(snapshot, ui.filters.policies ?? "").map((p) => p.id);
        const to = neighbour(list, ui.selectedPolicy, by);
        return to === undefined ? without(ui, "selectedPolicy") : { ...ui, selectedPolicy: to };
      }
      case "sources": {
        const list = shownSources(snapshot, ui.filters.sources ?? "").map((s) => s.key);
        const to = neighbour(list, ui.selectedSource, by);
        return to === undefined ? without(ui, "selectedSource") : { ...ui, selectedSource: to };
      }
      case "fleet": {
        const list = fleetRows(snapshot, ui.filters.fleet ?? "").map((r) => r.key);
        const to = neighbour(list, ui.selectedMember, by);
        return to === undefined ? without(ui, "selectedMember") : { ...ui, selectedMember: to };
      }
      case "events":
        return { ...ui, scroll: Math.min(END, Math.max(0, ui.scroll - by)) };
      case "detail":
        break;
      default:
        ui.screen satisfies never;
    }
  }
  return { ...ui, scroll: Math.min(END, Math.max(0, ui.scroll + by)) };
}

/** undefined: the first one, so that the selection stays on the first row whichever that is. */
function neighbour(list: readonly string[], from: string | undefined, by: number): string | undefined {
  const at = Math.max(0, from === undefined ? 0 : list.indexOf(from));
  const to = Math.min(list.length - 1, Math.max(0, at + by));
  return to <= 0 ? undefined : list[to];
}
