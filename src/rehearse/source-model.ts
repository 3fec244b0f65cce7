// A source behind the HTTP port: it answers windows as VictoriaMetrics does, from a stretch of real (or made-up) samples that it
// repeats again and again, so that a day needs no more memory than a few minutes of it.
import type { HttpAnswer, HttpClient, HttpRequest } from "../http/http.ts";
import type { Clock, EpochMs } from "../platform/clock.ts";

/** A series as the source has it: `metric` is the JSON of its labels; samples at `at`, ms into the stretch, ascending. */
export type ModelSeries = { metric: string; at: readonly number[]; values: readonly string[] };

/** What one query brings: `periodMs` of it, repeated. Raw windows and ranges of an expression alike. */
export type Stretch = { periodMs: number; series: readonly ModelSeries[] };

/** The time that a response takes, and after which a sample is visible, as VictoriaMetrics shows new samples. */
const RESPONSE_MS = 20;
const VISIBLE_AFTER_MS = 1_000;

export class SourceModel implements HttpClient {
  /** False: connections to it are refused. */
  up = true;
  /** Queries that were asked. */
  requests = 0;
  readonly #clock: Clock;
  readonly #stretches: ReadonlyMap<string, Stretch>;

  /** By the query's text, as it is sent. */
  constructor(clock: Clock, stretches: ReadonlyMap<string, Stretch>) {
    this.#clock = clock;
    this.#stretches = stretches;
  }

  async close(): Promise<void> {}

  /** How many samples of a query lie on (from, to]. */
  samples(query: string, from: EpochMs, to: EpochMs): number {
    const stretch = this.#stretches.get(query);
    let n = 0;
    for (const { at } of stretch?.series ?? [])
      n += countUpTo(at, stretch!.periodMs, to) - countUpTo(at, stretch!.periodMs, from);
    return n;
  }

  async request(r: HttpRequest): ReturnType<HttpClient["request"]> {
    this.requests++;
    if (!this.up)
      return { ok: false, failure: { kind: "refused", code: "ECONNREFUSED", message: "connection refused" } };
    if (!(await this.#clock.sleep(RESPONSE_MS, r.signal)))
      return { ok: false, failure: { kind: "aborted", code: "ABORTED", message: "canceled" } };
    const form = new URLSearchParams(String(r.body ?? ""));
    const date = new Date(Math.floor(this.#clock.now() / 1000) * 1000).toUTCString();
    return { ok: true, answer: answered(200, this.#body(form), { date, "x-server-hostname": "rehearsal" }) };
  }

  #body(form: URLSearchParams): string {
    const query = form.get("query") ?? "";
    const ms = (name: string) => Math.round(Number(form.get(name)) * 1000);
    const visible = this.#clock.now() - VISIBLE_AFTER_MS;
    const [, selector, window] = /^(.*)\n\[(\d+)ms\]$/s.exec(query) ?? [];
    if (selector !== undefined)
      return matrix(this.#stretches.get(selector), ms("time") - Number(window), Math.min(ms("time"), visible));
    if (form.has("start")) return matrix(this.#stretches.get(query), ms("start") - 1, Math.min(ms("end"), visible));
    return '{"status":"success","data":{"resultType":"scalar","result":[0,"1"]}}';
  }
}

/** Of a series with samples at `at` in each period: how many there are from the epoch to `to`, both included. */
function countUpTo(at: readonly number[], periodMs: number, to: EpochMs): number {
  const whole = Math.floor(to / periodMs);
  const rest = to - whole * periodMs;
  let n = 0;
  while (n < at.length && at[n]! <= rest) n++;
  return whole * at.length + n;
}

function matrix(stretch: Stretch | undefined, from: EpochMs, to: EpochMs): string {
  const series: string[] = [];
  for (const { metric, at, values } of stretch?.series ?? []) {
    const { periodMs } = stretch!;
    const pairs: string[] = [];
    const last = countUpTo(at, periodMs, to);
    for (let n = countUpTo(at, periodMs, from); n < last; n++) {
      const i = n % at.length;
      const ts = ((n - i) / at.length) * periodMs + at[i]!;
      pairs.push(`[${ts / 1000},"${values[i]}"]`);
    }
    if (pairs.length > 0) series.push(`{"metric":${metric},"values":[${pairs.join(",")}]}`);
  }
  return `{"status":"success","data":{"resultType":"matrix","result":[${series.join(",")}]}}`;
}

/** An answer whose body is there at once. */
export function answered(status: number, text: string, headers: Record<string, string> = {}): HttpAnswer {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(text);
  }
  return {
    status,
    headers,
    body: body(),
    text: async (limit) => text.slice(0, limit),
    cut: false,
    discard: async () => {},
  };
}
