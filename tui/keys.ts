// The key table: what each key means on which screen. Help and footer are made from it, so they cannot be wrong. Pure.
import type { Key } from "ink";
import type { Intent, Screen, UiState } from "./ui-state.ts";

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

export const groups = ["Move", "Screens", "Sinks", "Actions", "This screen"] as const;

const withSink: readonly Screen[] = ["sinks", "detail", "events"];
const withRows: readonly Screen[] = ["sinks", "sources", "policies", "events"];

const key = (
  group: Binding["group"],
  keys: string,
  shown: string,
  does: string,
  intent: Intent,
  more: { on?: readonly Screen[]; hint?: string } = {},
): Binding => ({ keys: keys === "space" ? [" "] : keys.split(" "), shown, does, intent, group, ...more });

export const bindings: readonly Binding[] = [
  key("Move", "up k", "↑ k", "up", { type: "move", by: -1 }),
  key("Move", "down j", "↓ j", "down", { type: "move", by: 1 }),
  key("Move", "pageup ctrl-u", "PgUp ctrl-u", "a page up", { type: "page", by: -1 }),
  key("Move", "pagedown ctrl-d", "PgDn ctrl-d", "a page down", { type: "page", by: 1 }),
  key("Move", "home g", "Home g", "to the first", { type: "first" }),
  key("Move", "end G", "End G", "to the last", { type: "last" }),

  key("Screens", "enter", "enter", "open the sink", { type: "open" }, { on: ["sinks"], hint: "open" }),
  key("Screens", "enter", "enter", "the policy as YAML", { type: "open" }, { on: ["policies"], hint: "YAML" }),
  key("Screens", "escape", "esc", "back; clears a filter", { type: "back" }),
  key("Screens", "1", "1", "sinks", { type: "screen", to: "sinks" }),
  key("Screens", "2", "2", "the sink in detail", { type: "screen", to: "detail" }),
  key("Screens", "3", "3", "sources and queries", { type: "screen", to: "sources" }),
  key("Screens", "4", "4", "policies and problems", { type: "screen", to: "policies" }),
  key("Screens", "5", "5", "events", { type: "screen", to: "events" }),
  key("Screens", "tab", "tab", "next screen", { type: "next-screen", by: 1 }, { hint: "screens" }),
  key("Screens", "shift-tab", "shift-tab", "screen before", { type: "next-screen", by: -1 }),

  key("Sinks", "w", "w", "why it is as it is", { type: "panel", panel: "why" }, { on: withSink, hint: "why" }),
  key(
    "Sinks",
    "y",
    "y",
    "its policy as YAML",
    { type: "panel", panel: "yaml" },
    {
      on: ["sinks", "detail", "events", "policies"],
    },
  ),
  key("Sinks", "l", "l", "events of this sink", { type: "events-of" }, { on: ["sinks", "detail"], hint: "log" }),
  key("Sinks", "/", "/", "filter (regex; ! first inverts)", { type: "filter" }, { on: withRows, hint: "filter" }),
  key("Sinks", "!", "!", "only sinks that are not ready", { type: "faults-only" }, { on: ["sinks"], hint: "faults" }),
  key("Sinks", "s", "s", "sort by the next column", { type: "sort" }, { on: ["sinks"], hint: "sort" }),
  key("Sinks", "r", "r", "reverse the order", { type: "reverse" }, { on: ["sinks"] }),
  key("Sinks", "[", "[", "charts: a shorter time", { type: "range", by: -1 }, { on: ["detail"] }),
  key("Sinks", "]", "]", "charts: a longer time", { type: "range", by: 1 }, { on: ["detail"] }),

  key("Actions", "p", "p", "pause or resume the sink", { type: "ask", action: "pause-or-resume" }, { on: withSink }),
  key("Actions", "R", "R", "retry now", { type: "ask", action: "retry" }, { on: withSink }),
  key("Actions", "ctrl-r", "ctrl-r", "load the policies again", { type: "ask", action: "reload" }),

  key("This screen", "space", "space", "freeze; data goes on", { type: "freeze" }, { hint: "freeze" }),
  key("This screen", "P", "P", "privacy: hide addresses, labels", { type: "privacy" }),
  key("This screen", "ctrl-s", "ctrl-s", "save the state as JSON", { type: "save" }),
  key("This screen", "?", "?", "this help", { type: "panel", panel: "help" }, { hint: "help" }),
  key("This screen", "q ctrl-c", "q ctrl-c", "quit", { type: "quit", leaveFrame: false }, { hint: "quit" }),
  key("This screen", "Q", "Q", "quit, leave the last frame", { type: "quit", leaveFrame: true }),
];

export const boundOn = (screen: Screen): readonly Binding[] =>
  bindings.filter((b) => b.on === undefined || b.on.includes(screen));

/** What a key means now; undefined: nothing. */
export function intentOf(name: string, ui: UiState): Intent | undefined {
  if (ui.asking !== undefined) return answer(name);
  if (ui.typing) return typingIntent(name);
  return boundOn(ui.screen).find((b) => b.keys.includes(name))?.intent;
}

/** Only a plain yes is one; ctrl-C still quits. */
function answer(name: string): Intent {
  if (name === "ctrl-c") return { type: "quit", leaveFrame: false };
  return { type: name === "y" || name === "Y" ? "yes" : "no" };
}

function typingIntent(name: string): Intent | undefined {
  if (name === "enter") return { type: "entered" };
  if (name === "escape") return { type: "back" };
  if (name === "backspace") return { type: "rubbed-out" };
  if (name === "ctrl-c") return { type: "quit", leaveFrame: false };
  return name.startsWith("ctrl-") || named.has(name) ? undefined : { type: "typed", text: name };
}

const named = new Set([...["up", "down", "left", "right", "pageup", "pagedown", "home", "end", "tab", "shift-tab"]]);

/** One name for each key, however the terminal sends it. */
export function keyName(input: string, key: Key): string {
  if (key.upArrow) return "up";
  if (key.downArrow) return "down";
  if (key.leftArrow) return "left";
  if (key.rightArrow) return "right";
  if (key.pageUp) return "pageup";
  if (key.pageDown) return "pagedown";
  if (key.home) return "home";
  if (key.end) return "end";
  if (key.return) return "enter";
  if (key.escape) return "escape";
  if (key.tab) return key.shift ? "shift-tab" : "tab";
  if (key.backspace || key.delete) return "backspace";
  return key.ctrl ? `ctrl-${input}` : input;
}

/** The name of one character among several that came as one text. */
export function keyOf(character: string): string {
  const known = { "\r": "enter", "\n": "enter", "\t": "tab", "\x1b": "escape", "\x7f": "backspace", "\b": "backspace" }[
    character
  ];
  if (known !== undefined) return known;
  return character < " " ? `ctrl-${String.fromCharCode(character.charCodeAt(0) + 96)}` : character;
}
