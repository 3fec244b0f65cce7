// Gives the terminal back after an uncaught error, when Ink cannot: ends a synchronized update and mouse reports, shows the cursor,
// leaves the alternate screen. From then on nothing more goes to stdout: Ink, unmounting as the process exits, would draw its last
// frame over the report. Writes only if a TUI was started. Does not load Ink.
import { writeSync } from "node:fs";

let active = false;

export function terminalTaken(taken: boolean): void {
  active = taken;
}

export function restoreTerminal(fd = 1): void {
  if (!active) return;
  active = false;
  process.stdout.write = swallow;
  try {
    writeSync(fd, "\x1b[?2026l\x1b[0m\x1b[?1006l\x1b[?1000l\x1b[?25h\x1b[?1049l");
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
  } catch {
    // the terminal is gone
  }
}

const swallow = ((_text: unknown, ...rest: unknown[]) => {
  const done = rest.at(-1);
  if (typeof done === "function") done();
  return true;
}) as typeof process.stdout.write;
