// Which proxy a request goes through: --proxy, else HTTPS_PROXY or HTTP_PROXY by the target's scheme; NO_PROXY decides for all of
// them, loopback included, as it does for curl. Pure; the environment is an argument.
import { Buffer } from "node:buffer";
import { isIP } from "node:net";
import { type HostPattern, matchesAddress, matchesName, parseHostPattern } from "./host-pattern.ts";

export type HttpProxy = {
  host: string;
  port: number;
  /** TLS to the proxy itself. */
  tls: boolean;
  /** Proxy-Authorization; never shown. */
  authorization: string | undefined;
  /** `http://proxy:3128`, for people. */
  shown: string;
};

export type ProxyRules = (url: URL) => HttpProxy | undefined;

type Environment = Readonly<Record<string, string | undefined>>;

/** `problem`: what is wrong, without the text itself, which may hold a password. */
export function proxyRules(flag: string | undefined, env: Environment): { rules: ProxyRules } | { problem: string } {
  if (flag === "off") return { rules: () => undefined };
  const variable = (name: string) => env[name.toLowerCase()] || env[name] || undefined;
  const parsed = new Map<string, HttpProxy | undefined>();
  for (const [scheme, name] of [
    ["http:", "HTTP_PROXY"],
    ["https:", "HTTPS_PROXY"],
  ] as const) {
    const text = flag ?? variable(name);
    if (text === undefined) continue;
    const proxy = parseProxy(text);
    if (typeof proxy === "string") return { problem: flag === undefined ? `${name}: ${proxy}` : proxy };
    parsed.set(scheme, proxy);
  }
  const direct = directRules(variable("NO_PROXY") ?? "");
  return { rules: (url) => (direct(url) ? undefined : parsed.get(url.protocol)) };
}

export function parseProxy(text: string): HttpProxy | string {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const example = "write for example http://proxy.example.com:3128";
  if (!URL.canParse(full)) return `not a valid proxy URL; ${example}`;
  const url = new URL(full);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return `${url.protocol.slice(0, -1)} proxies are not supported, only http and https; ${example}`;
  if (url.hostname === "" || text.endsWith(":") || !/^\/?$/.test(url.pathname) || url.search !== "" || url.hash !== "")
    return `not a valid proxy URL; ${example}`;
  const user = decode(url.username);
  const password = decode(url.password);
  if (user === undefined || password === undefined) return "its user name or password is not correctly percent-encoded";
  const host = bare(url.hostname);
  const tls = url.protocol === "https:";
  return {
    host,
    port: url.port === "" ? (tls ? 443 : 80) : Number(url.port),
    tls,
    authorization:
      user === "" && password === ""
        ? undefined
        : `Basic ${Buffer.from(`${user}:${password}`, "utf8").toString("base64")}`,
    shown: url.origin,
  };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** What NO_PROXY says: `*`, names (all below them too), addresses, CIDR, each with a port or without. What cannot be read matches nothing. */
function directRules(text: string): (url: URL) => boolean {
  const items = text.split(/[\s,]+/).filter((item) => item !== "");
  if (items.includes("*")) return () => true;
  const patterns = items.flatMap((item): HostPattern[] => {
    const pattern = parseHostPattern(item);
    if (pattern === undefined) return [];
    const { name } = pattern;
    // Here `example.com` and `.example.com` mean the name itself and all below it.
    return name === undefined
      ? [pattern]
      : [
          { ...pattern, name: { text: name.text, suffix: true } },
          { ...pattern, name: { text: name.text, suffix: false } },
        ];
  });
  return (url) => {
    const host = bare(url.hostname);
    const port = portOf(url);
    return patterns.some((p) => (isIP(host) === 0 ? matchesName(p, host, port) : matchesAddress(p, host, port)));
  };
}

/** A URL's host without the brackets of IPv6. */
export const bare = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, "$1");
export const portOf = (url: URL): number =>
  url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
