// The command line that sends a stretch of time again, as a person can paste it into a shell. Pure.
import { resolve } from "node:path";
import { formatDuration } from "../../config/duration.ts";
import type { Settings } from "../../config/settings.ts";
import type { EpochMs } from "../../platform/clock.ts";

/** Settings of the agent without which a replay would read or send something else. Never a secret: those are in files. */
const carried = [
  "policies",
  "secretsDir",
  "sourceUrl",
  "sourceKind",
  "enforceFilter",
  "forbidLabel",
  "stateDir",
] as const;

export function replayCommandLine(
  settings: Settings & { sourceUrl: string },
  { id, source }: { id: string; source: string },
  { from, to }: { from: EpochMs; to: EpochMs },
): string {
  const slash = id.lastIndexOf("/");
  const words = [
    "outflow",
    "replay",
    "--policy",
    id.slice(0, slash),
    "--sink",
    id.slice(slash + 1),
    "--source",
    source,
  ];
  words.push("--from", new Date(from).toISOString(), "--to", new Date(to).toISOString());
  for (const name of carried) {
    const value = settings[name];
    const flag = `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
    for (const one of value === undefined ? [] : [value].flat()) {
      if (name === "sourceKind" && one === "auto") continue;
      words.push(flag, name === "sourceUrl" ? withoutPassword(one) : isPath(name) ? resolve(one) : one);
    }
  }
  if (settings.pollInterval !== 15_000) words.push("--poll-interval", formatDuration(settings.pollInterval));
  return words.map(quoted).join(" ");
}

const isPath = (name: (typeof carried)[number]): boolean => name === "policies" || name.endsWith("Dir");

function withoutPassword(text: string): string {
  const url = new URL(text);
  url.username = "";
  url.password = "";
  return url.href;
}

/** For a POSIX shell. */
const quoted = (word: string): string => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
