// How each intent changes what is chosen. Pure.
import type { EpochMs } from "../../src/platform/clock.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { CURSOR_STEPS } from "../drawing/spans.ts";
import { themes } from "../drawing/theme.ts";
import { sinkRows } from "../sinks/rows.ts";
import { columnRows, movedColumn, toggled } from "../sinks/sink-columns.ts";
import { askFor } from "./ask.ts";
import { completed } from "./command.ts";
import { groupings, type Intent, layouts, ranges, type Screen, screens, sortColumns } from "./intents.ts";
import { END, moved } from "./movement.ts";
import { selectedRow, selectedSink, targets } from "./selection.ts";
import { filtered, told, type UiState, unselected, without } from "./ui-state.ts";

const PANE_STEPS = 4;

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
    case "open":
      return opened(ui, snapshot, now);
    case "back":
      return back(ui);
    case "screen":
      return shown(ui, intent.to, snapshot, now);
    case "next-screen": {
      const there = screens.filter((s) => s !== "fleet" || snapshot.fleet !== undefined);
      const next = there[(there.indexOf(ui.screen) + there.length + intent.by) % there.length];
      return shown(ui, next ?? "sinks", snapshot, now);
    }
    case "panel": {
      if (ui.panel === intent.panel) return closed(ui);
      if (intent.panel === "help" || intent.panel === "columns") return { ...ui, panel: intent.panel, scroll: 0 };
      const id = selectedSink(ui, snapshot, now);
      if (id === undefined && !(ui.screen === "policies" && intent.panel === "yaml")) return ui;
      return { ...ui, ...(id === undefined ? {} : { selected: id }), panel: intent.panel, scroll: 0 };
    }
    case "freeze":
      return ui.frozen === undefined ? { ...ui, frozen: { snapshot: live, at: now } } : without(ui, "frozen");
    case "moment":
      // The timeline comes where it was said that the moment is looked up.
      return {
        ...without(ui, "notice"),
        frozen: { snapshot: intent.snapshot, at: intent.at, recorded: { from: intent.from, to: intent.to } },
      };
    case "travel":
      return intent.byMs === undefined && intent.toMs === undefined ? without(ui, "frozen") : ui;
    case "faults-only":
      return { ...unselected(ui), faultsOnly: !ui.faultsOnly };
    case "sort": {
      if (intent.by === ui.sort) return { ...unselected(ui), reverse: !ui.reverse };
      const next = sortColumns[(sortColumns.indexOf(ui.sort) + 1) % sortColumns.length] ?? "worst";
      return { ...unselected(ui), sort: intent.by ?? next, reverse: false };
    }
    case "reverse":
      return { ...unselected(ui), reverse: !ui.reverse };
    case "group": {
      const next = groupings[(groupings.indexOf(ui.group) + 1) % groupings.length] ?? "none";
      return grouped(ui, intent.by ?? next, snapshot, now, page);
    }
    case "mark":
      return marked(ui, snapshot, now);
    case "mark-range":
      return markedRange(ui, snapshot, now);
    case "select":
      return selectedAt(ui, intent.key);
    case "sink":
      return sinkShown(ui, intent.id, intent.show);
    case "privacy":
      return { ...ui, privacy: !ui.privacy };
    case "range": {
      const at = Math.min(ranges.length - 1, Math.max(0, ranges.indexOf(ui.range) + intent.by));
      return { ...without(ui, "cursor"), range: ranges[at] ?? "minute" };
    }
    case "cursor": {
      if (intent.at === undefined && intent.by === undefined) return without(ui, "cursor");
      const last = CURSOR_STEPS[ui.range] - 1;
      const to = intent.at ?? (ui.cursor === undefined ? 0 : ui.cursor + (intent.by ?? 0));
      return { ...ui, cursor: Math.min(last, Math.max(0, to)) };
    }
    case "column": {
      const name = intent.name ?? columnRows(ui.columns)[ui.chooser];
      return name === undefined ? ui : choosing(ui, toggled(ui.columns, name), name);
    }
    case "column-move": {
      const name = columnRows(ui.columns)[ui.chooser];
      return name === undefined ? ui : choosing(ui, movedColumn(ui.columns, name, intent.by), name);
    }
    case "columns-reset":
      return without(ui, "columns");
    case "pane-size":
      return { ...ui, paneSize: Math.min(PANE_STEPS, Math.max(-PANE_STEPS, ui.paneSize + intent.by)) };
    case "pane-layout":
      return { ...ui, layout: layouts[(layouts.indexOf(ui.layout) + 1) % layouts.length] ?? "below" };
    case "theme": {
      const theme = themes.find((t) => t === intent.name);
      return theme === undefined ? told(ui, `Themes: ${themes.join(", ")}.`, false, now) : { ...ui, theme };
    }
    case "events-of": {
      const id = selectedSink(ui, snapshot, now);
      return id === undefined ? ui : { ...ui, selected: id, screen: "events", eventsOf: id, scroll: 0 };
    }
    case "filter":
      return { ...unselected(ui), typing: "filter", scroll: 0 };
    case "filter-is":
      return filtered(ui, intent.text);
    case "command":
      return { ...without(ui, "recalled"), typing: "command", command: "" };
    case "typed":
      return typed(ui, (text) => text + intent.text);
    case "rubbed-out":
      return typed(ui, (text) => [...text].slice(0, -1).join(""));
    case "line-cleared":
      return typed(ui, () => "");
    case "completed":
      return ui.typing === "command" ? { ...ui, command: completed(ui.command, snapshot) } : ui;
    case "entered":
      return entered(ui);
    case "recalled":
      return recalled(ui, intent.by);
    case "quit":
      return { ...ui, quitting: intent.leaveFrame ? "leave" : "drain" };
    case "ask": {
      const asked = askFor(intent.action, intent.sinks ?? targets(ui, snapshot, now), live, now);
      if (asked === undefined) return ui;
      return asked.ask === undefined ? told(ui, asked.why, false, now) : { ...ui, asking: asked.ask };
    }
    case "yes":
      return { ...without(ui, "asking"), marked: new Set() };
    case "no":
      return without(ui, "asking");
    case "save":
    case "copy":
      return ui;
    case "told":
      return told(ui, intent.text, intent.ok, now);
    default:
      return intent satisfies never;
  }
}

