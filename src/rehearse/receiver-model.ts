// A receiver of remote write behind the HTTP port: each request is answered as its scenario says, and what it stored is counted, sample by
// sample. What a body carries is known from the span that it was encoded from: nothing is decoded.
import { type Span, samplesOf } from "../batch/batch.ts";
import type { HttpClient, HttpRequest } from "../http/http.ts";
import type { Clock } from "../platform/clock.ts";
import type { SeriesTable } from "../series/table.ts";
import { Delays } from "./delays.ts";
import { answered } from "./source-model.ts";

/** What happens to a request. `stores`: the receiver has the samples, whatever it answers. `afterMs`: beyond the usual time. */
export type Reply =
  | { kind: "refused" }
  | { kind: "silent"; stores: boolean }
  | {
      kind: "status";
      status: number;
      stores: boolean;
      headers?: Record<string, string>;
      text?: string;
      afterMs?: number;
    };

/** A request as a scenario sees it; `samples` 0: a write without samples, which asks whether the endpoint takes any. */
export type Request = {
  /** From 0, since the receiver exists. */
  number: number;
  bytes: number;
  samples: number;
  /** One of its series is the one that the receiver does not take. */
  hasRefused: boolean;
  /** Monotonic ms. */
  atMs: number;
};

export type Behavior = (request: Request) => Reply;

export const TAKES: Reply = { kind: "status", status: 204, stores: true };

/** The time in which a healthy receiver answers. */
const RESPONSE_MS = 20;
/** The time in which a connection is refused. */
const REFUSAL_MS = 1;
const ABORTED = { ok: false, failure: { kind: "aborted", code: "ABORTED", message: "canceled" } } as const;

export class ReceiverModel {
  behavior: Behavior = () => TAKES;
  requests = 0;
  /** Distinct samples that it has, and those that came again. */
  stored = 0;
  repeats = 0;
  /** Bytes of requests that it is being sent, the most at any time. */
  bytesInFlight = 0;
  /** Of the requests with samples: the largest since it was set to 0, and all together. */
  largestBytes = 0;
  bytes = 0;
  /** From a sample's time to its being stored. */
  readonly delays = new Delays();
  /** Called when samples were stored whose request is not answered yet. */
  onStored: () => void = () => {};
  readonly #clock: Clock;
  readonly #spans = new WeakMap<Uint8Array, Span>();
  readonly #has = new Map<number, Set<number>>();
  readonly #names = new WeakMap<SeriesTable, number[]>();
  /** The first series that ever came: the one that `hasRefused` is about. */
  #chosen: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whose body it is that will be sent. */
  noting(body: Uint8Array, span: Span): Uint8Array {
    this.#spans.set(body, span);
    return body;
  }

  client(): HttpClient {
    return { request: (r) => this.#request(r), close: async () => {} };
  }

  async #request(r: HttpRequest): ReturnType<HttpClient["request"]> {
    const body = r.body as Uint8Array;
    const span = this.#spans.get(body);
    const samples = span === undefined ? 0 : samplesOf(span);
    const reply = this.behavior({
      number: this.requests++,
      bytes: body.length,
      samples,
      hasRefused: span !== undefined && this.#hasChosen(span),
      atMs: this.#clock.monotonicMs(),
    });
    // Not at once: what else is due is tried meanwhile.
    if (reply.kind === "refused" && !(await this.#clock.sleep(REFUSAL_MS, r.signal))) return ABORTED;
    if (reply.kind === "refused")
      return { ok: false, failure: { kind: "refused", code: "ECONNREFUSED", message: "connection refused" } };
    if (samples > 0) {
      this.largestBytes = Math.max(this.largestBytes, body.length);
      this.bytes += body.length;
    }
    this.bytesInFlight += body.length;
    const answer = await this.#answer(r, reply, span);
    this.bytesInFlight -= body.length;
    return answer;
  }

  async #answer(
    r: HttpRequest,
    reply: Exclude<Reply, { kind: "refused" }>,
    span: Span | undefined,
  ): ReturnType<HttpClient["request"]> {
    const timeout = { ok: false, failure: { kind: "timeout", code: "TIMEOUT", message: "timed out" } } as const;
    const limitMs = r.timeouts.firstByteMs;
    const takesMs = RESPONSE_MS / 2 + (reply.kind === "status" ? (reply.afterMs ?? 0) : 0);
    if (!(await this.#clock.sleep(Math.min(takesMs, limitMs), r.signal))) return ABORTED;
    if (takesMs >= limitMs) return timeout;
    if (reply.stores && span !== undefined) {
      this.#store(span);
      this.onStored();
    }
    if (!(await this.#clock.sleep(reply.kind === "silent" ? limitMs - takesMs : RESPONSE_MS / 2, r.signal)))
      return ABORTED;
    if (reply.kind === "silent") return timeout;
    return { ok: true, answer: answered(reply.status, reply.text ?? "", reply.headers) };
  }

  #store({ frame, firstRun, endRun, firstSample, endSample }: Span): void {
    const now = this.#clock.now();
    for (let run = firstRun; run < endRun; run++) {
      const series = this.#name(frame.table, frame.runSeries[run]!);
      let has = this.#has.get(series);
      if (has === undefined) this.#has.set(series, (has = new Set()));
      const end = Math.min(frame.runStart[run + 1]!, endSample);
      for (let i = Math.max(frame.runStart[run]!, firstSample); i < end; i++) {
        const ts = frame.timestamps[i]!;
        if (has.has(ts)) {
          this.repeats++;
          continue;
        }
        has.add(ts);
        this.stored++;
        this.delays.add(now - ts);
      }
    }
  }

  #hasChosen({ frame, firstRun, endRun }: Span): boolean {
    for (let run = firstRun; run < endRun; run++) {
      const series = this.#name(frame.table, frame.runSeries[run]!);
      this.#chosen ??= series;
      if (series === this.#chosen) return true;
    }
    return false;
  }

  /** The same of the same labels, in every table. */
  #name(table: SeriesTable, id: number): number {
    let names = this.#names.get(table);
    if (names === undefined) this.#names.set(table, (names = []));
    return (names[id] ??= table.fingerprint(id));
  }
}
