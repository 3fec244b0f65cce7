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
  group: "Move" | "Screens" | "Sinks" | "Screen";
};

export const bindings: readonly Binding[] = [
  { keys: ["up", "k"], shown: "↑ k", does: "up", intent: { type: "move", by: -1 }, group: "Move" },
  { keys: ["down", "j"], shown: "↓ j", does: "down", intent: { type: "move", by: 1 }, group: "Move" },
  {
    keys: ["pageup", "ctrl-u"],
    shown: "PgUp ctrl-u",
    does: "a page up",
    intent: { type: "page", by: -1 },
    group: "Move",
  },
  {
    keys: ["pagedown", "ctrl-d"],
    shown: "PgDn ctrl-d",
    does: "a page down",
    intent: { type: "page", by: 1 },
    group: "Move",
  },
  { keys: ["home", "g"], shown: "Home g", does: "to the first", intent: { type: "first" }, group: "Move" },
  { keys: ["end", "G"], shown: "End G", does: "to the last", intent: { type: "last" }, group: "Move" },
  {
    keys: ["enter"],
    shown: "enter",
    does: "open the sink",
    intent: { type: "open" },
    on: ["sinks"],
    hint: "open",
    group: "Screens",
  },
  {
    keys: ["escape"],
    shown: "esc",
    does: "back; clears filters",
    intent: { type: "back" },
    on: ["detail", "sources", "policies", "events"],
    hint: "back",
    group: "Screens",
  },
  { keys: ["escape"], shown: "esc", does: "clear filters", intent: { type: "back" }, on: ["sinks"], group: "Screens" },
  { keys: ["1"], shown: "1", does: "sinks", intent: { type: "screen", to: "sinks" }, group: "Screens" },
  {
    keys: ["2"],
    shown: "2",
    does: "the sink: why, conditions, attempts",
    intent: { type: "screen", to: "detail" },
    group: "Screens",
  },
  { keys: ["3"], shown: "3", does: "sources and queries", intent: { type: "screen", to: "sources" }, group: "Screens" },
  {
    keys: ["4"],
    shown: "4",
    does: "policies and problems",
    intent: { type: "screen", to: "policies" },
    group: "Screens",
  },
  { keys: ["5"], shown: "5", does: "events", intent: { type: "screen", to: "events" }, group: "Screens" },
  {
    keys: ["tab"],
    shown: "tab",
    does: "next screen",
    intent: { type: "next-screen" },
    hint: "screens",
    group: "Screens",
  },
  {
    keys: ["w"],
    shown: "w",
    does: "why it is as it is",
    intent: { type: "screen", to: "detail" },
    on: ["sinks"],
    group: "Sinks",
  },
  {
    keys: ["l"],
    shown: "l",
    does: "events of this sink",
    intent: { type: "events-of" },
    on: ["sinks", "detail"],
    group: "Sinks",
  },
  {
    keys: ["/"],
    shown: "/",
    does: "filter names (regex; ! inverts)",
    intent: { type: "filter" },
    on: ["sinks"],
    hint: "filter",
    group: "Sinks",
  },
  {
    keys: ["!"],
    shown: "!",
    does: "only sinks that are not ready",
    intent: { type: "faults-only" },
    on: ["sinks"],
    hint: "faults",
    group: "Sinks",
  },
  { keys: ["s"], shown: "s", does: "sort by the next column", intent: { type: "sort" }, on: ["sinks"], group: "Sinks" },
  { keys: ["r"], shown: "r", does: "reverse the order", intent: { type: "reverse" }, on: ["sinks"], group: "Sinks" },
  {
    keys: [" "],
    shown: "space",
    does: "freeze the screen; data goes on",
    intent: { type: "freeze" },
    hint: "freeze",
    group: "Screen",
  },
  {
    keys: ["P"],
    shown: "P",
    does: "privacy: hide addresses and queries",
    intent: { type: "privacy" },
    group: "Screen",
  },
  { keys: ["?"], shown: "?", does: "this help", intent: { type: "help" }, hint: "help", group: "Screen" },
  {
    keys: ["q", "ctrl-c"],
    shown: "q ctrl-c",
    does: "quit: sends what it has, then ends",
    intent: { type: "quit", leaveFrame: false },
    hint: "quit",
    group: "Screen",
  },
  {
    keys: ["Q"],
    shown: "Q",
    does: "quit, leave the last frame",
    intent: { type: "quit", leaveFrame: true },
    group: "Screen",
  },
];

export const boundOn = (screen: Screen): readonly Binding[] =>
  bindings.filter((b) => b.on === undefined || b.on.includes(screen));

/** What a key means now; undefined: nothing. */
export function intentOf(key: string, ui: UiState): Intent | undefined {
  if (ui.typing) return typingIntent(key);
  if (ui.help && key === "escape") return { type: "back" };
  return boundOn(ui.screen).find((b) => b.keys.includes(key))?.intent;
}

function typingIntent(key: string): Intent | undefined {
  if (key === "enter") return { type: "entered" };
  if (key === "escape") return { type: "back" };
  if (key === "backspace") return { type: "rubbed-out" };
  if (key === "ctrl-c") return { type: "quit", leaveFrame: false };
  return key.startsWith("ctrl-") || named.has(key) ? undefined : { type: "typed", text: key };
}

const named = new Set(["up", "down", "left", "right", "pageup", "pagedown", "home", "end", "tab"]);

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
  if (key.tab) return "tab";
  if (key.backspace || key.delete) return "backspace";
  return key.ctrl ? `ctrl-${input}` : input;
}
