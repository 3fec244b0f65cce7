// The questions before an action: what it will do, in a sentence or two, and why there is nothing to ask. Pure.
import type { EpochMs } from "../../src/platform/clock.ts";
import type { SinkAction } from "../../src/status/actions.ts";
import type { SinkId } from "../../src/status/events.ts";
import { lagOf, sinkOf } from "../../src/status/sinks.ts";
import type { SinkState, Snapshot } from "../../src/status/snapshot.ts";
import { age, counted } from "../../src/status/text/words.ts";
import type { ActionWanted } from "./intents.ts";

export type Ask = { question: string; does: string } & (
  | { action: SinkAction; sinks: readonly SinkId[] }
  | { action: "reload"; sinks?: never }
);

export type Asked = { ask: Ask; why?: never } | { ask?: never; why: string };

/** undefined: no sink is selected. */
export function askFor(
  wanted: ActionWanted,
  ids: readonly SinkId[],
  snapshot: Pick<Snapshot, "sinks" | "order">,
  now: EpochMs,
): Asked | undefined {
  if (wanted === "reload")
    return {
      ask: {
        action: "reload",
        question: "Reload the policies?",
        does: "Changes take effect at once; what is unchanged keeps running. If there is a problem in them, the current ones stay in use.",
      },
    };
  const sinks = ids.flatMap((id) => sinkOf(snapshot, id) ?? []);
  const [first] = sinks;
  if (first === undefined) return undefined;
  return sinks.length === 1 ? askForOne(wanted, first, now) : askForMany(wanted, sinks);
}

function askForOne(wanted: Exclude<ActionWanted, "reload">, sink: SinkState, now: EpochMs): Asked {
  const { id, phase } = sink;
  const not = cannot(wanted, sink);
  if (not !== undefined) return { why: `${id} ${not}` };
  const action = wanted === "pause-or-resume" ? (phase.name === "paused" ? "resume" : "pause") : wanted;
  const ask = (question: string, does: string): Asked => ({ ask: { action, sinks: [id], question, does } });
  switch (action) {
    case "retry":
      return ask(`Retry ${id} now?`, retryDoes(sink, now));
    case "resume": {
      const lag = lagOf(sink, now);
      const missing = lag === undefined ? "" : `: it sends the last ${age(lag)}, oldest first`;
      return ask(`Resume ${id}?`, `It continues where it stopped${missing}.`);
    }
    case "pause":
      return ask(`Pause ${id}?`, PAUSE_DOES);
    default:
      return action satisfies never;
  }
}

const PAUSE_DOES =
  "It reads and sends nothing until it is resumed. Nothing is lost: the source keeps the data, at most as long as its retention and --max-backfill reach.";

function retryDoes({ phase }: SinkState, now: EpochMs): string {
  if (phase.name !== "holding" && phase.name !== "backing-off") return "";
  const waits = phase.name === "holding" ? phase.probeAt : phase.retryAt;
  const instead = waits > now ? `, instead of in ${age(waits - now)}` : "";
  const counts =
    phase.name === "holding"
      ? "It does not count as an attempt."
      : `That is attempt ${Math.min(phase.attempt + 1, phase.maxAttempts)} of ${phase.maxAttempts}.`;
  return `The batch that waits is sent at once${instead}. ${counts}`;
}

/** Why this action cannot be done to this sink, as the rest of a sentence. */
function cannot(wanted: Exclude<ActionWanted, "reload">, { phase }: SinkState): string | undefined {
  if (phase.name === "draining" || phase.name === "stopped") return "has ended.";
  if (phase.name === "refused") return "does not run: its configuration was refused.";
  if (wanted === "resume") return phase.name === "paused" ? undefined : "is not paused.";
  if (wanted === "pause") return phase.name === "paused" ? "is already paused." : undefined;
  if (wanted !== "retry") return undefined;
  if (phase.name === "paused") return "is paused: p resumes it.";
  if (phase.name !== "backing-off" && phase.name !== "holding") return "is not waiting: there is nothing to retry.";
  return undefined;
}

/** What can be done is done to those it can be done to; the others are counted. */
function askForMany(wanted: Exclude<ActionWanted, "reload">, sinks: readonly SinkState[]): Asked {
  const running = sinks.some((s) => s.phase.name !== "paused" && cannot("pause", s) === undefined);
  const action = wanted === "pause-or-resume" ? (running ? "pause" : "resume") : wanted;
  const can = sinks.filter((s) => cannot(action, s) === undefined);
  const verb = { pause: "paused", resume: "resumed", retry: "retried" }[action];
  if (can.length === 0) return { why: `None of these ${sinks.length} sinks can be ${verb}.` };
  const others = sinks.length - can.length;
  const rest = others === 0 ? "" : ` ${counted(others, "other marked sink")} cannot be ${verb}.`;
  const does = {
    pause: "They read and send nothing until they are resumed. Nothing is lost: the source keeps the data.",
    resume: "Each continues where it stopped.",
    retry: "The batch that waits at each is sent at once.",
  }[action];
  const name = { pause: "Pause", resume: "Resume", retry: "Retry" }[action];
  const question = `${name} ${counted(can.length, "sink")}?`;
  return { ask: { action, sinks: can.map((s) => s.id), question, does: `${does}${rest}` } };
}
