// What a sink dropped and is kept nowhere but at the source, and the commands that send just that again. Pure.
import type { EpochMs } from "../../platform/clock.ts";
import type { Event, SinkInfo } from "../events.ts";

/** One time range in which nothing was delivered. `oldest`, `newest`: times of samples, both among them. */
export type Lost = { samples: number; oldest: EpochMs; newest: EpochMs };

/** More stretches than this become fewer and longer: those that are closest together are joined. */
const STRETCHES_KEPT = 8;

/** With what was dropped now; dead letters are kept, and what was sent before the receiver has, or cannot take. */
export function droppedAlso<T extends { dropped: number; lost?: Lost }>(
  was: T,
  { reason, kept, samples, oldest, newest }: Extract<Event, { type: "dropped" }>,
): T {
  const dropped = was.dropped + samples;
  if (kept || reason === "refused_replay") return { ...was, dropped };
  return { ...was, dropped, lost: joined(was.lost ?? { samples: 0, oldest, newest }, { samples, oldest, newest }) };
}

/** The stretches of all outages that are over, oldest first, with one more. */
export function lostBefore(before: readonly Lost[], { samples, oldest, newest }: Lost): readonly Lost[] {
  const all = [...before, { samples, oldest, newest }].sort((a, b) => a.oldest - b.oldest);
  const apart: Lost[] = [];
  for (const one of all) {
    const last = apart.at(-1);
    if (last !== undefined && one.oldest <= last.newest) apart[apart.length - 1] = joined(last, one);
    else apart.push(one);
  }
  while (apart.length > STRETCHES_KEPT) {
    const gap = (i: number) => apart[i + 1]!.oldest - apart[i]!.newest;
    let closest = 0;
    for (let i = 1; i < apart.length - 1; i++) if (gap(i) < gap(closest)) closest = i;
    apart.splice(closest, 2, joined(apart[closest]!, apart[closest + 1]!));
  }
  return apart;
}

const joined = (a: Lost, b: Lost): Lost => ({
  samples: a.samples + b.samples,
  oldest: Math.min(a.oldest, b.oldest),
  newest: Math.max(a.newest, b.newest),
});

/**
 * One command for each stretch, for a shell: the next runs if the one before delivered everything. `flags`: what a replay needs beside
 * (Snapshot.source.replayFlags). From the millisecond before the oldest: a replay sends what is after --from, up to --to.
 */
export const replayOf = ({ policy, sink }: SinkInfo, lost: readonly Lost[], flags: string): string =>
  lost
    .map(
      ({ oldest, newest }) =>
        `outflow replay --policy ${policy} --sink ${sink} --from ${new Date(oldest - 1).toISOString()} --to ${new Date(newest).toISOString()}${flags === "" ? "" : ` ${flags}`}`,
    )
    .join(" && ");
