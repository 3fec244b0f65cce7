// A source that is a table of samples, each visible from a time of its own, behind the HTTP port: it answers raw windows as
// VictoriaMetrics does, and fails as told. Its clock is its own.
import { type HttpAnswer, HttpBroken, type HttpClient, type HttpRequest } from "../../src/http/http.ts";
import type { FakeClock } from "./clock.ts";

export type SourceSample = { series: string; ts: number; value: number; visibleAt: number };

/** What happens to requests now. */
export type SourceFault =
  | "none"
  | "refused"
  | "unavailable"
  | "bad-query"
  | "html"
  | "truncated"
  | "hang"
  | "slow"
  | "trickle" // a piece always a second before it would be silent for too long
  | "endless"; // so too, and never done

export class TableSource implements HttpClient {
  samples: SourceSample[] = [];
  fault: SourceFault = "none";
  /** For one query only: what happens to its requests. */
  faultOf: (query: string) => SourceFault | undefined = () => undefined;
  /** Its clock less the monotonic one. */
  offset: number;
  /** Windows that were asked for, as the query's length and end. */
  /** Every request, also those that failed. */
  readonly requests: { at: number; query: string }[] = [];
  readonly asked: { at: number; windowMs: number; end: number; query: string }[] = [];
  inFlight = 0;
  mostInFlight = 0;
  /** How long an answer takes. */
  answerMs = 1;
  /** Of an answer that trickles. */
  pieces = 8;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
    this.offset = clock.now() - Math.floor(clock.monotonicMs());
  }

  now(): number {
    return Math.floor(this.#clock.monotonicMs() + this.offset);
  }

  async close(): Promise<void> {}

  async request(r: HttpRequest): ReturnType<HttpClient["request"]> {
    const query = new URLSearchParams(String(r.body ?? "")).get("query") ?? "";
    this.requests.push({ at: Math.floor(this.#clock.monotonicMs()), query });
    this.inFlight++;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    try {
      return await this.#answer(r);
    } finally {
      this.inFlight--;
    }
  }

  async #answer(r: HttpRequest): ReturnType<HttpClient["request"]> {
    const fault = this.faultOf(new URLSearchParams(String(r.body ?? "")).get("query") ?? "") ?? this.fault;
    if (fault === "hang") {
      const elapsed = await this.#clock.sleep(r.timeouts.firstByteMs, r.signal);
      const kind = elapsed ? "timeout" : "aborted";
      return { ok: false, failure: { kind, code: "HANG", message: "no answer" } };
    }
    await this.#clock.sleep(fault === "slow" ? 4_000 : this.answerMs, r.signal);
    if (r.signal?.aborted) return { ok: false, failure: { kind: "aborted", code: "ABORTED", message: "stopped" } };
    // It takes its time too: a refusal that is asked for again at once would stop the clock.
    if (fault === "refused")
      return { ok: false, failure: { kind: "refused", code: "ECONNREFUSED", message: "connection refused" } };
    if (fault === "unavailable") return this.#text(503, "overloaded");
    if (fault === "bad-query") return this.#text(422, '{"status":"error","errorType":"422","error":"no"}');
    if (fault === "html") return this.#text(200, "<html>a proxy speaks</html>");
    const body = this.#matrix(new URLSearchParams(String(r.body)));
    if (fault === "truncated") return this.#text(200, body.slice(0, Math.floor(body.length / 2)), true);
    if (fault === "trickle" || fault === "endless")
      return { ok: true, answer: { ...this.#text(200, body).answer, body: this.#trickle(body, fault, r) } };
    return this.#text(200, body);
  }

  #matrix(form: URLSearchParams): string {
    const query = form.get("query")!;
    const end = Math.round(Number(form.get("time")) * 1000);
    const window = /^(.*)\n\[(\d+)ms\]$/s.exec(query);
    if (window === null) return '{"status":"success","data":{"resultType":"scalar","result":[0,"1"]}}';
    const windowMs = Number(window[2]);
    this.asked.push({ at: this.now(), windowMs, end, query: window[1]! });
    const now = this.now();
    const bySeries = new Map<string, SourceSample[]>();
    for (const s of this.samples) {
      if (s.visibleAt > now || s.ts <= end - windowMs || s.ts > end || !s.series.startsWith(window[1]!)) continue;
      const list = bySeries.get(s.series);
      if (list === undefined) bySeries.set(s.series, [s]);
      else list.push(s);
    }
    const result = [...bySeries].map(([name, list]) => {
      const values = list.sort((a, b) => a.ts - b.ts).map((s) => `[${s.ts / 1000},"${s.value}"]`);
      return `{"metric":{"__name__":"${name}"},"values":[${values.join(",")}]}`;
    });
    return `{"status":"success","data":{"resultType":"matrix","result":[${result.join(",")}]}}`;
  }

  async *#trickle(body: string, fault: "trickle" | "endless", r: HttpRequest): AsyncGenerator<Uint8Array> {
    const bytes = new TextEncoder().encode(body);
    const { idleMs, totalMs = Number.POSITIVE_INFINITY } = r.timeouts;
    const endMs = this.#clock.monotonicMs() + totalMs;
    this.inFlight++;
    try {
      for (let piece = 0; fault === "endless" || piece < this.pieces; piece++) {
        const leftMs = endMs - this.#clock.monotonicMs();
        if (!(await this.#clock.sleep(Math.min(idleMs - 1_000, leftMs), r.signal)))
          throw new HttpBroken({ kind: "aborted", code: "ABORTED", message: "stopped" });
        if (leftMs <= idleMs - 1_000)
          throw new HttpBroken({ kind: "timeout", code: "TIMEOUT", message: "the whole exchange took too long" });
        const at = (n: number) =>
          fault === "endless" ? Math.min(n, bytes.length - 1) : Math.ceil((n * bytes.length) / this.pieces);
        yield bytes.subarray(at(piece), at(piece + 1));
      }
    } finally {
      this.inFlight--;
    }
  }

  #text(status: number, text: string, broken = false): { ok: true; answer: HttpAnswer } {
    async function* body(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode(text);
      if (broken) throw new HttpBroken({ kind: "reset", code: "ECONNRESET", message: "broken off" });
    }
    return {
      ok: true,
      answer: {
        status,
        headers: {
          date: new Date(Math.floor(this.now() / 1000) * 1000).toUTCString(),
          "x-server-hostname": "fake",
        },
        body: body(),
        text: async (limit) => text.slice(0, limit),
        cut: false,
        discard: async () => {},
      },
    };
  }
}
