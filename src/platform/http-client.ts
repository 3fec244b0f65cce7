// The HttpClient port on undici: pooled connections, exact timeouts of our own, no redirects, no retries, failures as values.
import { Buffer } from "node:buffer";
import { Agent, buildConnector, type Dispatcher } from "undici/index.js";
import type { HttpAnswer, HttpClient, HttpFailure, HttpRequest } from "./http.ts";
import { HttpBroken } from "./http.ts";
import { failureOf } from "./http-failure.ts";

export type HttpClientOptions = {
  /** TCP and TLS handshake, ms. */
  connectMs: number;
  /** Connections to one origin. */
  connections: number;
};

/** Reused connections are closed after this long idle, before most servers would do it. */
const KEEP_ALIVE_MS = 10_000;

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const open: OpenSockets = new Set();
  const agent = new Agent({
    connections: options.connections,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connect: watched(buildConnector({ timeout: options.connectMs }), open),
    // Our own timers are exact; undici's have a granularity of half a second.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    async request(r) {
      const first = await attempt(agent, open, r);
      if (first.ok || !first.idleClose) return first;
      // A connection that the server closed while it was idle is no failed attempt: nothing of the request was answered.
      return attempt(agent, open, r);
    },
    close: () => agent.destroy(),
  };
}

type Attempt = { ok: true; answer: HttpAnswer } | { ok: false; failure: HttpFailure; idleClose: boolean };

async function attempt(agent: Agent, open: OpenSockets, r: HttpRequest): Promise<Attempt> {
  const deadline = new Deadline(r);
  const idle = new Map([...open].map((socket) => [socket, socket.bytesRead]));
  try {
    deadline.arm("first byte", r.timeouts.firstByteMs + r.timeouts.connectMs);
    const { statusCode, headers, body } = await agent.request({
      origin: new URL(r.url).origin,
      path: pathOf(r.url),
      method: r.method,
      headers: r.headers,
      body: r.body ?? null,
      signal: deadline.signal,
    });
    deadline.disarm();
    return { ok: true, answer: answerOf(statusCode, headers, body, deadline, r) };
  } catch (error) {
    const failure = deadline.failure() ?? failureOf(error);
    const waitedMs = deadline.end();
    return {
      ok: false,
      failure,
      idleClose: failure.kind === "reset" && waitedMs < IDLE_CLOSE_WITHIN_MS && isIdleClose(error, idle, open),
    };
  }
}

/** A reused connection that was already closed fails at once. */
const IDLE_CLOSE_WITHIN_MS = 50;

type OpenSockets = Set<{ bytesRead: number; bytesWritten: number }>;

function watched(connector: buildConnector.connector, open: OpenSockets): buildConnector.connector {
  return (options, callback) =>
    connector(options, (...result) => {
      const [error, socket] = result;
      if (error === null && socket !== null) {
        open.add(socket);
        socket.once("close", () => setImmediate(() => open.delete(socket)));
      }
      callback(...result);
    });
}

/** The connection was there before the request, and not a byte was read from it since: the server had closed it. */
function isIdleClose(error: unknown, idle: ReadonlyMap<object, number>, open: OpenSockets): boolean {
  const { code, socket } = error as { code?: string; socket?: { bytesRead?: number; bytesWritten?: number } };
  if (code !== "UND_ERR_SOCKET" || socket === undefined) return false;
  for (const s of open)
    if (s.bytesRead === socket.bytesRead && s.bytesWritten === socket.bytesWritten && idle.get(s) === s.bytesRead)
      return true;
  return false;
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}

function answerOf(
  status: number,
  headers: Dispatcher.ResponseData["headers"],
  body: Dispatcher.ResponseData["body"],
  deadline: Deadline,
  r: HttpRequest,
): HttpAnswer {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    try {
      deadline.arm("idle", r.timeouts.idleMs);
      for await (const piece of body) {
        deadline.disarm();
        yield piece as Uint8Array;
        deadline.arm("idle", r.timeouts.idleMs);
      }
    } catch (error) {
      throw new HttpBroken(deadline.failure() ?? failureOf(error));
    } finally {
      deadline.end();
      body.destroy();
    }
  }
  return {
    status,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name.toLowerCase(),
        Array.isArray(value) ? value.join(", ") : String(value),
      ]),
    ),
    body: { [Symbol.asyncIterator]: pieces },
    async text(limit) {
      const parts: Uint8Array[] = [];
      let length = 0;
      try {
        for await (const piece of pieces()) {
          parts.push(piece);
          length += piece.length;
          if (length >= limit) break;
        }
      } catch (error) {
        if (!(error instanceof HttpBroken)) throw error; // what came is what there is
      }
      return Buffer.concat(parts).subarray(0, limit).toString("utf8");
    },
    async discard() {
      try {
        let length = 0;
        for await (const piece of pieces()) {
          length += piece.length;
          if (length > DISCARD_BYTES) break; // closing the connection is cheaper than reading on
        }
      } catch (error) {
        if (!(error instanceof HttpBroken)) throw error;
      }
    },
  };
}

const DISCARD_BYTES = 64 * 1024;

/** The timers of one exchange, the caller's signal, and which of them ended it. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #request: HttpRequest;
  readonly #startedMs = performance.now();
  readonly #total: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended: "caller" | string | undefined;
  readonly #onAbort = () => this.#abort("caller");

  constructor(request: HttpRequest) {
    this.#request = request;
    const { totalMs } = request.timeouts;
    if (totalMs !== undefined)
      this.#total = setTimeout(() => this.#abort(`the whole exchange took more than ${totalMs} ms`), totalMs);
    if (request.signal?.aborted) this.#abort("caller");
    else request.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  arm(what: "first byte" | "idle", ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#abort(what === "idle" ? `nothing came for ${ms} ms` : `no answer within ${ms} ms`),
      ms,
    );
  }

  disarm(): void {
    clearTimeout(this.#timer);
  }

  /** Lets go of all timers and listeners; returns how long the exchange took. */
  end(): number {
    clearTimeout(this.#timer);
    clearTimeout(this.#total);
    this.#request.signal?.removeEventListener("abort", this.#onAbort);
    return performance.now() - this.#startedMs;
  }

  failure(): HttpFailure | undefined {
    if (this.#ended === undefined) return undefined;
    if (this.#ended === "caller") return { kind: "aborted", code: "ABORTED", message: "broken off by outflow itself" };
    return { kind: "timeout", code: "TIMEOUT", message: this.#ended };
  }

  #abort(why: string): void {
    this.#ended ??= why;
    this.#controller.abort();
  }
}
