// What the person at the keyboard has chosen, and how each intent changes it. Pure; knows nothing of keys or of the terminal.
import type { EpochMs } from "../src/platform/clock.ts";
import type { SinkId } from "../src/status/events.ts";
import type { Snapshot } from "../src/status/snapshot.ts";
import type { SortColumn } from "./order.ts";
import { shownSinks, sortColumns } from "./order.ts";

export type Screen = "sinks" | "detail" | "sources" | "policies" | "events";

export type UiState = {
  screen: Screen;
  help: boolean;
  /** undefined: the first row, whichever it is. */
  selected?: SinkId;
  /** First line in view, on screens that scroll. On events: lines back from the newest. */
  scroll: number;
  /** The screen shows this and no newer snapshot; data goes on. */
  frozen?: { snapshot: Snapshot; at: EpochMs };
  faultsOnly: boolean;
  sort: SortColumn;
  reverse: boolean;
  /** Regular expression on sink names; `!` first inverts. */
  filter: string;
  /** The filter is being typed. */
  typing: boolean;
  /** Events of this sink only. */
  eventsOf?: SinkId;
  /** Endpoints and source address are hidden. */
  privacy: boolean;
  quitting?: "drain" | "leave";
};

export const initialUi: UiState = {
  screen: "sinks",
  help: false,
  scroll: 0,
  faultsOnly: false,
  sort: "worst",
  reverse: false,
  filter: "",
  typing: false,
  privacy: false,
};

export type Intent =
  | { type: "move"; by: number }
  | { type: "page"; by: number }
  | { type: "first" }
  | { type: "last" }
  | { type: "open" }
  | { type: "back" }
  | { type: "screen"; to: Screen }
  | { type: "next-screen" }
  | { type: "help" }
  | { type: "freeze" }
  | { type: "faults-only" }
  | { type: "sort" }
  | { type: "reverse" }
  | { type: "privacy" }
  | { type: "events-of" }
  | { type: "filter" }
  | { type: "quit"; leaveFrame: boolean }
  /** While the filter is being typed. */
  | { type: "typed"; text: string }
  | { type: "rubbed-out" }
  | { type: "entered" };

export const screens: readonly Screen[] = ["sinks", "detail", "sources", "policies", "events"];

/** @param page lines that fit in the part that scrolls */
export function uiReduce(ui: UiState, intent: Intent, live: Snapshot, now: EpochMs, page: number): UiState {
  const snapshot = ui.frozen?.snapshot ?? live;
  switch (intent.type) {
    case "move":
      return moved(ui, intent.by, snapshot, now);
    case "page":
      return moved(ui, intent.by * Math.max(1, page - 1), snapshot, now);
    case "first":
      if (ui.screen === "events" && !ui.help) return { ...ui, scroll: END };
      return ui.screen === "sinks" && !ui.help ? unselected(ui) : { ...ui, scroll: 0 };
    case "last":
      if (ui.screen === "events" && !ui.help) return { ...ui, scroll: 0 };
      return moved(ui, END, snapshot, now);
    case "open": {
      const id = selectedSink(ui, snapshot, now);
      return ui.screen !== "sinks" || id === undefined ? ui : { ...ui, selected: id, screen: "detail", scroll: 0 };
    }
    case "back":
      return back(ui);
    case "screen":
      return shown(ui, intent.to, snapshot, now);
    case "next-screen":
      return shown(ui, screens[(screens.indexOf(ui.screen) + 1) % screens.length] ?? "sinks", snapshot, now);
    case "help":
      return { ...ui, help: !ui.help, scroll: 0 };
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
    case "events-of": {
      const id = selectedSink(ui, snapshot, now);
      return id === undefined ? ui : { ...ui, screen: "events", eventsOf: id, scroll: 0 };
    }
    case "filter":
      return { ...unselected(ui), screen: "sinks", typing: true };
    case "typed":
      return { ...ui, filter: ui.filter + intent.text };
    case "rubbed-out":
      return { ...ui, filter: [...ui.filter].slice(0, -1).join("") };
    case "entered":
      return { ...ui, typing: false };
    case "quit":
      return { ...ui, quitting: intent.leaveFrame ? "leave" : "drain" };
    default:
      return intent satisfies never;
  }
}

/** Beyond any list; the view keeps scroll within what there is. */
const END = 1_000_000;

function moved(ui: UiState, by: number, snapshot: Snapshot, now: EpochMs): UiState {
  if (ui.screen === "events" && !ui.help) return { ...ui, scroll: Math.min(END, Math.max(0, ui.scroll - by)) };
  if (ui.screen !== "sinks" || ui.help) return { ...ui, scroll: Math.min(END, Math.max(0, ui.scroll + by)) };
  const list = shownSinks(snapshot, ui, now);
  const at = Math.max(
    0,
    list.findIndex((sink) => sink.id === ui.selected),
  );
  const to = list[Math.min(list.length - 1, Math.max(0, at + by))];
  return to === undefined || to === list[0] ? unselected(ui) : { ...ui, selected: to.id };
}

function unselected(ui: UiState): UiState {
  const { selected: _, ...rest } = ui;
  return rest;
}

export function selectedSink(ui: UiState, snapshot: Snapshot, now: EpochMs): SinkId | undefined {
  if (ui.screen === "detail") return ui.selected;
  const list = shownSinks(snapshot, ui, now);
  return (list.find((sink) => sink.id === ui.selected) ?? list[0])?.id;
}

function shown(ui: UiState, screen: Screen, snapshot: Snapshot, now: EpochMs): UiState {
  const { eventsOf: _, ...rest } = ui;
  const id = selectedSink(ui, snapshot, now);
  if (screen === "detail" && id === undefined) return ui;
  return {
    ...rest,
    ...(screen === "detail" && id !== undefined ? { selected: id } : {}),
    screen,
    help: false,
    scroll: 0,
  };
}

/** One step back: out of help, out of the filter, out of the events of one sink, home. */
function back(ui: UiState): UiState {
  if (ui.help) return { ...ui, help: false, scroll: 0 };
  if (ui.typing || (ui.screen === "sinks" && ui.filter !== "")) return { ...ui, typing: false, filter: "" };
  if (ui.eventsOf !== undefined && ui.screen === "events") {
    const { eventsOf, ...rest } = ui;
    return { ...rest, screen: "detail", selected: eventsOf, scroll: 0 };
  }
  if (ui.screen !== "sinks") return { ...ui, screen: "sinks", scroll: 0 };
  return ui.faultsOnly ? { ...ui, faultsOnly: false } : ui;
}
