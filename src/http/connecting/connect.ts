// From an origin to a socket for HTTP: TCP (or a tunnel through a proxy), then TLS.
import type { Socket } from "node:net";
import tls from "node:tls";
import { withAny } from "../../platform/signals.ts";
import type { ConnectPolicy } from "./connect-policy.ts";
import { ConnectFailure, dial, HandshakeFailure, type Resolve } from "./dial.ts";
import { bare, type HttpProxy, type ProxyRules, portOf } from "./proxy.ts";
import type { Tls } from "./tls.ts";

export type Route = {
  tls: Tls;
  proxy: ProxyRules;
  connectPolicy: ConnectPolicy;
  resolve?: Resolve | undefined;
  /** TCP, proxy and TLS together, ms. */
  connectMs: number;
};

const LONGEST_HEAD = 8192;

/** To the origin itself: TCP, or a tunnel, then TLS. */
export const connectTo = (route: Route, url: URL, signal: AbortSignal): Promise<Socket> =>
  bounded(route, signal, (within) => connect(route, url, within));

/** To a proxy that plain http requests are written to. */
export const connectToProxy = (route: Route, proxy: HttpProxy, signal: AbortSignal): Promise<Socket> =>
  bounded(route, signal, (within) => toProxy(route, proxy, within));

/** Within the route's `connectMs`. */
export async function bounded(
  route: Route,
  signal: AbortSignal,
  connect: (within: AbortSignal) => Promise<Socket>,
): Promise<Socket> {
  const limit = new AbortController();
  const late = Object.assign(new Error(`no connection within ${route.connectMs} ms`), { code: "ETIMEDOUT" });
  const timer = setTimeout(() => limit.abort(late), route.connectMs);
  try {
    return await withAny([signal, limit.signal], connect);
  } finally {
    clearTimeout(timer);
  }
}

async function connect(route: Route, url: URL, signal: AbortSignal): Promise<Socket> {
  const host = bare(url.hostname);
  // Plain http through a proxy never comes here: its requests are addressed to the proxy itself.
  const proxy = url.protocol === "https:" ? route.proxy(url) : undefined;
  const socket =
    proxy === undefined
      ? await dial(host, portOf(url), route.connectPolicy, signal, route.resolve)
      : await tunnel(await toProxy(route, proxy, signal), proxy, url, route.connectPolicy, signal);
  if (url.protocol !== "https:") return socket;
  return secure(socket, route.tls, host, signal);
}

/** The proxy is the operator's: `connectPolicy` is about what is asked of it. */
async function toProxy(route: Route, proxy: HttpProxy, signal: AbortSignal): Promise<Socket> {
  try {
    const socket = await dial(proxy.host, proxy.port, () => undefined, signal, route.resolve);
    return proxy.tls ? await secure(socket, { ...route.tls, serverName: undefined }, proxy.host, signal) : socket;
  } catch (error) {
    if (signal.aborted) throw error;
    const { code, message } = error as { code?: string; message: string };
    throw new ConnectFailure(
      "OUTFLOW_PROXY",
      `The proxy ${proxy.shown} cannot be reached (${code ?? message}).`,
      error,
    );
  }
}

function secure(socket: Socket, trust: Tls, host: string, signal: AbortSignal): Promise<Socket> {
  return settled(socket, signal, (done, fail) => {
    const name = trust.serverName ?? host;
    const secured = tls.connect({
      socket,
      host: name,
      // SNI takes names, not addresses.
      servername: /^[\d.]+$|:/.test(name) ? "" : name,
      secureContext: trust.context(),
      rejectUnauthorized: !trust.insecure,
      ALPNProtocols: ["http/1.1"],
    });
    const onClose = () => fail(Object.assign(new Error("closed in the TLS handshake"), { code: "ECONNRESET" }));
    // TLS 1.3 learns after the handshake that its certificate is missing: the alert says more than the end that follows it.
    let secure = false;
    secured.on("error", (error: Error & { code?: string }) => {
      fail(secure || /^E[A-Z]+$/.test(error.code ?? "") ? error : new HandshakeFailure(error));
      secured.destroy();
    });
    secured.once("close", onClose);
    secured.once("secureConnect", () => {
      secured.off("close", onClose);
      secure = true;
      // An alert in the same packet comes before anybody listens.
      setImmediate(() => done(secured));
    });
  });
}

/** CONNECT, and the proxy's answer to it. */
function tunnel(
  socket: Socket,
  proxy: HttpProxy,
  url: URL,
  connectPolicy: ConnectPolicy,
  signal: AbortSignal,
): Promise<Socket> {
  const target = `${url.hostname}:${portOf(url)}`;
  const refusal = connectPolicy(bare(url.hostname), portOf(url), undefined);
  if (refusal !== undefined) {
    socket.destroy();
    return Promise.reject(new ConnectFailure("OUTFLOW_FORBIDDEN", refusal));
  }
  return settled(socket, signal, (done, fail) => {
    let head = "";
    const refuse = (what: string, cause?: unknown) =>
      fail(
        new ConnectFailure(
          "OUTFLOW_PROXY",
          `The proxy ${proxy.shown} does not open a tunnel to ${target}: ${what}`,
          cause,
        ),
      );
    const onError = (error: { code?: string }) => refuse(`${error.code ?? "the connection broke"}.`, error);
    const onClose = () => refuse("it closed the connection.");
    socket.once("error", onError);
    socket.once("close", onClose);
    const onData = (piece: Uint8Array) => {
      head += new TextDecoder("latin1").decode(piece);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0 && head.length < LONGEST_HEAD) return;
      socket.off("data", onData);
      const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1]);
      if (status === 407)
        return refuse("it rejects its credentials (407); correct user name and password in the proxy's address.");
      if (Number.isNaN(status)) return refuse("it did not answer with HTTP.");
      if (status < 200 || status > 299) return refuse(`it answered ${status}.`);
      socket.off("error", onError);
      socket.off("close", onClose);
      socket.pause();
      done(socket);
    };
    socket.on("data", onData);
    const auth = proxy.authorization === undefined ? "" : `Proxy-Authorization: ${proxy.authorization}\r\n`;
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${auth}\r\n`);
  });
}

/** A step on the route: ends once, and a failed or aborted one destroys the socket and leaves no listener. */
function settled(
  socket: Socket,
  signal: AbortSignal,
  step: (done: (socket: Socket) => void, fail: (error: unknown) => void) => void,
): Promise<Socket> {
  return new Promise<Socket>((resolve, reject) => {
    const onAbort = () => fail(signal.reason);
    const fail = (error: unknown) => {
      signal.removeEventListener("abort", onAbort);
      reject(error);
      socket.on("error", () => {}); // errors while it closes are expected
      socket.destroy();
    };
    if (signal.aborted) return fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    step((made) => {
      signal.removeEventListener("abort", onAbort);
      resolve(made);
    }, fail);
  });
}
