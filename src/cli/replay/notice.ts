// The notice before a time range is replayed: which receivers will refuse it, and why. Pure.
import type { EpochMs } from "../../platform/clock.ts";
import { age, instant } from "../../status/text/words.ts";

/** Prometheus refuses samples that are older than the last hour of its head block, whatever else it takes. */
const HEAD_MS = 3_600_000;

/** `now`: the source's. Sentences for stderr, one a line. */
export function replayNotice(id: string, { from, to }: { from: EpochMs; to: EpochMs }, now: EpochMs): string[] {
  const window = age(now - from + 60_000);
  return [
    `${id}: replays ${age(to - from)}, from ${instant(from)} to ${instant(to)}. Samples that the endpoint has already are sent again.`,
    "VictoriaMetrics and receivers that take samples out of order store each once.",
    `A plain Prometheus refuses, with the whole request, samples that are older than the newest it has of their series ("out of order sample")${
      now - from > HEAD_MS ? ' or more than an hour old ("out of bounds")' : ""
    }. What it refuses is counted as dropped below. Before you replay to one, set storage.tsdb.out_of_order_time_window there to at least ${window}.`,
  ];
}
