// Why a sink is as it is, in the words of whatever failed. Explanations, the overview and the log take the cause from here. Pure.
import { failsForGood, readyOf } from "../conditions.ts";
import type { SinkSource, SinkState } from "../snapshot.ts";

/** The source whose failed reads matter most; undefined while all can be read. */
export const failedSource = (sink: SinkState): SinkSource | undefined =>
  sink.sources.find(failsForGood) ?? sink.sources.find((s) => s.failure !== undefined);

export function causeOf(sink: SinkState): string {
  const { phase, failing, refusal } = sink;
  if (phase.name === "refused") return phase.message;
  if (phase.name === "holding" || phase.name === "backing-off") return phase.message;
  if (phase.name === "paused") return "The sink was paused by a user.";
  if (phase.name === "draining")
    return `The sink is shutting down (${{ shutdown: "outflow is stopping", removed: "it was removed from its policy" }[phase.why]}): what is in memory gets a last attempt.`;
  if (phase.name === "stopped") return "The sink has stopped; it reads and sends nothing.";
  if (phase.name === "starting" && phase.crash !== undefined) return `A bug in outflow: ${phase.crash.message}`;
  // One batch of series that are refused: the others are taken.
  if (failing?.reason === "SamplesRejected" && readyOf(sink).status === "True")
    return `Data is arriving, but not all of it: ${failing.message}`;
  if (failing !== undefined) return failing.message;
  const source = failedSource(sink);
  if (source?.failure !== undefined) return `Source "${source.name}" cannot be read: ${source.failure.message}`;
  if (refusal !== undefined) return `Part of the last batch was refused: ${refusal.message}`;
  return readyOf(sink).message;
}
