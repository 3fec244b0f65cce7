// What outflow status prints: sinks of a snapshot in, text out. The same words as the screen. Pure.
import { stringify } from "yaml";
import { statusList } from "../admin/statuslist.ts";
import type { EpochMs } from "../platform/clock.ts";
import { droppedTotal } from "../status/account.ts";
import { readyOf } from "../status/conditions.ts";
import { explain } from "../status/explain.ts";
import { rate } from "../status/rings.ts";
import { lagOf } from "../status/sinks.ts";
import type { SinkState, Snapshot } from "../status/snapshot.ts";
import { age, count, counted, short } from "../status/words.ts";

export type Output = "table" | "wide" | "yaml" | "json";

/** `filter`: POLICY, POLICY/SINK, each with or without its namespace; undefined: all. Empty: nothing is called so. */
export function selected({ sinks }: Snapshot, filter: string | undefined): readonly SinkState[] {
  if (filter === undefined) return sinks;
  const named = (name: string) => name === filter || name.endsWith(`/${filter}`);
  return sinks.filter((sink) => named(sink.id) || named(sink.info.policy));
}

/** Without a sink no data arrives anywhere. */
export const allReady = (sinks: readonly SinkState[]): boolean =>
  sinks.length > 0 && sinks.every((s) => readyOf(s).status === "True");

export function listing(snapshot: Snapshot, sinks: readonly SinkState[], output: Output, now: EpochMs): string {
  if (output === "table" || output === "wide") return table(sinks, now, output === "wide");
  const shown = new Set(sinks.map((s) => s.id));
  const list = statusList(snapshot, (id) => shown.has(id));
  return output === "json" ? `${JSON.stringify(list, null, 2)}\n` : stringify(list, { lineWidth: 0 });
}

export function table(sinks: readonly SinkState[], now: EpochMs, wide: boolean, header = true): string {
  if (sinks.length === 0) return "No sinks: no policy is loaded.\n";
  const head = ["POLICY", "SINK", "READY", "REASON", "SINCE", "LAG"];
  const more = ["PHASE", "SAMPLES/S", "DELIVERED", "DROPPED", "PENDING", "GENERATION", "ENDPOINT"];
  const rows = sinks.map((sink) => [...row(sink, now), ...(wide ? wideRow(sink, now) : [])]);
  return columns([...(header ? [[...head, ...(wide ? more : [])]] : []), ...rows]);
}

/** What is wrong with the agent itself, and in the policy files (each problem with its place if `all`); empty if nothing is. */
export function troubles(snapshot: Snapshot, all: boolean): string {
  const { stateStore, log } = snapshot;
  const own = [
    ...(stateStore.state === "ok" ? [] : [stateStore.message]),
    ...(log?.state === "failing" ? [log.message] : []),
  ];
  return own.map((message) => `outflow: ${message}\n`).join("") + policyTroubles(snapshot, all);
}

function policyTroubles({ problems, policies }: Snapshot, all: boolean): string {
  const bad = problems.filter((p) => p.severity === "problem");
  if (bad.length === 0) return "";
  const runs = policies.length === 0 ? "nothing runs" : "what ran before goes on";
  const lines = bad.map(
    (p) => `  ${p.file}:${p.line}:${p.column}: ${p.path === "" ? "" : `${p.path}: `}${p.message}\n`,
  );
  const head = `outflow: ${counted(bad.length, "problem")} in the policies: ${runs}`;
  return all ? `${head}.\n${lines.join("")}` : `${head}; --explain shows ${bad.length === 1 ? "it" : "them"}.\n`;
}

function row(sink: SinkState, now: EpochMs): string[] {
  const { status, reason, lastTransitionTime } = readyOf(sink);
  const lag = lagOf(sink, now);
  return [
    sink.info.policy,
    sink.info.sink,
    status,
    reason,
    age(now - lastTransitionTime),
    lag === undefined ? "-" : age(lag),
  ];
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

function columns(rows: readonly (readonly string[])[]): string {
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
