// Keys of the user's own, from screen.yaml: each runs a command as after `:`. Pure.
import { commandNamed } from "./command.ts";
import type { OwnKeys, UiState } from "./ui-state.ts";

/** Whoever sits down at it must find the way out, and what the keys are. */
const fixed: ReadonlySet<string> = new Set(["q", "ctrl-c", "?", ":"]);
const KEY = /^(?:ctrl-[a-z]|[^\s\p{Cc}])$/u;

export function readOwnKeys(value: unknown): { value?: OwnKeys; wrong?: string } {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { wrong: 'must be a mapping such as "x: filter edge"' };
  const keys: Record<string, string> = {};
  const wrong: string[] = [];
  for (const [key, command] of Object.entries(value)) {
    if (!KEY.test(key)) wrong.push(`${key} is not a key; write one character, or ctrl- and a letter`);
    else if (fixed.has(key)) wrong.push(`${key} keeps its meaning`);
    else if (typeof command !== "string" || commandNamed(command.trim().split(/\s/)[0] ?? "") === undefined)
      wrong.push(`${key}: "${command}" is not a command; ? on the screen lists them`);
    else keys[key] = command.trim();
  }
  return { value: keys, ...(wrong.length === 0 ? {} : { wrong: wrong.join("; ") }) };
}

/** The command of this key, where keys are not being typed, answered or used to choose columns. */
export function ownCommand(key: string, ui: UiState): string | undefined {
  if (ui.typing !== undefined || ui.asking !== undefined || ui.panel === "columns") return undefined;
  return Object.hasOwn(ui.keys, key) ? ui.keys[key] : undefined;
}
