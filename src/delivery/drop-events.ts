// What is reported of samples that are dropped: written to dead letters first, then counted, and named where they are one series.
import { type Span, timesOf } from "../batch/batch.ts";
import type { EpochMs } from "../platform/clock.ts";
import { printable } from "../platform/printable.ts";
import { seriesText } from "../series/text.ts";
import type { Event, SinkId } from "../status/events.ts";
import type { Drop } from "./batch-splitter.ts";

export function dropEvents(drop: Drop, id: SinkId, at: EpochMs, keep?: (drop: Drop) => boolean): Event[] {
  const kept = keep?.(drop) ?? false;
  const { reason, samples, message, spans } = drop;
  const series =
    reason === "rejected" || reason === "too_large" || reason === "conflict" ? onlySeries(spans) : undefined;
  const [oldest, newest] = timesOf(spans);
  return [
    ...(series === undefined ? [] : [{ type: "series-rejected" as const, at, id, series, samples, message }]),
    { type: "dropped", at, id, reason, samples, message, oldest, newest, kept },
  ];
}

/** The series, where it is only one. */
function onlySeries(spans: readonly Span[]): string | undefined {
  const [span] = spans;
  if (span === undefined) return undefined;
  const { table, runSeries } = span.frame;
  const series = runSeries[span.firstRun]!;
  const one = spans.every((s) => s.endRun - s.firstRun === 1 && s.frame.runSeries[s.firstRun] === series);
  return one ? printable(seriesText(table.labels(series)), SERIES_COLUMNS) : undefined;
}

const SERIES_COLUMNS = 300;
