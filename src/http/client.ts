// The HttpClient port: HTTP/1.1 over node:net and node:tls. Pooled connections, exact timeouts, no redirects, no retries, failures as
// values. Our own since it is the hot path (docs/performance.md).
import { Buffer } from "node:buffer";
import { connectTo, connectToProxy, type Route } from "./connect.ts";
import type { ConnectPolicy } from "./connect-policy.ts";
import { Closed } from "./connection.ts";
import { ConnectFailure, type Resolve } from "./dial.ts";
import { Exchange } from "./exchange.ts";
import { failureOf } from "./failure.ts";
import type { HttpAnswer, HttpClient, HttpFailure, HttpRequest } from "./http.ts";
import { HttpBroken } from "./http.ts";
import { inflated } from "./inflate.ts";
import { Pool } from "./pool.ts";
import { bare, type HttpProxy, type ProxyRules, portOf } from "./proxy.ts";
import { createTls, type Tls } from "./tls.ts";
import type { Head } from "./wire.ts";

export type HttpClientOptions = {
  /** TCP, proxy and TLS handshake, ms. */
  connectMs: number;
  /** Connections to one origin. */
  connections: number;
  tls?: Tls;
  /** Absent: no proxy. */
  proxy?: ProxyRules;
  /** Absent: anywhere. */
  connectPolicy?: ConnectPolicy;
  resolve?: Resolve | undefined;
  /** What each request carries besides its own headers: credentials that come from files. */
  headers?: () => Record<string, string>;
  /** Asks for gzip, and inflates at most this much of an answer. */
  inflateMaxBytes?: number;
};

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const route: Route = {
    tls: options.tls ?? createTls({}, noFiles, () => {}),
    proxy: options.proxy ?? (() => undefined),
    connectPolicy: options.connectPolicy ?? (() => undefined),
    resolve: options.resolve,
    connectMs: options.connectMs,
  };
  const pools = new Map<string, Pool>();
  /** Of certificates that were replaced. */
  const ending = new Set<Pool>();
  let version = "";
  const poolOf = (url: URL, proxy: HttpProxy | undefined): Pool => {
    // Other certificates: new connections; those in use end with their request.
    const now = route.tls.version();
    if (now !== version) {
      for (const pool of pools.values()) {
        ending.add(pool);
        void pool.close("gracefully").then(() => ending.delete(pool));
      }
      pools.clear();
      version = now;
    }
    const name = proxy === undefined ? url.origin : `${proxy.shown} ${proxy.authorization}`;
    let pool = pools.get(name);
    if (pool === undefined) {
      const origin = new URL(url.origin);
      pool = new Pool(
        (signal) => (proxy === undefined ? connectTo(route, origin, signal) : connectToProxy(route, proxy, signal)),
        options.connections,
      );
      pools.set(name, pool);
    }
    return pool;
  };

  async function attempt(r: HttpRequest): Promise<Attempt> {
    const exchange = new Exchange(r);
    try {
      const url = urlOf(r.url);
      const proxy = url.protocol === "http:" ? route.proxy(url) : undefined;
      const refusal = proxy && route.connectPolicy(bare(url.hostname), portOf(url), undefined);
      if (refusal !== undefined) throw new ConnectFailure("OUTFLOW_FORBIDDEN", refusal);
      const headers: Record<string, string> = { ...r.headers, ...options.headers?.() };
      if (options.inflateMaxBytes !== undefined) headers["accept-encoding"] = "gzip";
      if (proxy?.authorization !== undefined) headers["proxy-authorization"] = proxy.authorization;
      const path = url.pathname + url.search;
      poolOf(url, proxy).ask({
        exchange,
        method: r.method,
        target: proxy === undefined ? path : url.origin + path,
        host: url.host,
        headers,
        body: typeof r.body === "string" ? Buffer.from(r.body, "utf8") : r.body,
      });
      const head = await exchange.head;
      if (proxy !== undefined && head.status === 407)
        throw new ConnectFailure(
          "OUTFLOW_PROXY",
          `The proxy ${proxy.shown} asks for other credentials (407); correct them in the proxy's address.`,
        );
      return { ok: true, answer: answerOf(head, exchange, options.inflateMaxBytes) };
    } catch (error) {
      const failure = exchange.failure() ?? failureOf(error);
      const idleClose = error instanceof Closed && error.whileIdle && exchange.tookMs < IDLE_CLOSE_WITHIN_MS;
      exchange.close();
      return { ok: false, failure, idleClose };
    }
  }

  return {
    async request(r) {
      const first = await attempt(r);
      if (first.ok || !first.idleClose) return first;
      // A connection that the server closed while it was idle is no failed attempt: nothing of the request was answered.
      return attempt(r);
    },
    async close(how) {
      await Promise.all([...pools.values(), ...ending].map((pool) => pool.close(how)));
    },
  };
}

const noFiles = {
  info: () => undefined,
  list: () => undefined,
  real: (path: string) => path,
  read: () => new Uint8Array(),
};

type Attempt = { ok: true; answer: HttpAnswer } | { ok: false; failure: HttpFailure; idleClose: boolean };

/** A reused connection that was already closed fails at once. */
const IDLE_CLOSE_WITHIN_MS = 50;

let parsed: { text: string; url: URL } | undefined;

/** A client asks the same few addresses again and again. */
function urlOf(text: string): URL {
  if (parsed?.text !== text) parsed = { text, url: new URL(text) };
  return parsed.url;
}

function answerOf({ status, headers }: Head, exchange: Exchange, inflateMaxBytes: number | undefined): HttpAnswer {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    const coding = (headers["content-encoding"] ?? "identity").toLowerCase();
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
    headers,
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
