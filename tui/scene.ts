// What every part of the view is given, and the few words that several parts share.
import type { EpochMs } from "../src/platform/clock.ts";
import { readyOf } from "../src/status/conditions.ts";
import type { SinkState, Snapshot } from "../src/status/snapshot.ts";
import type { Glyphs } from "./glyphs.ts";
import { type Segment, type Style, seg } from "./line.ts";
import { redacted } from "./privacy.ts";
import type { UiState } from "./ui-state.ts";

export type Scene = {
  /** The frozen one while the screen is frozen. */
  snapshot: Snapshot;
  ui: UiState;
  now: EpochMs;
  columns: number;
  glyphs: Glyphs;
};

/** Mark and word for Ready, and the style of both. */
export function readiness(sink: SinkState, glyphs: Glyphs): { mark: string; word: string; style: Style } {
  const { status, reason } = readyOf(sink);
  switch (sink.phase.name) {
    case "paused":
      return { mark: glyphs.paused, word: "paused", style: "warn" };
    case "refused":
      return { mark: glyphs.notReady, word: "refused", style: "bad" };
    case "draining":
      return { mark: glyphs.catchingUp, word: "draining", style: "warn" };
    case "stopped":
      return { mark: glyphs.paused, word: "stopped", style: "dim" };
    default:
  }
  if (status === "False") return { mark: glyphs.notReady, word: "not ready", style: "bad" };
  if (status === "Unknown") return { mark: glyphs.unknown, word: "pending", style: "warn" };
  if (reason === "CatchingUp") return { mark: glyphs.catchingUp, word: "ready", style: "good" };
  return { mark: reason === "Idle" ? glyphs.idle : glyphs.ready, word: "ready", style: "good" };
}

/** Everybody's namespace goes without saying. */
export const nameOf = (id: string): string => (id.startsWith("default/") ? id.slice("default/".length) : id);

/** Text of others, without the addresses and label values in it while privacy is on. */
export const shownText = (text: string, { ui, snapshot }: Pick<Scene, "ui" | "snapshot">): string =>
  ui.privacy ? redacted(text, snapshot) : text;

/** `label value`, the label quiet. */
export const labelled = (label: string, value: string, style: Style = "plain"): Segment[] => [
  seg(`${label} `, "dim"),
  seg(value, style),
];
