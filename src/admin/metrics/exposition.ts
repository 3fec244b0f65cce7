// Prometheus' text format, version 0.0.4, written row by row: families and their values in, text out. Pure.
// https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details

export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export type Family = {
  name: string;
  type: "counter" | "gauge" | "histogram";
  help: string;
  labels: readonly string[];
};

/** One sample. `labels` as labelsText() writes them; `suffix` follows the family's name. No row where the value is undefined. */
export type Row = (value: number | undefined, labels?: string, suffix?: string) => void;

/** A family, and how its samples are read from what is known at a scrape. */
export type Definition<Known> = Family & { write(known: Known, row: Row): void };

export function familyText<Known>({ name, type, help, write }: Definition<Known>, known: Known): string {
  let text = `# HELP ${name} ${help.replace(/[\\\n]/g, escaped)}\n# TYPE ${name} ${type}\n`;
  write(known, (value, labels = "", suffix = "") => {
    if (value === undefined) return;
    text +=
      labels === "" ? `${name}${suffix} ${numberText(value)}\n` : `${name}${suffix}{${labels}} ${numberText(value)}\n`;
  });
  return text;
}

/** `policy="default/edge",sink="cloud"`: names must be legal, values may hold anything. */
export const labelsText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\\n"]/g, escaped)}"`)
    .join(",");

/** Two texts of labels as one. */
export const joinLabels = (a: string, b: string): string => (a === "" ? b : b === "" ? a : `${a},${b}`);

const escaped = (c: string): string => (c === "\n" ? "\\n" : `\\${c}`);

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}
