// What receivers of remote write do with samples, as models: VictoriaMetrics takes all; Prometheus takes a series in order only, and a
// repeat of its newest sample; with out_of_order_time_window also what is younger than that; some store the good part of a request
// that they answer with 400, most none of it; some refuse a series as such, some what is too old.

export type ReceiverOptions = {
  order: "any" | "strict" | "window";
  /** The good part of a refused request is stored. */
  partial: boolean;
  status: 400 | 422 | 409;
  /** Series that are always refused. */
  refuses: (series: string) => boolean;
  /** Samples that are further behind the receiver's clock are refused. */
  tooOldMs: number | undefined;
  /** The text of a refusal names the first refused series. */
  names: boolean;
};

/** Of Prometheus' out_of_order_time_window. */
const WINDOW_MS = 1_800_000;

export class ReceiverModel {
  readonly #o: ReceiverOptions;
  readonly #now: () => number;
  #stored = new Map<string, Set<number>>();
  #newest = new Map<string, number>();
  #head = Number.NEGATIVE_INFINITY;
  requests = 0;

  constructor(options: ReceiverOptions, now: () => number) {
    this.#o = options;
    this.#now = now;
  }

  has(series: string, ts: number): boolean {
    return this.#stored.get(series)?.has(ts) === true;
  }

  /** Whatever else it has: nobody could have delivered this. */
  never(series: string, ts: number): boolean {
    const { refuses, tooOldMs } = this.#o;
    return refuses(series) || (tooOldMs !== undefined && ts < this.#now() - tooOldMs);
  }

  write(request: [series: string, times: number[]][]): { status: number; text: string } {
    this.requests++;
    const before = { newest: new Map(this.#newest), head: this.#head };
    const good: [string, number][] = [];
    let bad: string | undefined;
    for (const [series, times] of request)
      for (const ts of times) {
        if (!this.#takes(series, ts)) {
          bad ??= series;
          continue;
        }
        good.push([series, ts]);
        this.#newest.set(series, Math.max(ts, this.#newest.get(series) ?? ts));
        this.#head = Math.max(this.#head, ts);
      }
    if (bad !== undefined && !this.#o.partial) {
      this.#newest = before.newest;
      this.#head = before.head;
    } else for (const [series, ts] of good) this.#stored.set(series, (this.#stored.get(series) ?? new Set()).add(ts));
    if (bad === undefined) return { status: 204, text: "" };
    return { status: this.#o.status, text: this.#o.names ? `sample refused: {__name__="${bad}"}` : "refused" };
  }

  #takes(series: string, ts: number): boolean {
    if (this.never(series, ts)) return false;
    const newest = this.#newest.get(series) ?? Number.NEGATIVE_INFINITY;
    if (this.#o.order === "any" || ts >= newest) return true;
    return this.#o.order === "window" && ts >= this.#head - WINDOW_MS;
  }
}
