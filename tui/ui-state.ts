// What the person at the keyboard has chosen, and how each intent changes it. Pure; knows nothing of keys or of the terminal.
import type { EpochMs } from "../src/platform/clock.ts";
import type { SinkAction } from "../src/status/actions.ts";
import type { SinkId } from "../src/status/events.ts";
import { sinkOf } from "../src/status/sinks.ts";
import type { Snapshot } from "../src/status/snapshot.ts";
import { type Ask, askFor } from "./ask.ts";
import { type SortColumn, shownPolicies, shownSinks, shownSources, sortColumns } from "./order.ts";

export const screens = ["sinks", "detail", "sources", "policies", "events"] as const;
export type Screen = (typeof screens)[number];

/** What lies over a screen and is closed by esc. */
export type Panel = "help" | "why" | "yaml";

export const ranges = ["minute", "quarter", "hour"] as const;
/** How far back charts go. */
export type Range = (typeof ranges)[number];

export type UiState = {
  screen: Screen;
  panel?: Panel;
  /** Selected rows; undefined: the first row, whichever it is. */
  selected?: SinkId;
  selectedPolicy?: string;
  selectedSource?: string;
  /** First line in view, on screens that scroll. On events: lines back from the newest. */
  scroll: number;
  /** The screen shows this and no newer snapshot; data goes on. */
  frozen?: { snapshot: Snapshot; at: EpochMs };
  faultsOnly: boolean;
  sort: SortColumn;
  reverse: boolean;
  /** Regular expression for the rows of a screen; `!` first inverts. */
  filters: Readonly<Partial<Record<Screen, string>>>;
  /** The filter is being typed. */
  typing: boolean;
  /** Events of this sink only. */
  eventsOf?: SinkId;
  /** Addresses, queries and label values are hidden. */
  privacy: boolean;
  range: Range;
  /** An action waits for yes or no. */
  asking?: Ask;
  /** What came of the last action, for a few seconds. */
  notice?: { text: string; ok: boolean; until: EpochMs };
  quitting?: "drain" | "leave";
};

export const initialUi: UiState = {
  screen: "sinks",
  scroll: 0,
  faultsOnly: false,
  sort: "worst",
  reverse: false,
  filters: {},
  typing: false,
  privacy: false,
  range: "minute",
};

export type Intent =
  | { type: "move"; by: number }
  | { type: "page"; by: number }
  | { type: "first" }
  | { type: "last" }
  | { type: "open" }
  | { type: "back" }
  | { type: "screen"; to: Screen }
  | { type: "next-screen"; by: number }
  | { type: "panel"; panel: Panel }
  | { type: "freeze" }
  | { type: "faults-only" }
  | { type: "sort" }
  | { type: "reverse" }
  | { type: "privacy" }
  | { type: "range"; by: number }
  | { type: "events-of" }
  | { type: "filter" }
  | { type: "quit"; leaveFrame: boolean }
  /** While the filter is being typed. */
  | { type: "typed"; text: string }
  | { type: "rubbed-out" }
  | { type: "entered" }
  /** Actions: asked first, then said yes or no to. What is said yes to is done by the session. */
  | { type: "ask"; action: SinkAction | "pause-or-resume" | "reload" }
  | { type: "yes" }
  | { type: "no" }
  | { type: "save" }
  | { type: "told"; text: string; ok: boolean };

const NOTICE_MS = 8_000;

/** @param page lines that fit in the part that scrolls */
export function uiReduce(ui: UiState, intent: Intent, live: Snapshot, now: EpochMs, page: number): UiState {
  const snapshot = ui.frozen?.snapshot ?? live;
  switch (intent.type) {
    case "move":
      return moved(ui, intent.by, snapshot, now);
    case "page":
      return moved(ui, intent.by * Math.max(1, page - 1), snapshot, now);
    case "first":
      return moved(ui, -END, snapshot, now);
    case "last":
      return moved(ui, END, snapshot, now);
    case "open": {
      if (ui.screen === "policies") return { ...ui, panel: "yaml", scroll: 0 };
      const id = selectedSink(ui, snapshot, now);
      return ui.screen !== "sinks" || id === undefined ? ui : { ...ui, selected: id, screen: "detail", scroll: 0 };
    }
    case "back":
      return back(ui);
    case "screen":
      return shown(ui, intent.to, snapshot, now);
    case "next-screen":
      return shown(
        ui,
        screens[(screens.indexOf(ui.screen) + screens.length + intent.by) % screens.length] ?? "sinks",
        snapshot,
        now,
      );
    case "panel": {
      if (ui.panel === intent.panel) return closed(ui);
      const id = selectedSink(ui, snapshot, now);
      if (intent.panel !== "help" && id === undefined && ui.screen !== "policies") return ui;
      return { ...ui, ...(id === undefined ? {} : { selected: id }), panel: intent.panel, scroll: 0 };
    }
    case "freeze": {
      if (ui.frozen === undefined) return { ...ui, frozen: { snapshot: live, at: now } };
      const { frozen: _, ...rest } = ui;
      return rest;
    }
    case "faults-only":
      return { ...unselected(ui), faultsOnly: !ui.faultsOnly };
    case "sort": {
      const next = sortColumns[(sortColumns.indexOf(ui.sort) + 1) % sortColumns.length] ?? "worst";
      return { ...unselected(ui), sort: next, reverse: false };
    }
    case "reverse":
      return { ...unselected(ui), reverse: !ui.reverse };
    case "privacy":
      return { ...ui, privacy: !ui.privacy };
    case "range": {
      const at = Math.min(ranges.length - 1, Math.max(0, ranges.indexOf(ui.range) + intent.by));
      return { ...ui, range: ranges[at] ?? "minute" };
    }
    case "events-of": {
      const id = selectedSink(ui, snapshot, now);
      return id === undefined ? ui : { ...ui, selected: id, screen: "events", eventsOf: id, scroll: 0 };
    }
    case "filter":
      return { ...unselected(ui), typing: true, scroll: 0 };
    case "typed":
      return filtered(ui, (ui.filters[ui.screen] ?? "") + intent.text);
    case "rubbed-out":
      return filtered(ui, [...(ui.filters[ui.screen] ?? "")].slice(0, -1).join(""));
    case "entered":
      return { ...ui, typing: false };
    case "quit":
      return { ...ui, quitting: intent.leaveFrame ? "leave" : "drain" };
    case "ask": {
      const id = selectedSink(ui, snapshot, now);
      const sink = id === undefined ? undefined : sinkOf(live, id);
      const asked = askFor(intent.action, sink, now);
      if (asked === undefined) return ui;
      return asked.ask === undefined ? told(ui, asked.why, false, now) : { ...ui, asking: asked.ask };
    }
    case "yes":
    case "no": {
      const { asking: _, ...rest } = ui;
      return rest;
    }
    case "save":
      return ui;
    case "told":
      return told(ui, intent.text, intent.ok, now);
    default:
      return intent satisfies never;
  }
}

