// The key table: what each key means on which screen. Help and footer are made from it, so they cannot be wrong. Pure.
import type { Intent, Screen } from "./intents.ts";
import type { UiState } from "./ui-state.ts";

export type Binding = {
  keys: readonly string[];
  /** As help shows the keys. */
  shown: string;
  does: string;
  intent: Intent;
  /** Where it works; absent: everywhere. */
  on?: readonly Screen[];
  /** A word for the footer. */
  hint?: string;
  group: (typeof groups)[number];
};

export const groups = ["Move", "Screens", "Sinks", "Sort", "Time", "Actions", "This screen"] as const;

const withSink: readonly Screen[] = ["sinks", "detail", "events"];
const withRows: readonly Screen[] = ["sinks", "sources", "policies", "events", "fleet"];
const charts: readonly Screen[] = ["sinks", "detail"];

const key = (
  group: Binding["group"],
  keys: string,
  shown: string,
  does: string,
  intent: Intent,
  more: { on?: readonly Screen[]; hint?: string } = {},
): Binding => ({ keys: keys === "space" ? [" "] : keys.split(" "), shown, does, intent, group, ...more });

const sort = (letter: string, by: Extract<Intent, { type: "sort" }>["by"], does: string): Binding =>
  key("Sort", letter, letter, does, { type: "sort", ...(by === undefined ? {} : { by }) }, { on: ["sinks"] });

const MINUTE = 60_000;
const travel = (keys: string, shown: string, does: string, byMs: number, hint?: string): Binding =>
  key("Time", keys, shown, does, { type: "travel", byMs }, hint === undefined ? {} : { hint });

export const bindings: readonly Binding[] = [
  key("Move", "up k", "↑ k", "up", { type: "move", by: -1 }),
  key("Move", "down j", "↓ j", "down", { type: "move", by: 1 }),
  key("Move", "pageup ctrl-u", "PgUp ctrl-u", "a page up", { type: "page", by: -1 }),
  key("Move", "pagedown ctrl-d", "PgDn ctrl-d", "a page down", { type: "page", by: 1 }),
  key("Move", "home", "Home", "to the first", { type: "first" }),
  key("Move", "end G", "End G", "to the last", { type: "last" }),

  key("Screens", "enter", "enter", "open it, fold a group", { type: "open" }, { on: ["sinks"], hint: "open" }),
  key("Screens", "enter", "enter", "the policy as YAML", { type: "open" }, { on: ["policies"], hint: "YAML" }),
  key("Screens", "enter", "enter", "everything it owns", { type: "open" }, { on: ["fleet"], hint: "open" }),
  key("Screens", "escape", "esc", "back; clear filter, marks", { type: "back" }),
  key("Screens", "1", "1", "sinks", { type: "screen", to: "sinks" }),
  key("Screens", "2", "2", "the sink in detail", { type: "screen", to: "detail" }),
  key("Screens", "3", "3", "sources and queries", { type: "screen", to: "sources" }),
  key("Screens", "4", "4", "policies and problems", { type: "screen", to: "policies" }),
  key("Screens", "5", "5", "events", { type: "screen", to: "events" }),
  key("Screens", "6", "6", "the fleet: who owns what", { type: "screen", to: "fleet" }),
  key("Screens", "tab", "tab", "next screen", { type: "next-screen", by: 1 }, { hint: "screens" }),
  key("Screens", "shift-tab", "shift-tab", "screen before", { type: "next-screen", by: -1 }),
  key("Screens", ":", ":", "command; tab completes it", { type: "command" }, { hint: "command" }),

  key("Sinks", "w", "w", "explain its state", { type: "panel", panel: "why" }, { on: withSink, hint: "why" }),
  key("Sinks", "y", "y", "its policy as YAML", { type: "panel", panel: "yaml" }, { on: [...withSink, "policies"] }),
  key("Sinks", "l", "l", "events of this sink", { type: "events-of" }, { on: charts, hint: "log" }),
  key("Sinks", "/", "/", "filter; regex, ! inverts", { type: "filter" }, { on: withRows, hint: "filter" }),
  key("Sinks", "!", "!", "only what is not ready", { type: "faults-only" }, { on: ["sinks"], hint: "faults" }),
  key("Sinks", "g", "g", "group by cause, policy", { type: "group" }, { on: ["sinks"], hint: "group" }),
  key("Sinks", "space", "space", "mark the sink or group", { type: "mark" }, { on: ["sinks"] }),
  key("Sinks", "ctrl-space", "ctrl-space", "mark from the last mark", { type: "mark-range" }, { on: ["sinks"] }),
  key("Sinks", "c", "c", "choose the columns", { type: "panel", panel: "columns" }, { on: ["sinks"] }),

  sort("s", undefined, "by the next column"),
  key("Sort", "r", "r", "reverse the order", { type: "reverse" }, { on: ["sinks"] }),
  sort("W", "worst", "worst first"),
  sort("N", "name", "by name"),
  sort("D", "dropped", "by dropped"),
  sort("L", "lag", "by lag"),
  sort("S", "samples/s", "by samples/s"),
  sort("B", "bytes/s", "by bytes/s"),
  sort("A", "ok ago", "by age of last success"),

  travel("<", "<", "5 s back in the recording", -5_000, "back in time"),
  travel(">", ">", "5 s forward, up to live", 5_000),
  travel("{", "{", "a minute back", -MINUTE),
  travel("}", "}", "a minute forward", MINUTE),
  key("Time", "f", "f", "freeze; again: live", { type: "freeze" }),
  key("Time", "[", "[", "charts: a shorter time", { type: "range", by: -1 }, { on: charts }),
  key("Time", "]", "]", "charts: a longer time", { type: "range", by: 1 }, { on: charts }),
  key("Time", "left", "←", "chart cursor: earlier", { type: "cursor", by: 1 }, { on: charts }),
  key("Time", "right", "→", "chart cursor: later", { type: "cursor", by: -1 }, { on: charts }),

  key("Actions", "p", "p", "pause or resume", { type: "ask", action: "pause-or-resume" }, { on: withSink }),
  key("Actions", "R", "R", "retry now", { type: "ask", action: "retry" }, { on: withSink }),
  key("Actions", "ctrl-r", "ctrl-r", "reload the policies", { type: "ask", action: "reload" }),

  key("This screen", "+", "+", "larger panes", { type: "pane-size", by: 1 }, { on: ["sinks"] }),
  key("This screen", "-", "-", "smaller panes", { type: "pane-size", by: -1 }, { on: ["sinks"] }),
  key("This screen", "|", "|", "panes below, beside, off", { type: "pane-layout" }, { on: ["sinks"] }),
  key("This screen", "P", "P", "hide addresses, labels", { type: "privacy" }),
  key("This screen", "C", "C", "copy name, YAML, replay", { type: "copy" }, { on: [...withSink, "policies"] }),
  key("This screen", "ctrl-s", "ctrl-s", "save an incident file", { type: "save" }),
  key("This screen", "?", "?", "this help", { type: "panel", panel: "help" }, { hint: "help" }),
  key("This screen", "q ctrl-c", "q ctrl-c", "quit", { type: "quit", leaveFrame: false }, { hint: "quit" }),
  key("This screen", "Q", "Q", "quit, leave the frame", { type: "quit", leaveFrame: true }),
];

