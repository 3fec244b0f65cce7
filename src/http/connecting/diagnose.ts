// What a failed connection itself does not tell: which certificate a server shows, and what the name of its host resolves to. An address
// in, one or two plain sentences out, not yet passed through printable(). Takes the route that requests take (proxy, connect policy, server
// name, client certificate), and sends no request. Never throws.
import { isIP } from "node:net";
import { TLSSocket } from "node:tls";
import type { Evidence } from "../http.ts";
import { connectTo, type Route } from "./connect.ts";
import { systemResolve } from "./dial.ts";
import { bare, portOf } from "./proxy.ts";

const WITHIN_MS = 5_000;
const MOST_ADDRESSES = 5;

export async function look(route: Route, url: URL, what: Evidence): Promise<string> {
  try {
    return what === "name"
      ? await nameOf(route, url)
      : url.protocol === "https:"
        ? await certificateOf(route, url)
        : "";
  } catch {
    return "";
  }
}

async function nameOf(route: Route, url: URL): Promise<string> {
  const host = bare(url.hostname);
  if (isIP(host) !== 0) return "";
  const proxy = route.proxy(url);
  if (proxy !== undefined) return `${host} is resolved by the proxy ${proxy.shown}, not by this host.`;
  let addresses: string[];
  try {
    addresses = await (route.resolve ?? systemResolve)(host);
  } catch (error) {
    return `${host} does not resolve (${(error as { code?: string }).code ?? "unknown reason"}).`;
  }
  const allowed = addresses.filter((address) => route.connectPolicy(host, portOf(url), address) === undefined);
  const others = addresses.length - allowed.length;
  const refused =
    others === 0 ? "" : `${allowed.length === 0 ? "" : ", and "}${others} that outflow may not connect to`;
  return `${host} resolves to ${allowed.slice(0, MOST_ADDRESSES).join(", ")}${refused}.`;
}

async function certificateOf(route: Route, url: URL): Promise<string> {
  const asIs = { ...route, tls: { ...route.tls, insecure: true }, connectMs: Math.min(route.connectMs, WITHIN_MS) };
  const socket = await connectTo(asIs, url, AbortSignal.timeout(WITHIN_MS));
  socket.on("error", () => {});
  const { subject, issuer, valid_from, valid_to, subjectaltname } =
    socket instanceof TLSSocket ? socket.getPeerCertificate() : {};
  socket.destroy();
  if (subject === undefined || valid_from === undefined || valid_to === undefined) return "";
  const names =
    subjectaltname === undefined ? "" : `, for ${subjectaltname.replaceAll("DNS:", "").replaceAll("IP Address:", "")}`;
  return `The server shows the certificate of ${distinguished(subject)}${names}, issued by ${distinguished(issuer)}, valid from ${day(valid_from)} to ${day(valid_to)}.`;
}

const distinguished = (name: object | undefined): string =>
  Object.entries(name ?? {})
    .filter(([key]) => key === "CN" || key === "O")
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(", ") || "nobody";

/** `Feb  1 00:00:00 2025 GMT` as 2025-02-01. */
function day(text: string): string {
  const at = Date.parse(text);
  return Number.isNaN(at) ? text : new Date(at).toISOString().slice(0, 10);
}
