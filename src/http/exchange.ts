// One request and its answer, between a connection that fills it and a caller that takes it: the head as a promise, the body as pieces
// that wait here until they are asked for (bounded: the connection pauses), and exact timers of our own.
import { offAbort, onAbort } from "../platform/signals.ts";
import type { HttpFailure, HttpRequest } from "./http.ts";
import type { Head } from "./wire.ts";

/** What an exchange may do to the connection that carries it. */
export type Carrier = { pause(): void; resume(): void; destroy(): void };

/** More than this waits to be taken: the connection is not read further. */
const WAITING_BYTES = 128 * 1024;

export class Exchange {
  /** Rejects with what ended the exchange before an answer came. */
  readonly head: Promise<Head>;
  #answered: (head: Head) => void = () => {};
  #failed: (error: unknown) => void = () => {};
  readonly #request: HttpRequest;
  #carrier: Carrier | undefined;
  #paused = false;
  #begun = false;
  readonly #pieces: Uint8Array[] = [];
  #waiting = 0;
  /** Takes pieces in the turn in which they come; false: it wants no more. */
  #take: ((piece: Uint8Array) => boolean) | undefined;
  #state: "running" | "complete" | "broken" | "closed" = "running";
  #error: unknown;
  /** Wakes whoever waits for the next piece. */
  #turn: (() => void) | undefined;

  #timer: NodeJS.Timeout | undefined;
  /** When the timer goes off, and when that means something: it is reset only where it would be late. */
  #timerAtMs = 0;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #dueMs = 0;
  #dueWhy = "";
  readonly #total: NodeJS.Timeout | undefined;
  #totalAtMs = Number.POSITIVE_INFINITY;
  #ended: "caller" | string | undefined;
  readonly #onAbort = () => this.#breakOff("caller");

  constructor(request: HttpRequest) {
    this.#request = request;
    this.head = new Promise((answered, failed) => {
      this.#answered = answered;
      this.#failed = failed;
    });
    const { totalMs } = request.timeouts;
    if (totalMs !== undefined) {
      this.#totalAtMs = performance.now() + totalMs;
      this.#total = setTimeout(() => this.#breakOff(`request and response took more than ${totalMs} ms`), totalMs);
    }
    const { signal } = request;
    if (signal?.aborted) this.#breakOff("caller");
    else if (signal !== undefined) onAbort(signal, this.#onAbort);
  }

  // -- of the connection

  /** False: it has ended already and needs no connection. */
  carriedBy(carrier: Carrier): boolean {
    if (this.#state !== "running") return false;
    this.#carrier = carrier;
    return true;
  }

  get running(): boolean {
    return this.#state === "running";
  }

  /** The last byte of the request is on its way. */
  sent(): void {
    if (this.#state === "running" && !this.#begun) this.#arm(this.#request.timeouts.firstByteMs, "no response within");
  }

  begins(head: Head): void {
    this.#begun = true;
    this.#arm(this.#request.timeouts.idleMs, "no data for");
    this.#answered(head);
  }

  data(piece: Uint8Array): void {
    if (this.#state !== "running") return;
    this.#arm(this.#request.timeouts.idleMs, "no data for");
    if (this.#take !== undefined) {
      if (!this.#take(piece)) this.close();
      return;
    }
    this.#pieces.push(piece);
    this.#waiting += piece.length;
    if (this.#waiting > WAITING_BYTES && !this.#paused) {
      this.#paused = true;
      this.#carrier?.pause();
      this.#disarm(); // the reader is slow, not the server
    }
    this.#wake();
  }

  /** Pieces are taken as they come: nobody keeps them. */
  get passesOn(): boolean {
    return this.#take !== undefined;
  }

  complete(): void {
    this.#end("complete");
  }

  broken(error: unknown): void {
    this.#error ??= error;
    this.#end("broken");
  }

  // -- of the caller

  /** The response has ended, and all of its body was taken: nothing is left to wait for. */
  get isRead(): boolean {
    return this.#state === "complete" && this.#pieces.length === 0;
  }

  /** Hands each piece to `take` as it comes, up to the end or until it says false. Throws what broke the body off. */
  async each(take: (piece: Uint8Array) => boolean): Promise<void> {
    for (let piece = this.#pieces.shift(); piece !== undefined; piece = this.#pieces.shift())
      if (!take(piece)) return this.close();
    this.#waiting = 0;
    if (this.#state === "running") {
      this.#take = take;
      if (this.#paused) this.#unpause();
      await new Promise<void>((turn) => {
        this.#turn = turn;
      });
    }
    this.#take = undefined;
    if (this.#state === "broken") throw this.#error;
  }

  /** The next piece of the body; undefined at its end. Throws what broke it off. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        this.#waiting -= piece.length;
        if (this.#paused && this.#waiting <= WAITING_BYTES / 2 && this.#state === "running") this.#unpause();
        return piece;
      }
      if (this.#state === "broken") throw this.#error;
      if (this.#state !== "running") return undefined;
      await new Promise<void>((turn) => {
        this.#turn = turn;
      });
    }
  }

  /** Drops what is left: nothing if the answer is complete, else the connection is closed. */
  close(): void {
    this.#pieces.length = 0;
    if (this.#state !== "running") return;
    this.#end("closed");
    this.#carrier?.destroy();
  }

  /** Why our own timers or the caller ended it; undefined: they did not. */
  failure(): HttpFailure | undefined {
    if (this.#ended === undefined) return undefined;
    if (this.#ended === "caller") return { kind: "aborted", code: "ABORTED", message: "aborted by outflow itself" };
    return { kind: "timeout", code: "TIMEOUT", message: this.#ended, cause: this.#error };
  }

  #breakOff(why: string): void {
    if (this.#state !== "running") return;
    this.#ended = why;
    this.#error = new Error(why === "caller" ? "aborted" : why);
    this.#pieces.length = 0;
    this.#end("broken");
    this.#carrier?.destroy();
  }

  #end(state: "complete" | "broken" | "closed"): void {
    if (this.#state !== "running") return;
    this.#state = state;
    clearTimeout(this.#timer);
    clearTimeout(this.#total);
    const { signal } = this.#request;
    if (signal !== undefined) offAbort(signal, this.#onAbort);
    if (state === "broken") {
      this.head.catch(() => {}); // whoever has the head already learns it from the body
      this.#failed(this.#error);
    }
    this.#wake();
  }

  #unpause(): void {
    this.#arm(this.#request.timeouts.idleMs, "no data for");
    this.#paused = false;
    this.#carrier?.resume();
  }

  #wake(): void {
    this.#turn?.();
    this.#turn = undefined;
  }

  #arm(ms: number, why: string): void {
    this.#dueAtMs = performance.now() + ms;
    this.#dueMs = ms;
    this.#dueWhy = why;
    // Nothing can be late that the end of the whole exchange comes before.
    if (this.#dueAtMs >= this.#totalAtMs) return;
    if (this.#timer === undefined || this.#timerAtMs > this.#dueAtMs) this.#setTimer(ms);
  }

  #disarm(): void {
    this.#dueAtMs = Number.POSITIVE_INFINITY;
  }

  #setTimer(ms: number): void {
    clearTimeout(this.#timer);
    this.#timerAtMs = performance.now() + ms;
    this.#timer = setTimeout(() => this.#onTimer(), ms);
  }

  #onTimer(): void {
    this.#timer = undefined;
    const left = this.#dueAtMs - performance.now();
    if (left <= 0) this.#breakOff(`${this.#dueWhy} ${this.#dueMs} ms`);
    else if (left !== Number.POSITIVE_INFINITY) this.#setTimer(Math.ceil(left));
  }
}
