// The HttpClient port (README.md is its contract): HTTP/1.1 over node:net and node:tls. Pooled connections, exact timeouts, no redirects,
// failures as values. Our own since it is the hot path (docs/performance.md).
import { Buffer } from "node:buffer";
import { Answer } from "./answer.ts";
import { connectTo, connectToProxy, type Route } from "./connecting/connect.ts";
import type { ConnectPolicy } from "./connecting/connect-policy.ts";
import { look } from "./connecting/diagnose.ts";
import { ConnectFailure, type Resolve } from "./connecting/dial.ts";
import { type Probed, probe } from "./connecting/probe.ts";
import { bare, type HttpProxy, type ProxyRules, portOf } from "./connecting/proxy.ts";
import { createTls, type Tls } from "./connecting/tls.ts";
import { Closed } from "./connection.ts";
import { Exchange } from "./exchange.ts";
import { failureOf } from "./failure.ts";
import type { HttpAnswer, HttpClient, HttpFailure, HttpRequest } from "./http.ts";
import { Pool } from "./pool.ts";

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

/** A client over real connections: what they show can be looked at, over the same route. */
export type RealHttpClient = HttpClient & Required<Pick<HttpClient, "look">> & { probe(url: string): Promise<Probed> };

export function createHttpClient(options: HttpClientOptions): RealHttpClient {
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

  let last: { text: string; url: URL; path: string; proxy: HttpProxy | undefined } | undefined;
  /** A client asks the same address again and again, and another client another one. */
  const addressOf = (text: string): NonNullable<typeof last> => {
    if (last?.text !== text) {
      const url = new URL(text);
      const proxy = url.protocol === "http:" ? route.proxy(url) : undefined;
      last = { text, url, path: url.pathname + url.search, proxy };
    }
    return last;
  };

  /** The caller's own object where nothing is added: its head is written once (wire.ts). */
  const headersOf = (r: HttpRequest, proxy: HttpProxy | undefined): Readonly<Record<string, string>> => {
    const authorization = proxy?.authorization;
    if (options.headers === undefined && options.inflateMaxBytes === undefined && authorization === undefined)
      return r.headers;
    return {
      ...r.headers,
      ...options.headers?.(),
      ...(options.inflateMaxBytes === undefined ? {} : { "accept-encoding": "gzip" }),
      ...(authorization === undefined ? {} : { "proxy-authorization": authorization }),
    };
  };

  /** `fresh`: over a connection that carried nothing before; `totalMs`: what is left of the time for the whole exchange. */
  async function attempt(r: HttpRequest, fresh: boolean, totalMs: number | undefined): Promise<Attempt> {
    const exchange = new Exchange(totalMs === undefined ? r : { ...r, timeouts: { ...r.timeouts, totalMs } });
    let pool: Pool | undefined;
    try {
      const { url, path, proxy } = addressOf(r.url);
      const refusal = proxy && route.connectPolicy(bare(url.hostname), portOf(url), undefined);
      if (refusal !== undefined) throw new ConnectFailure("OUTFLOW_FORBIDDEN", refusal);
      const headers = headersOf(r, proxy);
      pool = poolOf(url, proxy);
      const asked = {
        exchange,
        method: r.method,
        target: proxy === undefined ? path : url.origin + path,
        host: url.host,
        headers,
        body: typeof r.body === "string" ? Buffer.from(r.body, "utf8") : r.body,
      };
      if (fresh) pool.askFresh(asked);
      else pool.ask(asked);
      const head = await exchange.head;
      if (head.status >= 500) pool.dropIdle();
      if (proxy !== undefined && head.status === 407)
        throw new ConnectFailure(
          "OUTFLOW_PROXY",
          `The proxy ${proxy.shown} rejects its credentials (407); correct user name and password in the proxy's address.`,
        );
      const broken = (failure: HttpFailure) => isDead(failure) && pool?.dropIdle();
      return { ok: true, answer: new Answer(head, exchange, options.inflateMaxBytes, broken) };
    } catch (error) {
      const failure = exchange.failure() ?? failureOf(error, route.tls);
      const unanswered = error instanceof Closed && error.whileIdle;
      exchange.close();
      if (isDead(failure)) pool?.dropIdle();
      return { ok: false, failure, unanswered };
    }
  }

  return {
    async request(r) {
      const startedMs = performance.now();
      const first = await attempt(r, false, r.timeouts.totalMs);
      if (first.ok || !first.unanswered) return first;
      // The README says why this is not a retry, and why it is allowed: "Sent again".
      const { totalMs } = r.timeouts;
      const leftMs = totalMs === undefined ? undefined : totalMs - (performance.now() - startedMs);
      if (r.signal?.aborted || (leftMs !== undefined && leftMs <= 0)) return first;
      return { ...(await attempt(r, true, leftMs)), resent: true };
    },
    look: (url, what) => look(route, new URL(url), what),
    probe: (url) => probe(route, new URL(url)),
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

/** `unanswered`: a connection that had been used before ended without a byte of a response. */
type Attempt = { ok: true; answer: HttpAnswer } | { ok: false; failure: HttpFailure; unanswered: boolean };

/** The connections beside it were made at the same time, and are as likely to be dead. */
const isDead = ({ kind }: HttpFailure): boolean => kind === "timeout" || kind === "reset";
