// The log's one writer: readable on a terminal, JSON lines elsewhere. Lines were made by status/text/loglines.ts.
import type { EpochMs } from "./clock.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type Log = { write(at: EpochMs, level: LogLevel, text: string, fields?: Record<string, string | number>): void };

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

export function createLog(options: { format: "text" | "json"; level: LogLevel; write(line: string): void }): Log {
  return {
    write(at, level, text, fields = {}) {
      if (RANK[level] < RANK[options.level]) return;
      const time = new Date(at).toISOString();
      if (options.format === "json") options.write(`${JSON.stringify({ time, level, msg: text, ...fields })}\n`);
      else options.write(`${time} ${level === "info" ? "" : `${level.toUpperCase()} `}${text}\n`);
    },
  };
}
