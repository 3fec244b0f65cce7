// Moves a sink from phase to phase by the table (phases.ts), each phase with its data. Pure.
import type { EpochMs } from "../platform/clock.ts";
import { nextPhase, type Trigger } from "./phases.ts";
import { catchingUp } from "./progress.ts";
import type { Phase, SinkState } from "./snapshot.ts";

/** `made`: the phase with its data, used where the table leads to it or the sink is in it. */
export function move(sink: SinkState, trigger: Trigger, at: EpochMs, made?: Phase): SinkState {
  const to = nextPhase(sink.phase.name, trigger);
  if (made !== undefined && made.name === to) return { ...sink, phase: made };
  return to === sink.phase.name ? sink : { ...sink, phase: plain(to, sink, at) };
}

function plain(name: Phase["name"], sink: SinkState, at: EpochMs): Phase {
  switch (name) {
    case "starting":
    case "flowing":
    case "idle":
      return { name };
    case "catching-up":
      return catchingUp(sink, at);
    default:
      throw new Error(`phase ${name} needs its data`);
  }
}
