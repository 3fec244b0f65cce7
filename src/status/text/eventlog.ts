// The bounded history of log lines in the snapshot: the same lines that headless mode prints. Pure.
import type { Event } from "../events.ts";
import type { AgentEvent } from "../snapshot.ts";
import type { LogLine } from "./logline.ts";

export const EVENTS_KEPT = 200;

export function appendLine(
  events: readonly AgentEvent[],
  event: Event,
  { level, text }: LogLine,
): readonly AgentEvent[] {
  const sink = "id" in event ? event.id : "sink" in event ? event.sink.id : undefined;
  const seq = (events.at(-1)?.seq ?? 0) + 1;
  const entry: AgentEvent = { seq, at: event.at, level, ...(sink === undefined ? {} : { sink }), text };
  return [...events.slice(1 - EVENTS_KEPT), entry];
}