export const boundOn = (screen: Screen): readonly Binding[] =>
  bindings.filter((b) => b.on === undefined || b.on.includes(screen));

/** What a key means now; undefined: nothing. */
export function intentOf(name: string, ui: UiState): Intent | undefined {
  if (ui.asking !== undefined) return answer(name);
  if (ui.typing !== undefined) return typingIntent(name);
  if (ui.panel === "columns") {
    const own = chooser[name];
    if (own !== undefined) return own;
  }
  return boundOn(ui.screen).find((b) => b.keys.includes(name))?.intent;
}

/** Only a plain yes is one; ctrl-C still quits. */
function answer(name: string): Intent {
  if (name === "ctrl-c") return { type: "quit", leaveFrame: false };
  return { type: name === "y" || name === "Y" ? "yes" : "no" };
}

/** While the columns are being chosen. */
const chooser: Readonly<Record<string, Intent>> = {
  " ": { type: "column" },
  enter: { type: "column" },
  r: { type: "columns-reset" },
  K: { type: "column-move", by: -1 },
  J: { type: "column-move", by: 1 },
};

function typingIntent(name: string): Intent | undefined {
  if (name === "enter") return { type: "entered" };
  if (name === "escape") return { type: "back" };
  if (name === "backspace") return { type: "rubbed-out" };
  if (name === "ctrl-u") return { type: "line-cleared" };
  if (name === "tab") return { type: "completed" };
  if (name === "up") return { type: "recalled", by: -1 };
  if (name === "down") return { type: "recalled", by: 1 };
  if (name === "ctrl-c") return { type: "quit", leaveFrame: false };
  return name.startsWith("ctrl-") || named.has(name) ? undefined : { type: "typed", text: name };
}

const named = new Set(["up", "down", "left", "right", "pageup", "pagedown", "home", "end", "shift-tab"]);
