// What is printed to the console while the screen is there (by a library, say) would tear it: it is held, the last lines of it, and
// comes when the terminal is given back.
import { format } from "node:util";

const KEPT = 200;
const methods = ["log", "info", "warn", "error", "debug"] as const;

/** Starts; returns what ends it and gives back the lines. */
export function holdConsole(): () => string {
  const lines: string[] = [];
  const before = methods.map((m) => console[m]);
  for (const m of methods)
    console[m] = (...args: unknown[]) => {
      lines.push(format(...args));
      if (lines.length > KEPT) lines.shift();
    };
  return () => {
    methods.forEach((m, i) => {
      console[m] = before[i]!;
    });
    return lines.map((l) => `${l}\n`).join("");
  };
}
