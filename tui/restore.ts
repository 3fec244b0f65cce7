// Gives the terminal back after an uncaught error, when Ink cannot: ends a synchronized update, shows the cursor, leaves the
// alternate screen. Writes only if a TUI was started. Does not load Ink.
import { writeSync } from "node:fs";

let active = false;

export function terminalTaken(taken: boolean): void {
  active = taken;
}

export function restoreTerminal(fd = 1): void {
  if (!active) return;
  active = false;
  try {
    writeSync(fd, "\x1b[?2026l\x1b[?25h\x1b[?1049l");
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
  } catch {
    // the terminal is gone
  }
}
