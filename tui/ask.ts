// The questions before an action: what it will do, in a sentence or two, and why there is nothing to ask. Pure.
import type { EpochMs } from "../src/platform/clock.ts";
import type { SinkAction } from "../src/status/actions.ts";
import type { SinkId } from "../src/status/events.ts";
import { lagOf } from "../src/status/sinks.ts";
import type { SinkState } from "../src/status/snapshot.ts";
import { age } from "../src/status/words.ts";
import { nameOf } from "./names.ts";

export type Ask = { question: string; does: string } & (
  | { action: SinkAction; sink: SinkId }
  | { action: "reload"; sink?: never }
);

export type Asked = { ask: Ask; why?: never } | { ask?: never; why: string };

/** undefined: no sink is selected. */
export function askFor(
  wanted: SinkAction | "pause-or-resume" | "reload",
  sink: SinkState | undefined,
  now: EpochMs,
): Asked | undefined {
  if (wanted === "reload")
    return {
      ask: {
        action: "reload",
        question: "Load the policies again?",
        does: "What changed takes effect at once; what is the same is not touched. With a problem in them the present ones go on.",
      },
    };
  if (sink === undefined) return undefined;
  const { id, phase } = sink;
  const name = nameOf(id);
  if (phase.name === "draining" || phase.name === "stopped") return { why: `${name} has ended.` };
  if (phase.name === "refused") return { why: `${name} does not run: its configuration was refused.` };
  if (wanted === "retry") {
    if (phase.name === "paused") return { why: `${name} is paused: p resumes it.` };
    if (phase.name !== "backing-off" && phase.name !== "holding")
      return { why: `${name} waits for nothing: there is nothing to retry.` };
    const waits = phase.name === "holding" ? phase.probeAt : phase.retryAt;
    const instead = waits > now ? `, instead of in ${age(waits - now)}` : "";
    return {
      ask: {
        action: "retry",
        sink: id,
        question: `Retry ${name} now?`,
        does: `The batch that waits is sent at once${instead}. ${phase.name === "holding" ? "It does not count as an attempt." : `That is attempt ${Math.min(phase.attempt + 1, phase.maxAttempts)} of ${phase.maxAttempts}.`}`,
      },
    };
  }
  const action = wanted === "pause-or-resume" ? (phase.name === "paused" ? "resume" : "pause") : wanted;
  if (action === "resume") {
    const lag = lagOf(sink, now);
    const missing = lag === undefined ? "" : `: it sends the last ${age(lag)}, oldest first`;
    return {
      ask: { action, sink: id, question: `Resume ${name}?`, does: `It goes on where it stopped${missing}.` },
    };
  }
  return {
    ask: {
      action,
      sink: id,
      question: `Pause ${name}?`,
      does: "It reads and sends nothing until it is resumed. Nothing is lost: the source keeps the data, at most as long as its retention and --max-backfill reach.",
    },
  };
}
