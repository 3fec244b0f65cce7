// Names that remote write 1.0 allows, and the ways to make one of a name that it does not: VictoriaMetrics holds any UTF-8. Pure.

export type NameEscaping = "underscores" | "values" | "utf8" | "drop";

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * `underscores`: each other character becomes `_`, and `_` is put before a digit at the start. `values`: Prometheus' own escaping
 * that loses nothing (`U__`, then `_<hex>_` for each other character and `__` for `_`). `utf8`: names stay as they are, for
 * receivers that accept any UTF-8 (VictoriaMetrics, Prometheus 3). `drop`: undefined, the series is not exported.
 */
export function escapeName(name: string, metric: boolean, escaping: NameEscaping): string | undefined {
  if ((metric ? METRIC_NAME : LABEL_NAME).test(name)) return name;
  switch (escaping) {
    case "drop":
      return undefined;
    case "utf8":
      return name === "" ? undefined : name.toWellFormed();
    case "underscores": {
      const legal = name.replace(metric ? /[^a-zA-Z0-9_:]/gu : /[^a-zA-Z0-9_]/gu, "_");
      return /^[0-9]/.test(legal) || legal === "" ? `_${legal}` : legal;
    }
    case "values":
      return `U__${Array.from(name, (c, i) => escaped(c, i, metric)).join("")}`;
    default:
      return escaping satisfies never;
  }
}

function escaped(character: string, at: number, metric: boolean): string {
  if (character === "_") return "__";
  if (/[a-zA-Z]/.test(character) || (metric && character === ":") || (at > 0 && /[0-9]/.test(character)))
    return character;
  return `_${character.isWellFormed() ? character.codePointAt(0)!.toString(16) : "FFFD"}_`;
}
