// One name for each key, however the terminal sends it. Pure.
import type { Key } from "ink";

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
  return key.ctrl ? `ctrl-${input === " " ? "space" : input}` : input;
}

/** The name of one character among several that came as one text. */
export function keyOf(character: string): string {
  const known = {
    "\r": "enter",
    "\n": "enter",
    "\t": "tab",
    "\x1b": "escape",
    "\x7f": "backspace",
    "\b": "backspace",
    "\0": "ctrl-space",
  }[character];
  if (known !== undefined) return known;
  return character < " " ? `ctrl-${String.fromCharCode(character.charCodeAt(0) + 96)}` : character;
}
