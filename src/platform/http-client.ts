// The HttpClient port on undici: pooled connections, exact timeouts of our own, no redirects, no retries, failures as values.
import { Buffer } from "node:buffer";
import { Agent, type buildConnector, type Dispatcher } from "undici/index.js";
import type { HttpAnswer, HttpClient, HttpFailure, HttpRequest } from "./http.ts";
import { HttpBroken } from "./http.ts";
import { connector, proxyConnector, type Way } from "./http-connect.ts";
import { ConnectFailure, type Resolve } from "./http-dial.ts";
import { failureOf } from "./http-failure.ts";
import { inflated } from "./http-inflate.ts";
import { bare, type ProxyRules, portOf } from "./http-proxy.ts";
import type { Reach } from "./http-reach.ts";
import { createTls, type Tls } from "./http-tls.ts";

export type HttpClientOptions = {
  /** TCP, proxy and TLS handshake, ms. */
  connectMs: number;
  /** Connections to one origin. */
  connections: number;
  tls?: Tls;
  /** Absent: no proxy. */
  proxy?: ProxyRules;
  /** Absent: anywhere. */
  reach?: Reach;
  resolve?: Resolve | undefined;
  /** What each request carries besides its own headers: credentials that come from files. */
  headers?: () => Record<string, string>;
  /** Asks for gzip, and inflates at most this much of an answer. */
  inflateMaxBytes?: number;
};

/** Reused connections are closed after this long idle, before most servers would do it. */
const KEEP_ALIVE_MS = 10_000;

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const way: Way = {
    tls: options.tls ?? createTls({}, noFiles, () => {}),
    proxy: options.proxy ?? (() => undefined),
    reach: options.reach ?? (() => undefined),
    resolve: options.resolve,
    connectMs: options.connectMs,
  };
  let version = "";
  let agents: Agents | undefined;
  /** Other certificates: new connections; those in use end with their request. */
  const current = (): Agents => {
    const now = way.tls.version();
    if (agents !== undefined && now === version) return agents;
    void agents?.direct.close();
    void agents?.proxied.close();
    version = now;
    agents = agentsFor(way, options.connections);
    return agents;
  };
  return {
    async request(r) {
      const own = options.headers?.();
      const asking = own === undefined ? r : { ...r, headers: { ...r.headers, ...own } };
      const first = await attempt(current(), way, asking, options.inflateMaxBytes);
      if (first.ok || !first.idleClose) return first;
      // A connection that the server closed while it was idle is no failed attempt: nothing of the request was answered.
      return attempt(current(), way, asking, options.inflateMaxBytes);
    },
    async close(how) {
      const ended = [agents?.direct, agents?.proxied];
      await Promise.all(ended.map((agent) => (how === "gracefully" ? agent?.close() : agent?.destroy())));
    },
  };
}

const noFiles = {
  info: () => undefined,
  list: () => undefined,
  real: (path: string) => path,
  read: () => new Uint8Array(),
};

/** `proxied`: plain http, whose requests are written to the proxy with the whole URL. */
type Agents = { direct: Agent; proxied: Agent; open: OpenSockets };

function agentsFor(way: Way, connections: number): Agents {
  const open: OpenSockets = new Set();
  const agent = (connect: buildConnector.connector) =>
    new Agent({
      connections,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect: watched(connect, open),
      // Our own timers are exact; undici's have a granularity of half a second.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  return { direct: agent(connector(way)), proxied: agent(proxyConnector(way)), open };
}

type Attempt = { ok: true; answer: HttpAnswer } | { ok: false; failure: HttpFailure; idleClose: boolean };

async function attempt(
  agents: Agents,
  way: Way,
  r: HttpRequest,
  inflateMaxBytes: number | undefined,
): Promise<Attempt> {
  const deadline = new Deadline(r);
  const idle = new Map([...agents.open].map((socket) => [socket, socket.bytesRead]));
  try {
    deadline.arm("first byte", r.timeouts.firstByteMs + r.timeouts.connectMs);
    const url = new URL(r.url);
    const proxy = url.protocol === "http:" ? way.proxy(url) : undefined;
    const refusal = proxy && way.reach(bare(url.hostname), portOf(url), undefined);
    if (refusal !== undefined) throw new ConnectFailure("OUTFLOW_FORBIDDEN", refusal);
    const { statusCode, headers, body } = await (proxy === undefined ? agents.direct : agents.proxied).request({
      ...(proxy === undefined
        ? { origin: url.origin, path: url.pathname + url.search }
        : { origin: proxy.shown, path: url.origin + url.pathname + url.search }),
      method: r.method,
      headers: {
        ...r.headers,
        ...(inflateMaxBytes === undefined ? {} : { "accept-encoding": "gzip" }),
        ...(proxy === undefined ? {} : { host: url.host }),
        ...(proxy?.authorization === undefined ? {} : { "proxy-authorization": proxy.authorization }),
      },
      body: r.body ?? null,
      signal: deadline.signal,
    });
    deadline.disarm();
    if (proxy !== undefined && statusCode === 407) {
      body.on("error", () => {}).destroy();
      throw new ConnectFailure(
        "OUTFLOW_PROXY",
        `The proxy ${proxy.shown} asks for other credentials (407); correct them in the proxy's address.`,
      );
    }
    return { ok: true, answer: answerOf(statusCode, headers, body, deadline, r, inflateMaxBytes) };
  } catch (error) {
    const failure = deadline.failure() ?? failureOf(error);
    const waitedMs = deadline.end();
    return {
      ok: false,
      failure,
      idleClose: failure.kind === "reset" && waitedMs < IDLE_CLOSE_WITHIN_MS && isIdleClose(error, idle, agents.open),
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

function answerOf(
  status: number,
  headers: Dispatcher.ResponseData["headers"],
  body: Dispatcher.ResponseData["body"],
  deadline: Deadline,
  r: HttpRequest,
  inflateMaxBytes: number | undefined,
): HttpAnswer {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    const coding = String(headers["content-encoding"] ?? "identity").toLowerCase();
    if (inflateMaxBytes === undefined || coding === "identity") yield* raw();
    else yield* inflated(raw(), coding, inflateMaxBytes);
  }
  async function* raw(): AsyncGenerator<Uint8Array> {
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
