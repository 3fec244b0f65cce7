// The present endpoint of one sink: the connection to it, and whether it takes writes at all.
import { samplesOf } from "../batch/batch.ts";
import type { Verdict } from "../remotewrite/judge.ts";
import { NO_SAMPLES } from "../remotewrite/post.ts";
import type { Piece } from "./batch-splitter.ts";
import type { Job } from "./jobs.ts";
import type { Outcome, Sender } from "./ports.ts";

/** The sender as it was when a request began. */
export type SentTo = { sender: Sender; signal: AbortSignal };

export class Endpoint {
  #sender: Sender;
  /** Something was taken by the present sender, and no batch was refused since. */
  #taken = false;
  /** Samples were taken by the present sender. */
  #proved = false;
  /** Attempts of the present sender: canceled with it, so that one that hangs at a wrong address does not block the right one. */
  #attempts = new AbortController();
  #ended = false;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  get current(): SentTo {
    return { sender: this.#sender, signal: this.#attempts.signal };
  }

  /** What a request began with still counts: neither the sender was replaced nor was the attempt canceled. */
  isPresent({ sender, signal }: SentTo): boolean {
    return !signal.aborted && sender === this.#sender;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * `failing`: the one before does not take writes now. What is in flight to it is broken off then, and where nothing shows that it takes
   * any: a request that hangs there would hold up the new one until it times out.
   */
  replace(sender: Sender, failing: boolean): void {
    const before = this.#sender;
    const cancel = failing || !this.#taken;
    this.#sender = sender;
    this.#taken = false;
    this.#proved = false;
    before.close();
    if (!cancel) return;
    this.#attempts.abort();
    this.#attempts = new AbortController();
  }

  took({ sender }: SentTo): void {
    if (sender === this.#sender) this.#taken = this.#proved = true;
  }

  /** It has refused a write without samples. */
  refusesAll(): void {
    this.#taken = false;
  }

  /**
   * Does a refusal concern the samples, or the endpoint? (VictoriaMetrics answers 400 to a wrong path.) One that took something
   * since the last refused batch is taken at its word; another gets a write without samples: its response to that is the verdict.
   */
  async asked(job: Job, piece: Piece, sentTo: SentTo, outcome: Outcome): Promise<Outcome> {
    const { verdict } = outcome;
    const { sender, signal } = sentTo;
    const doubtful =
      verdict.kind === "ask" ||
      (verdict.kind === "bisect" && !job.believed) ||
      (verdict.kind === "halve" && samplesOf(piece.span) === 1);
    if (!doubtful || sender !== this.#sender) return outcome;
    if (verdict.kind === "bisect" && sender.elsewhere !== undefined && !this.#proved)
      return { ...outcome, verdict: atWrongPath(verdict, sender.elsewhere) };
    const known = this.#taken && verdict.kind === "bisect";
    this.#taken = false;
    if (!known) {
      const asked = await sender.post(NO_SAMPLES, signal);
      if (asked.verdict.kind !== "delivered") return { ...outcome, verdict: asked.verdict };
    }
    job.believed = sender === this.#sender; // it may have been replaced meanwhile
    return outcome;
  }

  /** Attempts are canceled, and none begins any more. */
  end(): void {
    this.#ended = true;
    this.#attempts.abort();
  }

  close(): void {
    this.#sender.close();
  }
}

/** There a write without samples proves nothing: VictoriaMetrics takes it at /write, and refuses all samples. */
function atWrongPath({ status, said }: Verdict & { kind: "bisect" }, path: string): Verdict {
  const message = `The endpoint refused samples (${status}), and ${path} is not a path for remote write at VictoriaMetrics: check the path of endpoint, often /api/v1/write or /api/v1/push.${said === "" ? "" : ` It said: ${said}`}`;
  return { kind: "hold", reason: "NotFound", message, ...(status === undefined ? {} : { status }) };
}
