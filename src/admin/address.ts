// --listen in, host and port out, or a problem. Pure.
import { isLoopback } from "../http/connecting/host-pattern.ts";
export type Address = { ok: true; host: string; port: number; loopback: boolean } | { ok: false; message: string };

export function parseAddress(listen: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]*)):(\d{1,5})$/.exec(listen);
  if (match === null || Number(match[3]) > 65_535)
    return { ok: false, message: `--listen ${listen}: must be HOST:PORT, for example 127.0.0.1:9469, or off.` };
  const host = match[1] ?? match[2] ?? "";
  return { ok: true, host: host === "" ? "::" : host, port: Number(match[3]), loopback: isLoopback(host) };
}

/** As parseAddress; what others may reach needs a token. */
export function usableAddress(listen: string, hasToken: boolean): Address {
  const address = parseAddress(listen);
  if (!address.ok || address.loopback || hasToken) return address;
  return {
    ok: false,
    message: `--listen ${listen}: others may reach this address, so it needs a token: name a file that holds one with --admin-token-file, or listen on 127.0.0.1:${address.port}.`,
  };
}

/** `host:port`, an IPv6 address in brackets. */
export const addressText = (host: string, port: number): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;
