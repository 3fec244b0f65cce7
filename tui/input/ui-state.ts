// What the person at the keyboard has chosen, and the small changes that several intents share. Pure; knows nothing of keys or of the
// terminal.
import type { EpochMs } from "../../src/platform/clock.ts";
import type { SinkId } from "../../src/status/events.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import type { ThemeName } from "../drawing/theme.ts";
import type { Ask } from "./ask.ts";
import type { Grouping, Layout, Panel, Range, Screen, SortColumn } from "./intents.ts";

/** By the name of the key (`x`, `ctrl-e`): a command and what follows it. */
export type OwnKeys = Readonly<Record<string, string>>;

export type UiState = {
  screen: Screen;
  panel?: Panel;
  /** Key of the selected row of the sink table (rows.ts); undefined: the first row, whichever it is. On detail: the sink. */
  selected?: string;
  selectedPolicy?: string;
  selectedSource?: string;
  selectedMember?: string;
  marked: ReadonlySet<SinkId>;
  /** Key of the row that was marked last: a range begins there. */
  markedLast?: string;
  /** First line in view, on screens that scroll. On events: lines back from the newest. */
  scroll: number;
  /** The screen shows this and no newer snapshot; data continues. `recorded`: a moment of a recording from and to then. */
  frozen?: { snapshot: Snapshot; at: EpochMs; recorded?: { from: EpochMs; to: EpochMs } };
  faultsOnly: boolean;
  sort: SortColumn;
  reverse: boolean;
  group: Grouping;
  /** Keys of groups whose rows are hidden. */
  folded: ReadonlySet<string>;
  /** Regular expression for the rows of a screen; `!` first inverts. */
  filters: Readonly<Partial<Record<Screen, string>>>;
  /** What is being typed. */
  typing?: "filter" | "command";
  command: string;
  /** Commands that were entered, the newest last; `recalled`: the one that is shown, and what was being typed before it. */
  history: readonly string[];
  recalled?: { at: number; typed: string };
  /** Events of this sink only. */
  eventsOf?: SinkId;
  /** Addresses, queries and label values are hidden. */
  privacy: boolean;
  range: Range;
  /** Steps of the range before now, where the chart cursor stands. */
  cursor?: number;
  /** Columns of the sink table in order of importance; undefined: the usual ones. */
  columns?: readonly string[];
  /** Row of the column chooser. */
  chooser: number;
  layout: Layout;
  /** Steps larger or smaller than the usual share of the panes. */
  paneSize: number;
  theme: ThemeName;
  /** Keys of the user's own, and the commands that they run. */
  keys: OwnKeys;
  asking?: Ask;
  /** Nothing was pressed yet: which keys to try. */
  hint: boolean;
  /** What came of the last action, for a few seconds. */
  notice?: { text: string; ok: boolean; until: EpochMs };
  quitting?: "drain" | "leave";
};

export const initialUi: UiState = {
  screen: "sinks",
  marked: new Set(),
  scroll: 0,
  faultsOnly: false,
  sort: "worst",
  reverse: false,
  group: "none",
  folded: new Set(),
  filters: {},
  command: "",
  history: [],
  privacy: false,
  range: "minute",
  chooser: 0,
  layout: "below",
  paneSize: 0,
  theme: "auto",
  keys: {},
  hint: false,
};

const NOTICE_MS = 8_000;

export const told = (ui: UiState, text: string, ok: boolean, now: EpochMs): UiState => ({
  ...ui,
  notice: { text, ok, until: now + NOTICE_MS },
});

/** The selection back on the first row of a list that has changed. */
export function unselected(ui: UiState): UiState {
  const rest = without(ui, "selected", "selectedPolicy", "selectedSource", "selectedMember");
  return ui.screen === "detail" ? ui : rest;
}

export const filtered = (ui: UiState, filter: string): UiState => ({
  ...unselected(ui),
  filters: { ...ui.filters, [ui.screen]: filter },
  scroll: 0,
});

export function without<K extends keyof UiState>(ui: UiState, ...keys: K[]): UiState {
  const rest = { ...ui };
  for (const key of keys) delete rest[key];
  return rest;
}
