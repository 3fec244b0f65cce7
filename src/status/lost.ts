// What a sink dropped and is kept nowhere but at the source, and the command that sends just that again. Pure.
import type { EpochMs } from "../platform/clock.ts";
import type { Event, SinkInfo } from "./events.ts";

/** `oldest`, `newest`: times of samples, both among them. */
export type Lost = { samples: number; oldest: EpochMs; newest: EpochMs };

/** With what was dropped now; dead letters are kept, and what was sent before the receiver has, or cannot take. */
export function droppedAlso<T extends { dropped: number; lost?: Lost }>(
  was: T,
  { reason, kept, samples, oldest, newest }: Extract<Event, { type: "dropped" }>,
): T {
  const dropped = was.dropped + samples;
  if (kept || reason === "refused_replay") return { ...was, dropped };
  const { lost = { samples: 0, oldest, newest } } = was;
  return {
    ...was,
    dropped,
    lost: {
      samples: lost.samples + samples,
      oldest: Math.min(lost.oldest, oldest),
      newest: Math.max(lost.newest, newest),
    },
  };
}

/** From the millisecond before the oldest: the begin of a replay is not sent, its end is. */
export const replayOf = ({ policy, sink }: SinkInfo, { oldest, newest }: Lost): string =>
  `outflow replay --policy ${policy} --sink ${sink} --from ${new Date(oldest - 1).toISOString()} --to ${new Date(newest).toISOString()}`;
