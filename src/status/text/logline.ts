// One line of the log, before it is written. Pure.

export type LogLine = {
  level: "info" | "warn" | "error";
  text: string;
  fields: Readonly<Record<string, string | number>>;
  /** Lines of several sinks with the same key say the same: the first is logged, the others are counted (alike.ts). */
  alike?: { sink: string; key: string; says: string };
};

export const line = (level: LogLine["level"], text: string, fields: LogLine["fields"] = {}): LogLine => ({
  level,
  text,
  fields,
});
