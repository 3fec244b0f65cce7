// In which order sinks are shown: worst first, so that whoever looks needs no search. Pure.
import { readyOf } from "../conditions.ts";
import type { SinkState } from "../snapshot.ts";

/** 0 is worst: data is being lost. Equal ones stay in policy order, so that rows do not jump about. */
export function badness(sink: SinkState): number {
  const { status, reason } = readyOf(sink);
  if (status === "False") {
    if (reason === "Paused") return 2;
    return sink.failing !== undefined && sink.failing.dropped > 0 ? 0 : 1;
  }
  if (status === "Unknown") return 3;
  // One that is ready and retries stays where it is: beside a receiver that limits the rate rows would change places every few seconds.
  if (sink.phase.name === "holding") return 4;
  return sink.phase.name === "catching-up" ? 5 : 6;
}
