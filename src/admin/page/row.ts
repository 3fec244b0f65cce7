// One sink as the cells of the page's table: the words and numbers of the screen's. Pure.
import type { EpochMs } from "../../platform/clock.ts";
import { droppedTotal } from "../../status/account.ts";
import { readyOf } from "../../status/conditions.ts";
import { lastMinute, rate } from "../../status/rings.ts";
import type { SinkState } from "../../status/snapshot.ts";
import { readiness } from "../../status/text/readiness.ts";
import { steady, steadyLag, stretched } from "../../status/text/steady.ts";
import { age, short } from "../../status/text/words.ts";

/** What the browser is sent of a row, one letter a cell: with 1,000 sinks the names would be most of a change. */
export type Cells = {
  /** Mark and mood: classes of the row. */
  c: string;
  /** State. */
  s: string;
  /** Reason. */
  w: string;
  /** Dropped. */
  d: string;
  /** Lag. */
  l: string;
  /** Samples a second. */
  n: string;
  /** The last minute: path of its chart, and its peak. */
  p: string;
  m: string;
};

export type Row = { id: string; cells: Cells };

const BARS = 20;
const BAR_MS = 60_000 / BARS;
/** Charts move on in steps of some bars: a chart that is new every two seconds would be most of what is sent. */
const CHART_STEP_MS = 4 * BAR_MS;
export const CHART_HEIGHT = 12;
export const CHART_WIDTH = BARS * 3;

export function rowOf(sink: SinkState, now: EpochMs, pollS: number): Row {
  const { word, mark, mood } = readiness(sink);
  const lag = steadyLag(sink, now, pollS);
  const then = now - (now % CHART_STEP_MS);
  const perSecond = steady(lastMinute(sink.samples, then), pollS);
  return {
    id: sink.id,
    cells: {
      c: `${mark} ${mood}`,
      s: word,
      w: readyOf(sink).reason,
      d: short(droppedTotal(sink.account)),
      l: lag === undefined ? "-" : age(lag),
      n: short(rate(sink.samples, now, sink.startedAt)),
      p: bars(perSecond),
      m: `at most ${short(Math.max(0, ...perSecond))}/s`,
    },
  };
}

/** A bar for each three seconds, scaled to the largest; anything above zero shows. */
function bars(perSecond: readonly number[]): string {
  const columns = stretched(perSecond, BARS);
  const max = Math.max(...columns);
  let path = "";
  columns.forEach((n, i) => {
    if (n > 0) path += `M${i * 3 + 1} ${CHART_HEIGHT}v-${Math.max(1, Math.round((n / max) * CHART_HEIGHT))}`;
  });
  return path;
}
