// A snapshot as what the page at / shows: sinks, worst first, and lines of text about everything else. The same words as the screen
// and outflow status. Pure.

import { rate } from "../../status/rings.ts";
import type { SinkState, Snapshot } from "../../status/snapshot.ts";
import { fleetLines } from "../../status/text/fleet-lines.ts";
import { headlineText, overview, readyText } from "../../status/text/overview.ts";
import { pollSeconds } from "../../status/text/steady.ts";
import { agentTroubles, policyTroubles } from "../../status/text/troubles.ts";
import { age, bytes, count, counted, instant, short } from "../../status/text/words.ts";
import { badness } from "../../status/text/worst.ts";
import { type Row, rowOf } from "./row.ts";
import { inTurns } from "./turns.ts";

/** Rows of the table; `more` says how many sinks are not among them. */
export const ROWS = 1_000;
const CAUSES = 5;
const PROBLEMS = 20;

export const textNames = [
  "agent",
  "ready",
  "causes",
  "troubles",
  "more",
  "source",
  "policies",
  "cluster",
  "fleet",
] as const;
/** Lines by the id of the element that has them; none: the element is hidden. */
export type Texts = Readonly<Record<(typeof textNames)[number], readonly string[]>>;

export type View = { at: number; texts: Texts; rows: readonly Row[] };

/** `turn`: others get a turn, between some rows and the next. */
export async function viewOf(snapshot: Snapshot, turn: () => Promise<void>): Promise<View> {
  const { at, sinks } = snapshot;
  const poll = pollSeconds(snapshot);
  const shown = worstFirst(sinks).slice(0, ROWS);
  const texts = textsOf(snapshot);
  return { at, texts, rows: await inTurns(shown, (sink) => rowOf(sink, at, poll), turn) };
}

function worstFirst(sinks: readonly SinkState[]): SinkState[] {
  const ranks: SinkState[][] = [];
  for (const sink of sinks) (ranks[badness(sink)] ??= []).push(sink);
  return ranks.flat();
}

function textsOf(snapshot: Snapshot): Texts {
  const { at, version, startedAt, sinks, source, samples, bytes: sent } = snapshot;
  const seen = overview({ sinks, source });
  const text = readyText(seen);
  const more = seen.headlines.length - CAUSES;
  return {
    agent:
      startedAt === 0
        ? ["The agent is starting."]
        : [
            `Version ${version}, up ${age(at - startedAt)}`,
            `${short(rate(samples, at, startedAt))} samples/s, ${bytes(rate(sent, at, startedAt))}/s`,
          ],
    ready: [sinks.length === 0 ? "No sinks: no policy is loaded." : `${text[0]?.toUpperCase()}${text.slice(1)}.`],
    causes: [
      ...seen.headlines.slice(0, CAUSES).map((headline) => headlineText(headline, at)),
      ...(more > 0 ? [`And ${counted(more, "other cause")}.`] : []),
    ],
    troubles: agentTroubles(snapshot),
    more:
      sinks.length > ROWS
        ? [`${counted(sinks.length - ROWS, "sink")} more: outflow status lists all, outflow status NAME one of them.`]
        : [],
    source: sourceText(snapshot),
    policies: policiesText(snapshot),
    cluster: clusterText(snapshot),
    fleet: fleetText(snapshot),
  };
}

const kinds = { victoriametrics: ", VictoriaMetrics", prometheus: ", Prometheus", unknown: "" };

function sourceText({ source, at }: Snapshot): string[] {
  const { url, kind, health, failure, clockDifferenceMs, lastAnswerAt } = source;
  if (url === "") return [];
  const name = `${url}${kinds[kind]}`;
  const last = lastAnswerAt === undefined ? [] : [`The last response came at ${instant(lastAnswerAt)}.`];
  if (health === "failing" && failure !== undefined)
    return [`${name}: ${failure.reason} for ${age(at - failure.since)}: ${failure.message}`, ...last];
  if (health === "unknown") return [`${name}: no response yet.`];
  const off = Math.abs(clockDifferenceMs ?? 0);
  // Less is the grain of the Date header.
  return off < 2_000
    ? [`${name}: responds.`]
    : [
        `${name}: responds.`,
        `Its clock is ${age(off)} ${(clockDifferenceMs ?? 0) < 0 ? "behind" : "ahead of"} this host's; windows follow the source's clock.`,
      ];
}

function policiesText(snapshot: Snapshot): string[] {
  const { policies, reloads } = snapshot;
  const loaded = reloads.lastAt === undefined ? "" : `, loaded at ${instant(reloads.lastAt)}`;
  const running = `${policies.length === 1 ? "1 policy" : `${count(policies.length)} policies`}${loaded}.`;
  const wrong = policyTroubles(snapshot);
  if (wrong === undefined) return [running];
  const more = wrong.kinds.length - PROBLEMS;
  return [
    running,
    `${wrong.head}.`,
    ...wrong.kinds.slice(0, PROBLEMS),
    ...(more > 0 ? [`And ${counted(more, "other kind")} of problem: outflow status --explain lists all.`] : []),
  ];
}

const clusterText = ({ cluster }: Snapshot): string[] =>
  cluster === undefined
    ? []
    : [
        cluster.failure === undefined
          ? `Policies come from the Kubernetes API at ${cluster.server}: connected.`
          : `Policies come from the Kubernetes API at ${cluster.server}, which fails: policies and status are as last read.`,
      ];

const ELSEWHERE = 20;

/** Sinks of other agents are not in the table: those that fail are named here. */
function fleetText({ fleet, at }: Snapshot): string[] {
  if (fleet === undefined) return [];
  const members = fleet.members.map(
    ({ id, shards, since, leaving }) =>
      `${id}${id === fleet.self ? " (this agent)" : ""}: ${counted(shards, "shard")}, up ${age(at - since)}${leaving ? ", leaving" : ""}`,
  );
  const failing = fleet.elsewhere.filter((sink) => sink.status !== "True");
  const more = failing.length - ELSEWHERE;
  return [
    ...fleetLines(fleet, at),
    ...members,
    ...(fleet.elsewhere.length === 0
      ? []
      : [`${counted(fleet.elsewhere.length, "sink")} of other agents, ${count(failing.length)} of them not ready.`]),
    ...failing.slice(0, ELSEWHERE).map((s) => `${s.sink}: ${s.reason} for ${age(at - s.since)}, owned by ${s.holder}`),
    ...(more > 0 ? [`And ${count(more)} more: outflow status --fleet lists all.`] : []),
  ];
}
