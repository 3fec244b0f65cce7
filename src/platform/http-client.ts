// The HttpClient port on undici: pooled connections, exact timeouts of our own, no redirects, no retries, failures as values.
import { Buffer } from "node:buffer";
import { Agent, type buildConnector } from "undici/index.js";
import type { HttpAnswer, HttpClient, HttpFailure, HttpRequest } from "./http.ts";
import { HttpBroken } from "./http.ts";
import { connector, proxyConnector, type Way } from "./http-connect.ts";
import { ConnectFailure, type Resolve } from "./http-dial.ts";
import { Exchange, type Head } from "./http-exchange.ts";
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
  const exchange = new Exchange(r);
  const idle = new Map([...agents.open].map((socket) => [socket, socket.bytesRead]));
  try {
    const url = urlOf(r.url);
    const proxy = url.protocol === "http:" ? way.proxy(url) : undefined;
    const refusal = proxy && way.reach(bare(url.hostname), portOf(url), undefined);
    if (refusal !== undefined) throw new ConnectFailure("OUTFLOW_FORBIDDEN", refusal);
    if (exchange.failure() !== undefined) throw new Error("aborted");
    const headers = { ...r.headers };
    if (inflateMaxBytes !== undefined) headers["accept-encoding"] = "gzip";
    if (proxy !== undefined) headers.host = url.host;
    if (proxy?.authorization !== undefined) headers["proxy-authorization"] = proxy.authorization;
    const path = url.pathname + url.search;
    (proxy === undefined ? agents.direct : agents.proxied).dispatch(
      {
        origin: proxy === undefined ? url.origin : proxy.shown,
        path: proxy === undefined ? path : url.origin + path,
        method: r.method,
        headers,
        body: r.body ?? null,
      },
      exchange,
    );
    const head = await exchange.head;
    if (proxy !== undefined && head.status === 407)
      throw new ConnectFailure(
        "OUTFLOW_PROXY",
        `The proxy ${proxy.shown} asks for other credentials (407); correct them in the proxy's address.`,
      );
    return { ok: true, answer: answerOf(head, exchange, inflateMaxBytes) };
  } catch (error) {
    const failure = exchange.failure() ?? failureOf(error);
    const waitedMs = exchange.tookMs;
    exchange.close();
    return {
      ok: false,
      failure,
      idleClose: failure.kind === "reset" && waitedMs < IDLE_CLOSE_WITHIN_MS && isIdleClose(error, idle, agents.open),
    };
  }
}

let parsed: { text: string; url: URL } | undefined;

/** A client asks the same few addresses again and again. */
function urlOf(text: string): URL {
  if (parsed?.text !== text) parsed = { text, url: new URL(text) };
  return parsed.url;
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

function answerOf({ status, headers }: Head, exchange: Exchange, inflateMaxBytes: number | undefined): HttpAnswer {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    const coding = String(headers["content-encoding"] ?? "identity").toLowerCase();
    if (inflateMaxBytes === undefined || coding === "identity") yield* raw();
    else yield* inflated(raw(), coding, inflateMaxBytes);
  }
  async function* raw(): AsyncGenerator<Uint8Array> {
    try {
      for (let piece = await next(); piece !== undefined; piece = await next()) yield piece;
    } finally {
      exchange.close();
    }
  }
  async function next(): Promise<Uint8Array | undefined> {
    try {
      return await exchange.next();
    } catch (error) {
      throw new HttpBroken(exchange.failure() ?? failureOf(error));
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