/** With these columns, and `name` still the chosen one. */
const choosing = (ui: UiState, columns: readonly string[], name: string): UiState => ({
  ...ui,
  columns,
  chooser: Math.max(0, columnRows(columns).indexOf(name)),
});

function opened(ui: UiState, snapshot: Snapshot, now: EpochMs): UiState {
  if (ui.screen === "policies") return { ...ui, panel: "yaml", scroll: 0 };
  if (ui.screen === "fleet") return snapshot.fleet === undefined ? ui : { ...ui, panel: "member", scroll: 0 };
  if (ui.screen !== "sinks") return ui;
  const row = selectedRow(ui, snapshot, now);
  if (row === undefined) return ui;
  if (row.kind === "sink") return { ...ui, selected: row.key, screen: "detail", scroll: 0 };
  const folded = new Set(ui.folded);
  if (!folded.delete(row.key)) folded.add(row.key);
  return { ...ui, selected: row.key, folded };
}

/** Where the rows would not fit, as headings that enter opens: all causes are seen at once. */
function grouped(ui: UiState, group: UiState["group"], snapshot: Snapshot, now: EpochMs, page: number): UiState {
  const open: UiState = { ...unselected(ui), group, folded: new Set() };
  const rows = sinkRows(snapshot, open, now);
  if (rows.length <= page) return open;
  return { ...open, folded: new Set(rows.flatMap((row) => (row.kind === "group" ? [row.key] : []))) };
}

/** The row is marked, and the next one selected: several are marked by pressing again. */
function marked(ui: UiState, snapshot: Snapshot, now: EpochMs): UiState {
  const row = selectedRow(ui, snapshot, now);
  if (row === undefined) return ui;
  const ids = row.kind === "sink" ? [row.key] : row.sinks.map((s) => s.id);
  const after = new Set(ui.marked);
  if (ids.every((id) => after.has(id))) for (const id of ids) after.delete(id);
  else for (const id of ids) after.add(id);
  const rows = sinkRows(snapshot, ui, now);
  const next = rows[Math.min(rows.length - 1, rows.indexOf(row) + 1)] ?? row;
  return { ...ui, marked: after, markedLast: row.key, selected: next.key };
}

