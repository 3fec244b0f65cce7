// The settings in effect, each as it would be written in a file, and where it came from; credentials are redacted. Pure.
import type { Option } from "commander";
import { formatDuration } from "./duration.ts";

export type Effective = {
  key: string;
  /** Undefined: not set, and there is no default. */
  value: string | number | boolean | string[] | undefined;
  from: "flag" | `variable ${string}` | `file ${string}` | "default";
};

/** `values`: by attribute; `origin`: as commander names it. */
export function effectiveSettings(
  options: readonly Option[],
  values: Readonly<Record<string, unknown>>,
  origin: (attribute: string) => string | undefined,
): Effective[] {
  return options
    .filter((option) => option.name() !== "config")
    .map((option) => {
      const name = option.attributeName();
      return {
        key: option.name(),
        value: covered(option.name(), written(option, values[name])),
        from: fromOf(origin(name), option, values.config as string | undefined),
      };
    });
}

function fromOf(origin: string | undefined, option: Option, file: string | undefined): Effective["from"] {
  if (origin === "cli") return "flag";
  if (origin === "env") return `variable ${option.envVar}`;
  if (origin === "config") return `file ${file}`;
  return "default";
}

function written(option: Option, value: unknown): Effective["value"] {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return value.map((one) => (Array.isArray(one) ? one.join("=") : String(one)));
  if (typeof value === "number" && option.flags.includes("duration>"))
    return value === 0 && option.flags.includes("now|") ? "now" : value === 0 ? "0s" : formatDuration(value);
  return value as string | number | boolean;
}

const COVER = "***";

/** The settings that may hold a credential themselves; all others name files. */
function covered(key: string, value: Effective["value"]): Effective["value"] {
  if (key === "source-header" && Array.isArray(value))
    return value.map((text) => text.replace(/^([^=:]*[=:])?.*$/s, `$1${COVER}`));
  if (/^(source-url|proxy|source-proxy)$/.test(key) && typeof value === "string") return coveredUrl(value);
  return value;
}

function coveredUrl(text: string): string {
  if (text === "off") return text;
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(full)) return COVER;
  const url = new URL(full);
  const user = url.username !== "" || url.password !== "" ? `${COVER}@` : "";
  const query = [...url.searchParams.keys()].map((key) => `${key}=${COVER}`).join("&");
  const path = url.pathname === "/" ? "" : url.pathname;
  return `${url.protocol}//${user}${url.host}${path}${query === "" ? "" : `?${query}`}`;
}
