// What outflow status prints: sinks of a snapshot in, text out. The same words as the screen. Pure.
import { stringify } from "yaml";
import { statusList } from "../../admin/statuslist.ts";
import type { EpochMs } from "../../platform/clock.ts";
import { droppedTotal } from "../../status/account.ts";
import { readyOf } from "../../status/conditions.ts";
import type { SinkElsewhere } from "../../status/fleet.ts";
import { rate } from "../../status/rings.ts";
import { lagOf } from "../../status/sinks.ts";
import type { SinkState, Snapshot } from "../../status/snapshot.ts";
import { explain } from "../../status/text/explain.ts";
import { headlineText, overview, readyText } from "../../status/text/overview.ts";
import { agentTroubles, policyTroubles } from "../../status/text/troubles.ts";
import { age, count, counted, short } from "../../status/text/words.ts";
import { badness } from "../../status/text/worst.ts";

export type Output = "table" | "wide" | "yaml" | "json";

export const sortings = ["worst", "name", "lag", "rate", "dropped"] as const;
export type Sorting = (typeof sortings)[number];

/** What of a snapshot is shown, and how. */
export type Choice = {
  /** POLICY, POLICY/SINK, each with or without its namespace; undefined: all. */
  name: string | undefined;
  notReady: boolean;
  sort: Sorting;
};

/** The sinks that `name` means, ready or not: empty if nothing has this name. */
export function selected({ sinks }: Snapshot, name: string | undefined): readonly SinkState[] {
  if (name === undefined) return sinks;
  return sinks.filter((sink) => matches(sink.id, name) || matches(sink.info.policy, name));
}

const matches = (full: string, name: string): boolean => full === name || full.endsWith(`/${name}`);

/** Sinks of other agents that `name` means. */
export const elsewhereOf = ({ fleet }: Snapshot, name: string | undefined): readonly SinkElsewhere[] =>
  (fleet?.elsewhere ?? []).filter(
    ({ sink }) => name === undefined || matches(sink, name) || matches(sink.split("/").slice(0, 2).join("/"), name),
  );

const keys: Readonly<Record<Sorting, (sink: SinkState, now: EpochMs) => number | string>> = {
  worst: badness,
  name: (sink) => sink.id,
  lag: (sink, now) => -(lagOf(sink, now) ?? 0),
  rate: (sink, now) => -rate(sink.samples, now, sink.startedAt),
  dropped: (sink) => -droppedTotal(sink.account),
};

/** The selected sinks that are shown, in their order. */
export function shown(sinks: readonly SinkState[], { notReady, sort }: Choice, now: EpochMs): readonly SinkState[] {
  const some = notReady ? sinks.filter((sink) => readyOf(sink).status !== "True") : sinks;
  const key = keys[sort];
  const keyed = some.map((sink) => ({ sink, key: key(sink, now) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ sink }) => sink);
}

/** Without a sink no data arrives anywhere. `others`: of other agents of the fleet. */
export const allReady = (sinks: readonly SinkState[], others: readonly { status: string }[] = []): boolean =>
  sinks.length + others.length > 0 &&
  sinks.every((s) => readyOf(s).status === "True") &&
  others.every(({ status }) => status === "True");

export function listing(snapshot: Snapshot, choice: Choice, output: Output): string {
  const now = snapshot.at; // the agent's clock
  const sinks = selected(snapshot, choice.name);
  const rows = shown(sinks, choice, now);
  if (output === "table" || output === "wide")
    return `${table(rows, now, output === "wide")}${summary(sinks, snapshot.source, now)}`;
  const others = elsewhereOf(snapshot, choice.name).filter((s) => !choice.notReady || s.status !== "True");
  const ids = new Set([...rows.map((sink) => sink.id), ...others.map(({ sink }) => sink)]);
  const list = statusList(snapshot, (id) => ids.has(id));
  return output === "json" ? `${JSON.stringify(list, null, 2)}\n` : stringify(list, { lineWidth: 0 });
}

