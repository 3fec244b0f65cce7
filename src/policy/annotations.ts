// Annotations `outflow/…` of a policy in, its own settings and problems out (docs/settings.md). What protects
// the operator from a policy's author is never among them, and none names a file. Pure.
import { formatDuration, parseDuration } from "../config/duration.ts";
import { didYouMean } from "../platform/nearest.ts";
import { isHeaderValue, isSecretName, plainHeaderProblem } from "./secrets/send-headers.ts";

/** What a policy sets for itself; absent: the agent's setting. */
export type PolicySettings = {
  pollIntervalMs?: number;
  settleMs?: number | "auto";
  lateWindowMs?: number;
  evalDelayMs?: number;
  maxWindowMs?: number;
  maxBackfillMs?: number;
  /** 0 is now. */
  startBackMs?: number;
  onExhausted?: "drop" | "hold";
  maxConcurrency?: number;
  /** Added to each series that lacks them, sorted by name. */
  externalLabels?: [name: string, value: string][];
  /** Secrets of the policy's namespace: bearer token in key `token`; each key a header. */
  bearerSecret?: string;
  headersSecret?: string;
  /** Sent with each request to its sinks; names in lower case. */
  headers?: [name: string, value: string][];
};

/** The agent's own settings that an annotation may only narrow: they guard its memory and the source. */
export type AnnotationLimits = Required<Pick<PolicySettings, "maxWindowMs" | "maxBackfillMs" | "maxConcurrency">>;

export type AnnotationProblem = {
  key: string;
  severity: "problem" | "warning";
  message: string;
  /** It is the name that is wrong, not the value. */
  unknown?: true;
};

export const PREFIX = "outflow/";
const HOUR_MS = 3_600_000;

/** Bounds are those of the flags of the same name. */
const DURATIONS: Record<
  string,
  { key: keyof PolicySettings; min: number; max: number; word?: { text: string; value: number | string } }
> = {
  "poll-interval": { key: "pollIntervalMs", min: 1_000, max: HOUR_MS },
  settle: { key: "settleMs", min: 0, max: HOUR_MS, word: { text: "auto", value: "auto" } },
  "late-window": { key: "lateWindowMs", min: 0, max: HOUR_MS },
  "eval-delay": { key: "evalDelayMs", min: 0, max: HOUR_MS },
  "max-window": { key: "maxWindowMs", min: 1_000, max: 24 * HOUR_MS },
  "max-backfill": { key: "maxBackfillMs", min: 1_000, max: Number.MAX_SAFE_INTEGER },
  start: { key: "startBackMs", min: 0, max: Number.MAX_SAFE_INTEGER, word: { text: "now", value: 0 } },
};

type Parsed = { settings: PolicySettings } | { trouble: string };
const parsers: Record<string, (text: string) => Parsed> = {
  ...Object.fromEntries(
    Object.entries(DURATIONS).map(([name, bounds]) => [name, (text: string) => parseBounded(text, bounds)]),
  ),
  "on-exhausted": (text) =>
    text === "drop" || text === "hold" ? { settings: { onExhausted: text } } : { trouble: "must be drop or hold" },
  "max-concurrency": (text) =>
    /^[1-9]\d?$/.test(text) && Number(text) <= 64
      ? { settings: { maxConcurrency: Number(text) } }
      : { trouble: 'must be a whole number from 1 to 64, in quotes: "4"' },
  "external-labels": parseLabels,
  "bearer-secret": (text) => parseSecretName(text, "bearerSecret"),
  "headers-secret": (text) => parseSecretName(text, "headersSecret"),
};

const HEADER = "header-";

export const annotationNames: readonly string[] = [...Object.keys(parsers), `${HEADER}x-scope-orgid`].map(
  (name) => PREFIX + name,
);