function markedRange(ui: UiState, snapshot: Snapshot, now: EpochMs): UiState {
  const row = selectedRow(ui, snapshot, now);
  if (row === undefined) return ui;
  const rows = sinkRows(snapshot, ui, now);
  const to = rows.indexOf(row);
  const last = ui.marked.size === 0 ? -1 : rows.findIndex((r) => r.key === ui.markedLast);
  const from = last < 0 ? to : last;
  const ids = rows
    .slice(Math.min(from, to), Math.max(from, to) + 1)
    .flatMap((r) => (r.kind === "sink" ? [r.key] : r.sinks.map((s) => s.id)));
  return { ...ui, marked: new Set([...ui.marked, ...ids]), markedLast: row.key, selected: row.key };
}

function selectedAt(ui: UiState, key: string): UiState {
  if (ui.panel === "columns") return { ...ui, chooser: Math.max(0, columnRows(ui.columns).indexOf(key)) };
  if (ui.screen === "policies") return { ...ui, selectedPolicy: key };
  if (ui.screen === "sources") return { ...ui, selectedSource: key };
  if (ui.screen === "fleet") return { ...ui, selectedMember: key };
  return { ...ui, selected: key };
}

function sinkShown(ui: UiState, id: string, show: "detail" | "why" | "yaml" | "events"): UiState {
  const at = { ...without(ui, "panel", "eventsOf"), selected: id, scroll: 0 };
  if (show === "events") return { ...at, screen: "events", eventsOf: id };
  return show === "detail" ? { ...at, screen: "detail" } : { ...at, screen: "detail", panel: show };
}

const HISTORY = 50;

/** A command that was entered again is kept once, as the newest. */
function entered(ui: UiState): UiState {
  const text = ui.typing === "command" ? ui.command.trim() : "";
  const history = text === "" ? ui.history : [...ui.history.filter((c) => c !== text), text].slice(-HISTORY);
  return { ...without(ui, "typing", "recalled"), command: "", history };
}

/** Behind the newest one is what was being typed. */
function recalled(ui: UiState, by: number): UiState {
  if (ui.typing !== "command") return ui;
  const from = ui.recalled ?? { at: ui.history.length, typed: ui.command };
  const at = Math.min(ui.history.length, Math.max(0, from.at + by));
  return { ...ui, command: ui.history[at] ?? from.typed, recalled: { ...from, at } };
}

function typed(ui: UiState, change: (text: string) => string): UiState {
  if (ui.typing === "command") return { ...without(ui, "recalled"), command: change(ui.command) };
  return filtered(ui, change(ui.filters[ui.screen] ?? ""));
}

function shown(ui: UiState, screen: Screen, snapshot: Snapshot, now: EpochMs): UiState {
  const rest = without(ui, "eventsOf", "panel");
  if (screen !== "detail") return { ...rest, screen, scroll: 0 };
  const first = () => sinkRows(snapshot, ui, now).find((row) => row.kind === "sink")?.key;
  const chosen = snapshot.order.includes(ui.selected ?? "") ? ui.selected : undefined;
  const id = selectedSink(ui, snapshot, now) ?? chosen ?? first();
  return id === undefined ? ui : { ...rest, selected: id, screen, scroll: 0 };
}

const closed = (ui: UiState): UiState => ({ ...without(ui, "panel"), scroll: 0 });

/** One step back: out of a panel, a filter, the events of one sink, the marks, the past; then home. */
function back(ui: UiState): UiState {
  if (ui.typing === "command") return { ...without(ui, "typing"), command: "" };
  if (ui.panel !== undefined) return closed(ui);
  if (ui.cursor !== undefined && ui.screen === "detail") return without(ui, "cursor");
  if (ui.typing !== undefined || (ui.filters[ui.screen] ?? "") !== "") return without(filtered(ui, ""), "typing");
  if (ui.eventsOf !== undefined && ui.screen === "events")
    return { ...without(ui, "eventsOf"), screen: "detail", selected: ui.eventsOf, scroll: 0 };
  if (ui.screen !== "sinks") return { ...ui, screen: "sinks", scroll: 0 };
  if (ui.marked.size > 0) return { ...ui, marked: new Set() };
  if (ui.frozen !== undefined) return without(ui, "frozen");
  return ui.faultsOnly ? { ...ui, faultsOnly: false } : ui;
}
