// What is wrong with the whole agent, each cause once: a source that is away is one headline with its sinks folded under it, and 200
// sinks with one and the same trouble are one headline with a count. Status text, log, screen and web page show this. Pure.
import type { EpochMs } from "../../platform/clock.ts";
import { readyOf } from "../conditions.ts";
import type { ProblemInfo } from "../events.ts";
import type { Condition, SinkState, Snapshot } from "../snapshot.ts";
import { causeOf } from "./cause.ts";
import { age, count, counted, gist, sentence } from "./words.ts";

export type Headline = {
  /** `source`: the source cannot be read, and `sinks` wait for it. `sinks`: they report the same for the same cause. */
  kind: "source" | "sinks";
  status: Exclude<Condition["status"], "True">;
  reason: string;
  /** A full sentence: of the first of `sinks`; the others' differs in numbers only. */
  cause: string;
  /** Since when the first of them is so. */
  since: EpochMs;
  /** In policy order; never empty but for a source that nobody waits for yet. */
  sinks: readonly SinkState[];
};

export type Overview = {
  total: number;
  ready: number;
  notReady: number;
  /** Nothing is known of them yet. */
  pending: number;
  /** Worst first: the source, then sinks that lose data, then the largest group. */
  headlines: readonly Headline[];
};

type Known = Pick<Snapshot, "sinks" | "source">;

export function overview({ sinks, source }: Known): Overview {
  const groups = new Map<string, Headline & { sinks: SinkState[] }>();
  const away = source.health === "failing" ? source.failure : undefined;
  if (away !== undefined)
    groups.set("source", {
      kind: "source",
      status: "False",
      reason: away.reason,
      cause: sentence(away.message),
      since: away.since,
      sinks: [],
    });
  for (const sink of sinks) {
    const { status, reason, lastTransitionTime } = readyOf(sink);
    if (status === "True") continue;
    const cause = sentence(causeOf(sink));
    const waits = away !== undefined && waitsForSource(sink);
    const key = waits ? "source" : `${status} ${reason} ${gist(cause)}`;
    const group = groups.get(key);
    if (group === undefined)
      groups.set(key, { kind: "sinks", status, reason, cause, since: lastTransitionTime, sinks: [sink] });
    else {
      group.sinks.push(sink);
      if (group.kind === "sinks") group.since = Math.min(group.since, lastTransitionTime);
    }
  }
  const of = (status: Condition["status"]) => sinks.filter((sink) => readyOf(sink).status === status).length;
  return {
    total: sinks.length,
    ready: of("True"),
    notReady: of("False"),
    pending: of("Unknown"),
    headlines: [...groups.values()].toSorted((a, b) => rank(a) - rank(b) || b.sinks.length - a.sinks.length),
  };
}

/** Its endpoint may be failing too, but nothing new reaches it before the source is back. */
function waitsForSource(sink: SinkState): boolean {
  const { reason } = readyOf(sink);
  if (reason === "SourceUnavailable") return true;
  return reason === "Pending" && sink.sources.every((s) => s.lastReadAt === undefined);
}

function rank({ kind, status, sinks }: Headline): number {
  if (kind === "source") return 0;
  if (status === "Unknown") return 4;
  if (sinks.some((sink) => (sink.failing?.dropped ?? 0) > 0)) return 1;
  return sinks.every((sink) => sink.phase.name === "paused") ? 3 : 2;
}

/** `197 of 200 sinks ready, 2 not ready, 1 pending` */
export function readyText({ total, ready, notReady, pending }: Overview): string {
  if (total === 0) return "no sinks";
  if (ready === total) return total === 1 ? "the sink is ready" : `all ${count(total)} sinks are ready`;
  const others = [
    ...(notReady > 0 ? [`${count(notReady)} not ready`] : []),
    ...(pending > 0 ? [`${count(pending)} pending`] : []),
  ];
  return `${count(ready)} of ${counted(total, "sink")} ready, ${others.join(", ")}`;
}

/** One line for one headline: who, what, since when, why. */
export function headlineText({ kind, reason, cause, since, sinks }: Headline, now: EpochMs): string {
  const lasts = `for ${age(now - since)}`;
  const first = sinks[0];
  if (kind === "source" || first === undefined) {
    const waiting =
      sinks.length === 0 ? "" : `; ${counted(sinks.length, "sink")} ${sinks.length === 1 ? "waits" : "wait"} for it`;
    return `The source cannot be read ${lasts}${waiting}: ${cause}`;
  }
  return sinks.length === 1
    ? `${first.id}: ${reason} ${lasts}: ${cause}`
    : `${counted(sinks.length, "sink")}: ${reason} ${lasts}: ${cause} First: ${first.id}.`;
}

/** Problems of policy files that say the same of different places, as one with the number of places; in order of first appearance. */
export function alikeProblems(problems: readonly ProblemInfo[]): { first: ProblemInfo; places: number }[] {
  const groups = new Map<string, { first: ProblemInfo; places: number }>();
  for (const problem of problems) {
    const key = `${problem.severity} ${gist(problem.message)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: problem, places: 1 });
    else group.places++;
  }
  return [...groups.values()];
}
