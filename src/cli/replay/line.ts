// The command line that sends a time range again, as a person can paste it into a shell. Pure.
import { resolve } from "node:path";
import { formatDuration } from "../../config/duration.ts";
import type { Settings } from "../../config/settings.ts";
import type { EpochMs } from "../../platform/clock.ts";

/** Settings without which a replay would read or send something else. Files of secrets are named; nothing that may hold one. */
const words = [
  "sourceUrl",
  "sourceKind",
  "enforceFilter",
  "forbidLabel",
  "allowSink",
  "sinkServerName",
  "sourceServerName",
  "sourceUsername",
  "nameEscaping",
  "externalLabel",
  "forceLabel",
  "dropLabel",
  "context",
  "namespace",
] as const;
const files = [
  "policies",
  "kubeconfig",
  "secretsDir",
  "stateDir",
  "sinkCa",
  "sinkCert",
  "sinkKey",
  "sourceCa",
  "sourceCert",
  "sourceKey",
  "sourcePasswordFile",
  "sourceBearerFile",
] as const;
const defaults: Partial<Record<keyof Settings, string>> = { sourceKind: "auto", nameEscaping: "underscores" };

export function replayCommandLine(
  settings: Settings & { sourceUrl: string },
  { id, source }: { id: string; source: string },
  { from, to }: { from: EpochMs; to: EpochMs },
): string {
  const slash = id.lastIndexOf("/");
  const line = ["outflow", "replay", "--policy", id.slice(0, slash), "--sink", id.slice(slash + 1), "--source", source];
  line.push("--from", new Date(from).toISOString(), "--to", new Date(to).toISOString());
  return `${line.map(quoted).join(" ")} ${replayFlags(settings)}`;
}

/** What a replay needs beside policy, sink and time to read and send as the agent does, quoted for a shell. */
export function replayFlags(settings: Settings & { sourceUrl: string }): string {
  const line: string[] = [];
  for (const name of words)
    for (const text of list(settings[name]))
      if (text !== defaults[name]) line.push(flag(name), name === "sourceUrl" ? withoutPassword(text) : text);
  for (const name of files) for (const path of list(settings[name])) line.push(flag(name), resolve(path));
  for (const name of ["kubernetes", "sinkInsecure", "sourceInsecure", "allowPartial"] as const)
    if (settings[name]) line.push(flag(name));
  if (settings.pollInterval !== 15_000) line.push(flag("pollInterval"), formatDuration(settings.pollInterval));
  return line.map(quoted).join(" ");
}

const list = (value: string | readonly (string | readonly [string, string])[] | undefined): string[] =>
  (value === undefined ? [] : typeof value === "string" ? [value] : value).map((one) =>
    typeof one === "string" ? one : one.join("="),
  );

const flag = (name: string): string => `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;

function withoutPassword(text: string): string {
  const url = new URL(text);
  url.username = "";
  url.password = "";
  return url.href;
}

/** For a POSIX shell. */
const quoted = (word: string): string => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
