// A piece of a recording: at its beginning the whole state where it is a keyframe, then every event that followed, as lines of JSON.
// reduce() makes each moment of it again, so nothing that a screen shows can be missing. Types and lines only.
import type { EpochMs } from "../../src/platform/clock.ts";
import type { Event } from "../../src/status/events.ts";
import type { SinkState, Snapshot } from "../../src/status/snapshot.ts";

export type Chunk = {
  /** Time of its first and its last event. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** The whole state comes first. */
  readonly keyframe: boolean;
  /** Lines, in texts of at most some hundred kB. */
  texts(): Iterable<string>;
};

/** A state is many lines, so that none holds up the data for long. */
export type Line = { head: Omit<Snapshot, "sinks"> } | { sinks: readonly SinkState[] } | Event;

const SINKS_A_LINE = 16;

export function* keyframeLines({ sinks, ...head }: Snapshot): Iterable<string> {
  yield JSON.stringify({ head });
  for (let i = 0; i < sinks.length; i += SINKS_A_LINE)
    yield JSON.stringify({ sinks: sinks.slice(i, i + SINKS_A_LINE) });
}
