// What keys, clicks and commands can ask of the screen, and the words for its parts. Types only.

import type { EpochMs } from "../../src/platform/clock.ts";
import type { SinkAction } from "../../src/status/actions.ts";
import type { SinkId } from "../../src/status/events.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";

export const screens = ["sinks", "detail", "sources", "policies", "events", "fleet"] as const;
export type Screen = (typeof screens)[number];

/** What lies over a screen and is closed by esc. */
export type Panel = "help" | "why" | "yaml" | "columns" | "member";

export const ranges = ["minute", "quarter", "hour"] as const;
/** How far back charts go; the same for all of them. */
export type Range = (typeof ranges)[number];

export const sortColumns = ["worst", "name", "samples/s", "bytes/s", "lag", "dropped", "ok ago"] as const;
export type SortColumn = (typeof sortColumns)[number];

export const groupings = ["none", "cause", "policy"] as const;
export type Grouping = (typeof groupings)[number];

/** Where the panes are. */
export const layouts = ["below", "beside", "off"] as const;
export type Layout = (typeof layouts)[number];

export type ActionWanted = SinkAction | "pause-or-resume" | "reload";

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
  /** `by` absent: the next column. The column that is sorted by already: reversed. */
  | { type: "sort"; by?: SortColumn }
  | { type: "reverse" }
  | { type: "privacy" }
  | { type: "range"; by: number }
  /** The chart cursor, in steps of the range; absent: away. */
  | { type: "cursor"; by?: number; at?: number }
  | { type: "events-of" }
  | { type: "filter" }
  | { type: "filter-is"; text: string }
  | { type: "group"; by?: Grouping }
  /** Marks or unmarks the selected row, or all rows of the selected group. */
  | { type: "mark" }
  /** Marks all rows from the last one that was marked to the selected one. */
  | { type: "mark-range" }
  /** A row by its key: of the sink table, or of the screen's own list. */
  | { type: "select"; key: string }
  | { type: "sink"; id: SinkId; show: "detail" | "why" | "yaml" | "events" }
  | { type: "column"; name?: string }
  /** The chosen column of the chooser, before (-1) or after (1) its neighbour. */
  | { type: "column-move"; by: number }
  | { type: "columns-reset" }
  | { type: "pane-size"; by: number }
  | { type: "pane-layout" }
  /** Through the recording, ms; absent: back to the present. */
  | { type: "travel"; byMs?: number; toMs?: number }
  /** A moment of the recording, found. */
  | { type: "moment"; snapshot: Snapshot; at: EpochMs; from: EpochMs; to: EpochMs }
  | { type: "theme"; name: string }
  | { type: "command" }
  | { type: "quit"; leaveFrame: boolean }
  /** While a filter or a command is being typed. */
  | { type: "typed"; text: string }
  | { type: "rubbed-out" }
  | { type: "line-cleared" }
  | { type: "completed" }
  | { type: "entered" }
  /** The command before (-1) or after (1) the one that is shown. */
  | { type: "recalled"; by: number }
  /** To the clipboard: the command of an explanation, the policy that is shown, else the sink's name. */
  | { type: "copy" }
  /** Actions: asked first, then said yes or no to. What is said yes to is done by the session. */
  | { type: "ask"; action: ActionWanted; sinks?: readonly SinkId[] }
  | { type: "yes" }
  | { type: "no" }
  | { type: "save" }
  | { type: "told"; text: string; ok: boolean };
