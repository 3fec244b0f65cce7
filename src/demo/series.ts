// What the demo's source holds: the last minutes of each series, and answers in VictoriaMetrics' own layout.
import type { EpochMs } from "../platform/clock.ts";

export type Labels = Record<string, string>;
export type Reading = { labels: Labels; value: number };

/** Ten minutes of one sample a second. */
const KEEP_MS = 600_000;

export type Selector = (labels: Labels) => boolean;

export class SeriesStore {
  readonly #series = new Map<string, { labels: Labels; samples: { ts: EpochMs; text: string }[] }>();

  add(at: EpochMs, readings: Iterable<Reading>): void {
    for (const { labels, value } of readings) this.#put(labels, at, String(value));
  }

  /** The series ends here: a stale marker, as VictoriaMetrics answers it. */
  end(at: EpochMs, labels: Labels): void {
    this.#put(labels, at, "NaN");
  }

  /** The samples on (from, to] of the series that are selected, as the answer of /api/v1/query to a selector with a window. */
  matrix(selects: Selector, from: EpochMs, to: EpochMs): string {
    const rows: string[] = [];
    for (const { labels, samples } of this.#series.values()) {
      if (!selects(labels)) continue;
      const values = samples
        .filter((s) => s.ts > from && s.ts <= to)
        .map((s) => `[${(s.ts / 1000).toFixed(3)},${JSON.stringify(s.text)}]`);
      if (values.length > 0) rows.push(`{"metric":${JSON.stringify(labels)},"values":[${values.join(",")}]}`);
    }
    return `{"status":"success","isPartial":false,"data":{"resultType":"matrix","result":[${rows.join(",")}]},"stats":{"seriesFetched":"${rows.length}"}}`;
  }

  #put(labels: Labels, ts: EpochMs, text: string): void {
    const key = JSON.stringify(labels);
    let series = this.#series.get(key);
    if (series === undefined) this.#series.set(key, (series = { labels, samples: [] }));
    series.samples.push({ ts, text });
    if (series.samples[0]!.ts < ts - KEEP_MS) series.samples.shift();
  }
}
