// The far end of a sink: takes, refuses or keeps silent as told; what it took is decoded by code of its own.
import type { Sender } from "../../src/delivery/ports.ts";
import { encodeBody } from "../../src/remotewrite/encode.ts";
import { judgeAnswer, judgeFailure, type Verdict } from "../../src/remotewrite/judge.ts";
import { NO_SAMPLES } from "../../src/remotewrite/post.ts";
import type { FakeClock } from "./clock.ts";
import type { ReceiverModel } from "./receiver-model.ts";
import { decodeWriteRequest, unsnappy } from "./wire.ts";

/** `stored`: it takes the samples, and its answer is lost. A number: answers with this status. */
export type SinkFault = "none" | "refused" | "timeout" | "stored" | number;

export class FakeSink {
  fault: SinkFault = "none";
  answerMs = 5;
  /** Samples of requests that were taken, by series, in order of arrival; repeats too. */
  readonly taken = new Map<string, { ts: number; value: number; stale: boolean }[]>();
  /** Answers this to everything that no other fault keeps from it. */
  #refusesAll: 400 | 422 | undefined;
  /** It is to end: not before a write without samples has been refused as well. */
  #ending = false;
  #owesAnswer = false;
  /** Samples that were answered with 2xx. */
  acknowledged = 0;
  attempts: { at: number; samples: number; status: SinkFault }[] = [];
  /** More decisions: a status for a request, or undefined for what `fault` says. */
  decide: (series: ReturnType<typeof decodeWriteRequest>) => number | undefined = () => undefined;
  /** What it takes of what reaches it; absent: everything. */
  model: ReceiverModel | undefined;
  inFlight = 0;
  mostInFlight = 0;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  /** Refuses everything. */
  refuseAll(status: 400 | 422): void {
    this.#refusesAll = status;
    this.#ending = false;
  }

  /**
   * One that is whole again before anybody could ask is not to be told from one that has refused these samples: so it ends with the
   * next question, if samples were refused since the last one.
   */
  takeAgain(): void {
    this.#ending = this.#owesAnswer;
    if (!this.#ending) this.#refusesAll = undefined;
  }

  sender(): Sender {
    return {
      encode: encodeBody,
      post: (body, signal) => this.#post(body, signal),
      close: () => {},
    };
  }

  async #post(body: Uint8Array, signal: AbortSignal): Promise<{ verdict: Verdict; answered: boolean }> {
    this.inFlight++;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    const { fault } = this;
    const elapsed = await this.#clock.sleep(fault === "timeout" ? 30_000 : this.answerMs, signal);
    this.inFlight--;
    if (!elapsed) return failure("aborted");
    const noSamples = body === NO_SAMPLES;
    const series = noSamples ? [] : decodeWriteRequest(unsnappy(body));
    const samples = series.reduce((n, s) => n + s.samples.length, 0);
    const status = this.decide(series) ?? (fault === "none" ? this.#refusal(noSamples) : fault);
    this.attempts.push({ at: this.#clock.monotonicMs(), samples, status });
    if (status === "refused") return { ...failure("refused"), answered: true };
    if (status === "timeout") return failure("timeout");
    if (typeof status === "number" && status >= 300)
      return {
        verdict: judgeAnswer({ status, text: "", retryAfter: undefined, noSamples }, this.#clock.now()),
        answered: true,
      };
    const { model } = this;
    const written = model?.write(series.map(({ labels, samples: list }) => [nameOf(labels), list.map(({ ts }) => ts)]));
    if (written !== undefined && written.status >= 300) {
      if (status === "stored") return failure("timeout");
      const answer = { status: written.status, text: written.text, retryAfter: undefined, noSamples };
      return { verdict: judgeAnswer(answer, this.#clock.now()), answered: true };
    }
    for (const { labels, samples: list } of series) {
      const name = nameOf(labels);
      const known = this.taken.get(name) ?? [];
      this.taken.set(name, known);
      for (const { ts, value, bits } of list) known.push({ ts, value, stale: bits === 0x7ff0000000000002n });
    }
    if (status === "stored") return failure("timeout");
    this.acknowledged += samples;
    return { verdict: { kind: "delivered", status: 204 }, answered: true };
  }

  #refusal(noSamples: boolean): SinkFault {
    const status = this.#refusesAll;
    if (status === undefined) return "none";
    this.#owesAnswer = !noSamples;
    if (noSamples && this.#ending) this.#refusesAll = undefined;
    return status;
  }
}

const nameOf = (labels: readonly (readonly [string, string])[]): string => labels.find(([n]) => n === "__name__")![1];

const failure = (kind: "aborted" | "timeout" | "refused"): { verdict: Verdict; answered: boolean } => ({
  verdict: judgeFailure({ kind, code: kind.toUpperCase(), message: kind }),
  answered: false,
});
