// What the agent does beside the data path, each until its signal ends it: the tick of the status, the summary in the log, edits of
// policies, dead letters that are too old, a look at the state directory.
import type { DeadLetters } from "../../deadletter/folder.ts";
import { type Clock, untilNextMs } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import { LOOK_EVERY_MS } from "../../policy/watch.ts";
import type { StateStore } from "../../state/store.ts";
import type { StatusStore } from "../../status/store.ts";
import { summaryLine } from "../../status/text/loglines.ts";
import type { PolicyFiles } from "./policyfiles.ts";

const SUMMARY_EVERY_MS = 60_000;
const TICK_MS = 1_000;
const PRUNE_EVERY_MS = 600_000;
const LOOK_AT_STATE_EVERY_MS = 5_000;

const next = (everyMs: number, clock: Clock, signal: AbortSignal): Promise<boolean> =>
  clock.sleep(untilNextMs(everyMs, clock.monotonicMs()), signal);

export async function tick(clock: Clock, store: StatusStore, signal: AbortSignal): Promise<void> {
  while (await next(TICK_MS, clock, signal)) store.dispatch({ type: "tick", at: clock.now() });
}

export async function summarize(clock: Clock, store: StatusStore, log: Log, signal: AbortSignal): Promise<void> {
  let delivered = 0;
  while (await next(SUMMARY_EVERY_MS, clock, signal)) {
    const summary = summaryLine(store.snapshot, delivered);
    delivered = summary.delivered;
    log.write(clock.now(), summary.line.level, summary.line.text);
  }
}

export async function reloadOnEdit(
  clock: Clock,
  policies: PolicyFiles,
  reload: () => void,
  signal: AbortSignal,
): Promise<void> {
  while (await next(LOOK_EVERY_MS, clock, signal)) if (policies.look()) reload();
}

export async function prune(clock: Clock, letters: DeadLetters, signal: AbortSignal): Promise<void> {
  do letters.prune();
  while (await clock.sleep(PRUNE_EVERY_MS, signal));
}

/** A state directory that was deleted is noticed even while no cursor moves. */
export async function lookAtState(clock: Clock, state: StateStore, signal: AbortSignal): Promise<void> {
  while (await next(LOOK_AT_STATE_EVERY_MS, clock, signal)) state.look();
}
