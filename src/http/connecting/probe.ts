// A connection step by step, for a diagnosis: what the name resolves to, TCP, TLS with the certificate that the server shows. Takes the
// route that requests take (proxy, connect policy, trust, client certificate), and sends no request. Never throws.
import { isIP, type Socket } from "node:net";
import { type DetailedPeerCertificate, TLSSocket } from "node:tls";
import { failureOf } from "../failure.ts";
import type { HttpFailure } from "../http.ts";
import { bounded, connectTo, type Route } from "./connect.ts";
import { dial, systemResolve } from "./dial.ts";
import { bare, portOf } from "./proxy.ts";

export type Certificate = {
  subject: string;
  issuer: string;
  /** DNS names and addresses that it is valid for. */
  names: string[];
  /** ms since the epoch. */
  from: number;
  to: number;
  /** Subjects from the server's own certificate up to the last one that it sends, or that is known here. */
  chain: string[];
};

export type Probed = {
  /** The proxy that the connection goes through; names are resolved and TCP is opened to it. */
  proxy?: string;
  /** What the name resolves to; absent where the host is an address. */
  addresses?: string[];
  /** Duration of the TCP connect, ms. */
  tcpMs?: number;
  /** Of https, after a handshake that succeeded. */
  tls?: { protocol: string; certificate: Certificate | undefined };
  /** The step that failed; later ones were not tried. `certificate`: what the server shows, where TLS failed. */
  failed?: { step: "dns" | "tcp" | "tls"; failure: HttpFailure; certificate?: Certificate | undefined };
};

export async function probe(route: Route, url: URL): Promise<Probed> {
  const proxy = route.proxy(url);
  const { host, port } = proxy ?? { host: bare(url.hostname), port: portOf(url) };
  const probed: Probed = proxy === undefined ? {} : { proxy: proxy.shown };
  const failed = (step: NonNullable<Probed["failed"]>["step"], failure: HttpFailure) => ({
    ...probed,
    failed: { step, failure },
  });
  if (isIP(host) === 0) {
    try {
      probed.addresses = await (route.resolve ?? systemResolve)(host);
    } catch (error) {
      return failed("dns", { ...failureOf(error), kind: "dns" });
    }
  }
  const startedMs = performance.now();
  try {
    const { addresses } = probed;
    const allowed = proxy === undefined ? route.connectPolicy : () => undefined;
    const resolve = addresses && (async () => addresses);
    const socket = await bounded(route, NEVER, (within) => dial(host, port, allowed, within, resolve));
    closed(socket);
    probed.tcpMs = performance.now() - startedMs;
  } catch (error) {
    return failed("tcp", failureOf(error));
  }
  if (url.protocol !== "https:") return probed;
  try {
    const socket = await connectTo(route, url, NEVER);
    const protocol = socket instanceof TLSSocket ? (socket.getProtocol() ?? "TLS") : "TLS";
    return { ...probed, tls: { protocol, certificate: certificateOf(socket) } };
  } catch (error) {
    const failure = failureOf(error, route.tls);
    const certificate = failure.kind === "tls" ? await shown(route, url) : undefined;
    return { ...probed, failed: { step: "tls", failure, certificate } };
  }
}

const NEVER = new AbortController().signal;

/** The certificate that is shown, whether it is trusted or not. */
async function shown(route: Route, url: URL): Promise<Certificate | undefined> {
  try {
    return certificateOf(await connectTo({ ...route, tls: { ...route.tls, insecure: true } }, url, NEVER));
  } catch {
    return undefined;
  }
}

function closed(socket: Socket): void {
  socket.on("error", () => {});
  socket.destroy();
}

/** Closes the socket. */
function certificateOf(socket: Socket): Certificate | undefined {
  const peer = socket instanceof TLSSocket ? socket.getPeerCertificate(true) : undefined;
  closed(socket);
  if (peer?.valid_to === undefined) return undefined;
  return {
    subject: distinguished(peer.subject),
    issuer: distinguished(peer.issuer),
    names: (peer.subjectaltname ?? "").split(/, */).flatMap((name) => name.replace(/^(DNS|IP Address):/, "") || []),
    from: Date.parse(peer.valid_from),
    to: Date.parse(peer.valid_to),
    chain: chainOf(peer),
  };
}

const LONGEST_CHAIN = 10;

function chainOf(peer: DetailedPeerCertificate): string[] {
  const chain: string[] = [];
  const seen = new Set<string>();
  for (
    let one: DetailedPeerCertificate | undefined = peer;
    one?.fingerprint256 !== undefined && !seen.has(one.fingerprint256) && chain.length < LONGEST_CHAIN;
    one = one.issuerCertificate
  ) {
    seen.add(one.fingerprint256);
    chain.push(distinguished(one.subject));
  }
  return chain;
}

const distinguished = (name: object | undefined): string =>
  Object.entries(name ?? {})
    .filter(([key]) => key === "CN" || key === "O")
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(", ") || "no name";
