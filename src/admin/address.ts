// --listen in, host and port out, or a problem. Pure.
export type Address = { ok: true; host: string; port: number; loopback: boolean } | { ok: false; message: string };

export function parseAddress(listen: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]*)):(\d{1,5})$/.exec(listen);
  if (match === null || Number(match[3]) > 65_535)
    return { ok: false, message: `--listen ${listen}: must be HOST:PORT, for example 127.0.0.1:9469, or off.` };
  const host = match[1] ?? match[2] ?? "";
  return { ok: true, host: host === "" ? "::" : host, port: Number(match[3]), loopback: isLoopback(host) };
}

/** `host:port`, an IPv6 address in brackets. */
export const addressText = (host: string, port: number): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;

const isLoopback = (host: string): boolean =>
  host === "localhost" || /^127(\.\d{1,3}){3}$/.test(host) || host === "::1";
