// One word for the state of a sink, with its mark and mood: the first column of every table of sinks. Pure.
import { readyOf } from "../conditions.ts";
import type { SinkState } from "../snapshot.ts";

export type Readiness = {
  word: "ready" | "not ready" | "pending" | "paused" | "refused" | "draining" | "stopped";
  mark: "ready" | "idle" | "catchingUp" | "notReady" | "unknown" | "paused";
  mood: "good" | "warn" | "bad" | "dim";
};

export function readiness(sink: SinkState): Readiness {
  const { status, reason } = readyOf(sink);
  switch (sink.phase.name) {
    case "paused":
      return { mark: "paused", word: "paused", mood: "warn" };
    case "refused":
      return { mark: "notReady", word: "refused", mood: "bad" };
    case "draining":
      return { mark: "catchingUp", word: "draining", mood: "warn" };
    case "stopped":
      return { mark: "paused", word: "stopped", mood: "dim" };
    default:
  }
  if (status === "False") return { mark: "notReady", word: "not ready", mood: "bad" };
  if (status === "Unknown") return { mark: "unknown", word: "pending", mood: "warn" };
  if (reason === "CatchingUp") return { mark: "catchingUp", word: "ready", mood: "good" };
  return { mark: reason === "Idle" ? "idle" : "ready", word: "ready", mood: "good" };
}
