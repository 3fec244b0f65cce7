// What a sink does now, and what moves it there. TRANSITIONS is complete by type: for every event that concerns a sink's phase it
// says where the sink goes from each phase. It is the documentation too (docs/design.md refers to it).
import type { Event } from "./events.ts";
import type { Phase, PhaseName, SinkState } from "./snapshot.ts";

type PhaseEvent = Extract<Event, { type: "sink-started" | "sink-refused" | "sink-draining" | "sink-stopped" | "sink-paused" | "sink-resumed" | "window-read" | "attempt-ended" | "backing-off" | "holding" | "behind" | "tick" }>;

/** The phase after the event; the same object where the event changes nothing. */
type Move<E> = (sink: SinkState, event: E) => Phase;
type Moves = { [T in PhaseEvent["type"]]: { [P in PhaseName]: Move<Extract<PhaseEvent, { type: T }>> } };

/** No delivery for this long, and nothing to deliver: idle. */
export const IDLE_AFTER_MS = 120_000;

const stay = (sink: SinkState): Phase => sink.phase;
const to = (name: "starting" | "flowing" | "idle" | "stopped") => (): Phase => ({ name });
const all = <E>(move: Move<E>, except: Partial<Record<PhaseName, Move<E>>> = {}): Record<PhaseName, Move<E>> => ({
  starting: move,
  flowing: move,
  idle: move,
  "backing-off": move,
  holding: move,
  "catching-up": move,
  paused: move,
  refused: move,
  draining: move,
  stopped: move,
  ...except,
});

type Of<T extends Event["type"]> = Extract<Event, { type: T }>;
const refuse: Move<Of<"sink-refused">> = (_, e) => ({ name: "refused", reason: e.reason, message: e.message });
const drain: Move<Of<"sink-draining">> = (_, e) => ({ name: "draining", why: e.why });
const pause: Move<Of<"sink-paused">> = (_, e) => ({ name: "paused", since: e.at });
const backOff: Move<Of<"backing-off">> = (_, { attempt, maxAttempts, since, retryAt, reason, message }) => ({ name: "backing-off", attempt, maxAttempts, since, retryAt, reason, message });
const hold: Move<Of<"holding">> = (_, { since, probeAt, reason, message }) => ({ name: "holding", since, probeAt, reason, message });
/** An answer that is no retryable failure shows that the sink is there. */
const answered: Move<Of<"attempt-ended">> = (sink, e) =>
  e.result.kind === "delivered" || e.result.reason === "SamplesRejected" ? (sink.phase.name === "flowing" || sink.phase.name === "catching-up" ? sink.phase : { name: "flowing" }) : sink.phase;
const nothingToSend: Move<Of<"window-read">> = (sink, e) => (e.read === 0 && sink.account.pending === 0 ? { name: "idle" } : sink.phase);
const behind: Move<Of<"behind">> = (_, e) => (e.behindMs > 0 ? { name: "catching-up", behindMs: e.behindMs, ...(e.etaMs === undefined ? {} : { etaMs: e.etaMs }) } : { name: "flowing" });
const fallIdle: Move<Of<"tick">> = (sink, e) =>
  sink.account.pending === 0 && e.at - (sink.lastSuccessAt ?? e.at) >= IDLE_AFTER_MS ? { name: "idle" } : sink.phase;

export const TRANSITIONS: Moves = {
  // A change of policy leaves a running sink in its phase; one that did not run starts.
  "sink-started": all(stay, { refused: to("starting"), draining: to("starting"), stopped: to("starting") }),
  "sink-refused": all(refuse),
  "sink-draining": all(drain, { refused: stay, stopped: stay }),
  "sink-stopped": all(to("stopped"), { refused: stay }),
  "sink-paused": all(pause, { refused: stay, draining: stay, stopped: stay, paused: stay }),
  "sink-resumed": all(stay, { paused: to("starting") }),
  "window-read": all(stay, { starting: nothingToSend }),
  "attempt-ended": all(answered, { paused: stay, refused: stay, draining: stay, stopped: stay }),
  "backing-off": all(backOff, { paused: stay, refused: stay, draining: stay, stopped: stay }),
  holding: all(hold, { paused: stay, refused: stay, draining: stay, stopped: stay }),
  behind: all(stay, { starting: behind, flowing: behind, idle: behind, "catching-up": behind }),
  tick: all(stay, { flowing: fallIdle }),
};

export function nextPhase(sink: SinkState, event: Event): Phase {
  const moves = (TRANSITIONS as Partial<Record<Event["type"], Record<PhaseName, Move<never>>>>)[event.type];
  return moves === undefined ? sink.phase : moves[sink.phase.name](sink, event as never);
}
