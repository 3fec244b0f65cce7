// One connection to an origin, from its first request to its end: one exchange at a time, used again where the answer allows it.
import type { Socket } from "node:net";
import { hasRoom, withHead, writing, written } from "./body-room.ts";
import type { Carrier, Exchange } from "./exchange.ts";
import { giveBack } from "./give-back.ts";
import { AnswerParser, requestHead } from "./wire.ts";

/** What is asked of a connection. */
export type Asked = {
  exchange: Exchange;
  method: string;
  /** Path and query, or the whole URL for a proxy. */
  target: string;
  host: string;
  headers: Readonly<Record<string, string>>;
  body: Uint8Array | undefined;
};

/** The other side closed, or reset, a connection that owed an answer. */
export class Closed extends Error {
  readonly code: string;
  /** It had carried a request before, and nothing came in response to this one: most likely it was closed while it was idle. */
  readonly whileIdle: boolean;
  constructor(error: (Error & { code?: string }) | undefined, whileIdle: boolean) {
    super(error?.message ?? "the other side closed the connection");
    this.code = error?.code ?? "CLOSED";
    this.whileIdle = whileIdle;
  }
}

/** What ends an exchange whose client is closed. */
export const aborted = (): Error => Object.assign(new Error("aborted by outflow itself"), { code: "ABORTED" });

/** Closed after this long without a request, before most servers would do it. */
const KEEP_ALIVE_MS = 10_000;
/** After this long a connection carries no further request: a change of DNS is followed, and load balancers spread the load again. */
const GIVEN_UP_MS = 120_000;
/** Servers close at their own moment: a second before it is safe. */
const MARGIN_MS = 1_000;
/** Smaller bodies are copied behind their head: one write costs more than a copy. */
const SMALL_BYTES = 64 * 1024;

export class Connection implements Carrier {
  readonly #socket: Socket;
  /** Told when it is free, and when it is gone. */
  readonly #changed: (connection: Connection) => void;
  #exchange: Exchange | undefined;
  readonly #parser = new AnswerParser(
    (answer) => {
      this.#status = answer.status;
      this.#exchange?.begins(answer);
    },
    (piece) => this.#exchange?.data(piece),
  );
  #requests = 0;
  #heard = false;
  #sent = true;
  #error: Error | undefined;
  #gone = false;
  #paused = false;
  #status = 0;
  readonly #giveUpMs: number;
  #idleUntilMs: number;

  constructor(socket: Socket, changed: (connection: Connection) => void, nowMs = performance.now()) {
    this.#giveUpMs = nowMs + GIVEN_UP_MS;
    this.#idleUntilMs = nowMs + KEEP_ALIVE_MS;
    this.#socket = socket;
    this.#changed = changed;
    socket.on("data", (piece: Uint8Array) => this.#data(piece));
    socket.on("error", (error) => {
      this.#error ??= error;
    });
    socket.on("end", () => this.#end());
    socket.on("close", () => this.#end());
    socket.resume();
  }

  get gone(): boolean {
    return this.#gone;
  }

  get busy(): boolean {
    return this.#exchange !== undefined;
  }

  /** When it has been free for so long that its server may close it any moment, or is as old as a connection may become; monotonic. */
  get staleAtMs(): number {
    return Math.min(this.#idleUntilMs, this.#giveUpMs);
  }

  isStale(nowMs: number): boolean {
    return nowMs >= this.staleAtMs;
  }

  /** Throws NotHttp where the request cannot be written; the connection is as good as before then. */
  carry({ exchange, method, target, host, headers, body }: Asked): void {
    const head = requestHead(method, target, host, headers, body?.length ?? (method === "POST" ? 0 : undefined));
    if (!exchange.carriedBy(this)) return this.#changed(this);
    this.#exchange = exchange;
    this.#parser.begin();
    this.#requests++;
    this.#heard = false;
    this.#sent = false;
    if (body !== undefined) writing(body);
    const sent = (error?: Error | null) => {
      // A socket that broke off may still hold it.
      if (body !== undefined && !error && !this.#gone) written(body);
      if (this.#exchange !== exchange) return;
      this.#sent = true;
      exchange.sent();
    };
    if (body === undefined) this.#socket.write(head, "latin1", sent);
    else if (body.length > SMALL_BYTES && !hasRoom(body)) {
      this.#socket.write(head, "latin1");
      this.#socket.write(body, sent);
    } else this.#socket.write(withHead(head, body), sent);
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#over(aborted());
  }

  #data(piece: Uint8Array): void {
    const exchange = this.#exchange;
    const parser = this.#parser;
    // Nothing was asked: what is said cannot be the answer to the next request.
    if (exchange === undefined) return this.destroy();
    this.#heard = true;
    const { passesOn } = exchange;
    try {
      parser.push(piece);
      if (passesOn) giveBack(piece);
    } catch (error) {
      this.#over(error);
      this.#socket.destroy();
      return;
    }
    if (!parser.done || this.#gone) return;
    this.#exchange = undefined;
    this.#idleUntilMs = performance.now() + Math.min(KEEP_ALIVE_MS, parser.keepAliveMs - MARGIN_MS);
    // An answer to a request that is still being written leaves the two sides at odds about what comes next.
    // After a 5xx the next attempt should not come to the same bad server.
    const again = parser.reusable && this.#sent && this.#status < 500;
    exchange.complete();
    if (this.#paused) this.resume();
    if (!again) this.destroy();
    // A server that closes right behind its answer is found out before the next request is written.
    else setImmediate(() => this.#gone || this.#changed(this));
  }

  #end(): void {
    // A body without a length ends where the connection does, but not where it is reset: that is an interrupted one.
    if (this.#error === undefined && this.#exchange !== undefined && this.#parser.end()) this.#exchange.complete();
    this.#over(new Closed(this.#error, this.#requests > 1 && !this.#heard));
    this.#socket.destroy();
  }

  #over(error: unknown): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#exchange?.broken(error);
    this.#exchange = undefined;
    this.#changed(this);
  }
}