/** Beyond any list; the view keeps scroll within what there is. */
const END = 1_000_000;

function moved(ui: UiState, by: number, snapshot: Snapshot, now: EpochMs): UiState {
  if (ui.panel === undefined) {
    switch (ui.screen) {
      case "sinks": {
        const to = neighbour(
          shownSinks(snapshot, ui, now).map((s) => s.id),
          ui.selected,
          by,
        );
        return to === undefined ? unselected(ui) : { ...ui, selected: to };
      }
      case "policies": {
        const list = shownPolicies(snapshot, ui.filters.policies ?? "").map((p) => p.id);
        const to = neighbour(list, ui.selectedPolicy, by);
        const { selectedPolicy: _, ...rest } = ui;
        return to === undefined ? rest : { ...ui, selectedPolicy: to };
      }
      case "sources": {
        const list = shownSources(snapshot, ui.filters.sources ?? "").map((s) => s.key);
        const to = neighbour(list, ui.selectedSource, by);
        const { selectedSource: _, ...rest } = ui;
        return to === undefined ? rest : { ...ui, selectedSource: to };
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

function unselected(ui: UiState): UiState {
  const { selected: _, selectedPolicy: __, selectedSource: ___, ...rest } = ui;
  return ui.screen === "detail" ? ui : rest;
}

const filtered = (ui: UiState, filter: string): UiState => ({
  ...unselected(ui),
  filters: { ...ui.filters, [ui.screen]: filter },
  scroll: 0,
});

const told = (ui: UiState, text: string, ok: boolean, now: EpochMs): UiState => ({
  ...ui,
  notice: { text, ok, until: now + NOTICE_MS },
});

/** The sink that keys act on; on a screen without sinks none. */
export function selectedSink(ui: UiState, snapshot: Snapshot, now: EpochMs): SinkId | undefined {
  if (ui.screen === "detail") return ui.selected;
  if (ui.screen === "events") return ui.eventsOf;
  if (ui.screen !== "sinks") return undefined;
  const list = shownSinks(snapshot, ui, now);
  return (list.find((sink) => sink.id === ui.selected) ?? list[0])?.id;
}

function shown(ui: UiState, screen: Screen, snapshot: Snapshot, now: EpochMs): UiState {
  const { eventsOf: _, panel: __, ...rest } = ui;
  const id = selectedSink(ui, snapshot, now) ?? ui.selected ?? shownSinks(snapshot, ui, now)[0]?.id;
  if (screen === "detail" && id === undefined) return ui;
  return { ...rest, ...(screen === "detail" && id !== undefined ? { selected: id } : {}), screen, scroll: 0 };
}

function closed(ui: UiState): UiState {
  const { panel: _, ...rest } = ui;
  return { ...rest, scroll: 0 };
}

/** One step back: out of a panel, out of the filter, out of the events of one sink, home. */
function back(ui: UiState): UiState {
  if (ui.panel !== undefined) return closed(ui);
  if (ui.typing || (ui.filters[ui.screen] ?? "") !== "") return { ...filtered(ui, ""), typing: false };
  if (ui.eventsOf !== undefined && ui.screen === "events") {
    const { eventsOf, ...rest } = ui;
    return { ...rest, screen: "detail", selected: eventsOf, scroll: 0 };
  }
  if (ui.screen !== "sinks") return { ...ui, screen: "sinks", scroll: 0 };
  return ui.faultsOnly ? { ...ui, faultsOnly: false } : ui;
}