export function table(sinks: readonly SinkState[], now: EpochMs, wide: boolean, header = true): string {
  if (sinks.length === 0) return "";
  const head = ["SINK", "READY", "REASON", "SINCE", "LAG"];
  const more = ["PHASE", "SAMPLES/S", "DELIVERED", "DROPPED", "PENDING", "GENERATION", "ENDPOINT"];
  const rows = sinks.map((sink) => [...row(sink, now), ...(wide ? wideRow(sink, now) : [])]);
  return columns([...(header ? [[...head, ...(wide ? more : [])]] : []), ...rows]);
}

const HEADLINES = 5;

/** How many are ready, and each cause once. */
export function summary(sinks: readonly SinkState[], source: Snapshot["source"], now: EpochMs): string {
  if (sinks.length === 0) return "No sinks: no policy is loaded.\n";
  const seen = overview({ sinks, source });
  const lines = seen.headlines.slice(0, HEADLINES).map((headline) => `  ${headlineText(headline, now)}\n`);
  const more = seen.headlines.length - lines.length;
  if (more > 0) lines.push(`  And ${counted(more, "other cause")}: outflow status --explain\n`);
  const text = readyText(seen);
  return `${text[0]?.toUpperCase()}${text.slice(1)}.\n${lines.join("")}`;
}

/** What is wrong with the agent itself, and in the policy files (each kind of problem with its first place if `all`); empty if nothing is. */
export function troubles(snapshot: Snapshot, all: boolean): string {
  const own = agentTroubles(snapshot).map((message) => `outflow: ${message}\n`);
  const policies = policyTroubles(snapshot);
  if (policies === undefined) return own.join("");
  const { head, kinds, problems } = policies;
  const text = all
    ? `${head}.\n${kinds.map((line) => `  ${line}\n`).join("")}`
    : `${head}; --explain shows ${problems === 1 ? "it" : "them"}.\n`;
  return `${own.join("")}outflow: ${text}`;
}

function row(sink: SinkState, now: EpochMs): string[] {
  const { status, reason, lastTransitionTime } = readyOf(sink);
  const lag = lagOf(sink, now);
  return [sink.id, status, reason, age(now - lastTransitionTime), lag === undefined ? "-" : age(lag)];
}

const wideRow = (sink: SinkState, now: EpochMs): string[] => [
  sink.phase.name,
  short(rate(sink.samples, now, sink.startedAt)),
  count(sink.account.delivered),
  count(droppedTotal(sink.account)),
  count(sink.account.pending),
  String(sink.info.generation),
  sink.info.endpoint,
];

export function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((r) => r[i]?.length ?? 0))) ?? [];
  return rows
    .map((r) => `${r.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("   ")}`.trimEnd())
    .map((line) => `${line}\n`)
    .join("");
}

/** Why each of these sinks is as it is. */
export function explanations(sinks: readonly SinkState[], source: Snapshot["source"], now: EpochMs): string {
  return sinks
    .map((sink) => {
      const { headline, parts } = explain(sink, source, now);
      const lines = parts.map(({ label, text }) => `  ${label.padEnd(8)}  ${text}\n`);
      return `${sink.id}: ${headline}\n${lines.join("")}`;
    })
    .join("\n");
}

const ALIKE_NAMED = 5;

/** The same of all that are not ready, each cause once: the first sink of it in full, then who else has it. */
export function explainedCauses(sinks: readonly SinkState[], source: Snapshot["source"], now: EpochMs): string {
  const { headlines } = overview({ sinks, source });
  return headlines
    .flatMap(({ sinks: [first, ...others] }) => {
      if (first === undefined) return [];
      const named = others.slice(0, ALIKE_NAMED).map((sink) => sink.id);
      const more = others.length > named.length ? ` and ${count(others.length - named.length)} more` : "";
      const also = others.length === 0 ? "" : `  Also      ${named.join(", ")}${more}: for the same cause.\n`;
      return [`${explanations([first], source, now)}${also}`];
    })
    .join("\n");
}
