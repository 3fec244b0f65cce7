// Who may ask what: a request's headers in, allowed or why not out. Pure. Three dangers are kept out: a stranger on an address that
// others reach (bearer token), a web page whose name was pointed at this host (Host: DNS rebinding), a web page that sends requests
// with its visitor's browser (Origin, Sec-Fetch-Site).
import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import { sha256 } from "../platform/hash.ts";

export type Access = {
  /** Every request but probes must carry it. */
  token: string | undefined;
  /** Names of this host that a Host header may carry, beside IP addresses and localhost. */
  names: readonly string[];
};

export type Asking = { host?: string | undefined; authorization?: string | undefined; fromPage: boolean };

export type Answer = { ok: true } | { ok: false; status: 401 | 403; message: string };

export function mayAsk(asking: Asking, access: Access): Answer {
  if (asking.fromPage) return { ok: false, status: 403, message: "requests from web pages are refused" };
  if (!isOurs(asking.host ?? "", access.names))
    return {
      ok: false,
      status: 403,
      message: "this Host is not served: use an IP address, localhost or this host's name",
    };
  if (access.token === undefined || carries(asking.authorization, access.token)) return { ok: true };
  return {
    ok: false,
    status: 401,
    message: "a bearer token is required: Authorization: Bearer <content of --admin-token-file>",
  };
}

/** A page elsewhere can point its own name at this host, but not an address. */
function isOurs(header: string, names: readonly string[]): boolean {
  const host = header.replace(/:\d+$/, "").toLowerCase();
  if (/^\[[0-9a-f:.]+\]$/.test(host) || /^\d{1,3}(\.\d{1,3}){3}$/.test(host)) return true;
  return host === "localhost" || names.some((name) => name.toLowerCase() === host);
}

/** Compared by digest: neither length nor first difference shows in the time it takes. */
function carries(header: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S+)$/i.exec(header ?? "")?.[1] ?? "";
  const digest = (text: string) => Buffer.from(sha256(text));
  return timingSafeEqual(digest(given), digest(token));
}