/** Annotations of others (without the prefix) are theirs. */
export function policySettings(
  annotations: Readonly<Record<string, string>>,
  limits: AnnotationLimits | undefined,
): { settings: PolicySettings; problems: AnnotationProblem[] } {
  const settings: PolicySettings = {};
  const problems: AnnotationProblem[] = [];
  for (const [key, text] of Object.entries(annotations)) {
    if (!key.startsWith(PREFIX)) continue;
    const name = key.slice(PREFIX.length);
    const parse = parserOf(name, settings);
    if (parse === undefined) {
      problems.push({
        key,
        severity: "problem",
        unknown: true,
        message: `unknown annotation${didYouMean(key, annotationNames)}; remove it or correct its name`,
      });
      continue;
    }
    const parsed = parse(text);
    if ("trouble" in parsed) problems.push({ key, severity: "problem", message: parsed.trouble });
    else Object.assign(settings, parsed.settings);
  }
  if (limits !== undefined) problems.push(...clamp(settings, limits));
  return { settings, problems };
}

function parserOf(name: string, { headers = [] }: PolicySettings): ((text: string) => Parsed) | undefined {
  if (name.startsWith(HEADER)) return (text) => parseHeader(name.slice(HEADER.length).toLowerCase(), text, headers);
  return Object.hasOwn(parsers, name) ? parsers[name] : undefined;
}

const parseSecretName = (text: string, key: "bearerSecret" | "headersSecret"): Parsed =>
  isSecretName(text)
    ? { settings: { [key]: text } }
    : { trouble: "must be the name of a Secret in the policy's namespace; never a value" };

function parseHeader(name: string, value: string, before: [string, string][]): Parsed {
  const trouble = plainHeaderProblem(name);
  if (trouble !== undefined) return { trouble };
  if (before.some(([other]) => other === name)) return { trouble: "sets a header a second time; remove one" };
  if (!isHeaderValue(value)) return { trouble: "must be one line of printable ASCII, without white space around it" };
  return { settings: { headers: [...before, [name, value]] } };
}

function parseBounded(text: string, { key, min, max, word }: (typeof DURATIONS)[string]): Parsed {
  if (text === word?.text) return { settings: { [key]: word.value } };
  const ms = parseDuration(text);
  if (ms === undefined)
    return {
      trouble: `is not a valid duration${word === undefined ? "" : ` or "${word.text}"`}; write for example 30s`,
    };
  if (ms < min) return { trouble: `must be at least ${formatDuration(min)}` };
  if (ms > max) return { trouble: `must be at most ${formatDuration(max)}` };
  return { settings: { [key]: ms } };
}

/** `region=eu,site=a1` */
function parseLabels(text: string): Parsed {
  const labels = new Map<string, string>();
  for (const part of text.split(",")) {
    const [, name, value] = /^\s*([a-zA-Z_][a-zA-Z0-9_]*)=(.*?)\s*$/s.exec(part) ?? [];
    if (name === undefined || value === undefined || value === "" || name === "__name__")
      return { trouble: "must be labels as region=eu,site=a1" };
    if (labels.has(name)) return { trouble: `names label ${name} twice; remove one` };
    labels.set(name, value);
  }
  return { settings: { externalLabels: [...labels].sort(([a], [b]) => (a < b ? -1 : 1)) } };
}

/** What goes beyond the agent's own setting has that setting's effect, and says so. */
function clamp(settings: PolicySettings, limits: AnnotationLimits): AnnotationProblem[] {
  const over: AnnotationProblem[] = [];
  for (const [name, key] of [
    ["max-window", "maxWindowMs"],
    ["max-backfill", "maxBackfillMs"],
    ["max-concurrency", "maxConcurrency"],
  ] as const) {
    const value = settings[key];
    if (value === undefined || value <= limits[key]) continue;
    const limit = key === "maxConcurrency" ? String(limits[key]) : formatDuration(limits[key]);
    settings[key] = limits[key];
    over.push({
      key: PREFIX + name,
      severity: "warning",
      message: `exceeds the agent's --${name} ${limit}, which applies instead; lower it, or ask the operator to raise the flag`,
    });
  }
  return over;
}
