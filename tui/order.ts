// Which sinks are shown and in which order: worst first by default. Pure.
import type { EpochMs } from "../src/platform/clock.ts";
import { droppedTotal } from "../src/status/account.ts";
import { readyOf } from "../src/status/conditions.ts";
import { rate } from "../src/status/rings.ts";
import { lagOf } from "../src/status/sinks.ts";
import type { SinkState, Snapshot } from "../src/status/snapshot.ts";

export const sortColumns = ["worst", "name", "samples/s", "lag", "dropped"] as const;
export type SortColumn = (typeof sortColumns)[number];

export type Choice = { faultsOnly: boolean; sort: SortColumn; reverse: boolean; filter: string };

export function shownSinks(snapshot: Snapshot, choice: Choice, now: EpochMs): readonly SinkState[] {
  const matches = matcher(choice.filter);
  const shown = snapshot.sinks.filter((s) => matches(s.id) && (!choice.faultsOnly || readyOf(s).status !== "True"));
  const key = keys[choice.sort];
  const keyed = shown.map((sink) => ({ sink, key: key(sink, now) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const sorted = keyed.map(({ sink }) => sink);
  return choice.reverse ? sorted.reverse() : sorted;
}

const keys: Readonly<Record<SortColumn, (sink: SinkState, now: EpochMs) => number | string>> = {
  worst: (sink) => badness(sink),
  name: (sink) => sink.id,
  "samples/s": (sink, now) => -rate(sink.samples, now, sink.startedAt),
  lag: (sink, now) => -(lagOf(sink, now) ?? 0),
  dropped: (sink) => -droppedTotal(sink.account),
};

/** 0 is worst. Equal ones stay in policy order, so that rows do not jump about. */
function badness(sink: SinkState): number {
  const { status, reason } = readyOf(sink);
  if (status === "False")
    return reason === "Paused" ? 2 : sink.failing !== undefined && sink.failing.dropped > 0 ? 0 : 1;
  if (status === "Unknown") return 3;
  if (sink.phase.name === "backing-off" || sink.phase.name === "holding") return 4;
  return sink.phase.name === "catching-up" ? 5 : 6;
}

/** A regular expression, `!` first inverts; while it is no valid one it is taken as plain text. */
function matcher(filter: string): (id: string) => boolean {
  const inverted = filter.startsWith("!");
  const text = inverted ? filter.slice(1) : filter;
  if (text === "") return () => true;
  let pattern: RegExp;
  try {
    pattern = new RegExp(text, "i");
  } catch {
    return (id) => id.toLowerCase().includes(text.toLowerCase()) !== inverted;
  }
  return (id) => pattern.test(id) !== inverted;
}
