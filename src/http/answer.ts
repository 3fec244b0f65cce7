// The answer that a caller gets of an exchange: its head, and its body as it comes.
import { Buffer } from "node:buffer";
import type { Exchange } from "./exchange.ts";
import { failureOf } from "./failure.ts";
import { giveBack } from "./give-back.ts";
import { type HttpAnswer, HttpBroken, type HttpFailure } from "./http.ts";
import { inflated } from "./inflate.ts";
import type { Head } from "./wire.ts";

/** Inflated text comes in pieces of this size. */
const TEXT_SLACK = 64 * 1024;
const DISCARD_BYTES = 64 * 1024;

export class Answer implements HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly #exchange: Exchange;
  readonly #inflateMaxBytes: number | undefined;
  readonly #broken: (failure: HttpFailure) => void;
  #cut = false;

  /** `inflateMaxBytes`: gzip was asked for. `broken`: told why a body broke off. */
  constructor(
    { status, headers }: Head,
    exchange: Exchange,
    inflateMaxBytes: number | undefined,
    broken: (failure: HttpFailure) => void,
  ) {
    this.status = status;
    this.headers = headers;
    this.#exchange = exchange;
    this.#inflateMaxBytes = inflateMaxBytes;
    this.#broken = broken;
  }

  get body(): AsyncIterable<Uint8Array> {
    return { [Symbol.asyncIterator]: () => this.#pieces() };
  }

  async each(take: (piece: Uint8Array) => boolean): Promise<void> {
    if (this.#inflateMaxBytes !== undefined && this.#coding !== "identity") {
      for await (const piece of this.#pieces()) {
        if (!take(piece)) return;
        giveBack(piece);
      }
      return;
    }
    let bug: { error: unknown } | undefined;
    const guarded = (piece: Uint8Array): boolean => {
      try {
        return take(piece);
      } catch (error) {
        bug = { error };
        return false;
      }
    };
    try {
      await this.#exchange.each(guarded);
    } catch (error) {
      throw this.#brokenBy(error);
    }
    if (bug !== undefined) throw bug.error;
  }

  get cut(): boolean {
    return this.#cut;
  }

  async text(limit: number): Promise<string> {
    const parts: Uint8Array[] = [];
    let length = 0;
    try {
      // Some servers compress what they say of an error though nobody asked for it.
      const isGzip = /^(x-)?gzip$/.test(this.#coding);
      for await (const piece of isGzip ? inflated(this.#raw(), this.#coding, limit + TEXT_SLACK) : this.#raw()) {
        parts.push(piece);
        length += piece.length;
        if (length > limit) break;
      }
    } catch (error) {
      if (!(error instanceof HttpBroken)) throw error; // what came is what there is
      this.#cut = true;
    }
    this.#cut ||= length > limit;
    return Buffer.concat(parts).subarray(0, limit).toString("utf8");
  }

  async discard(): Promise<void> {
    if (this.#exchange.isRead) return;
    try {
      let length = 0;
      for await (const piece of this.#raw()) {
        length += piece.length;
        if (length > DISCARD_BYTES) break; // closing the connection is cheaper than reading on
      }
    } catch (error) {
      if (!(error instanceof HttpBroken)) throw error;
    }
  }

  get #coding(): string {
    return (this.headers["content-encoding"] ?? "identity").toLowerCase();
  }

  async *#pieces(): AsyncGenerator<Uint8Array> {
    if (this.#inflateMaxBytes === undefined || this.#coding === "identity") yield* this.#raw();
    else yield* inflated(this.#raw(), this.#coding, this.#inflateMaxBytes);
  }

  async *#raw(): AsyncGenerator<Uint8Array> {
    try {
      for (let piece = await this.#next(); piece !== undefined; piece = await this.#next()) yield piece;
    } finally {
      this.#exchange.close();
    }
  }

  async #next(): Promise<Uint8Array | undefined> {
    try {
      return await this.#exchange.next();
    } catch (error) {
      throw this.#brokenBy(error);
    }
  }

  #brokenBy(error: unknown): HttpBroken {
    const failure = this.#exchange.failure() ?? failureOf(error);
    this.#broken(failure);
    return new HttpBroken(failure);
  }
}
