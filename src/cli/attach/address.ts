// How a running agent is queried: its address, the token, and why there was no response.

import type { HttpAnswer, HttpClient, HttpFailure } from "../../http/http.ts";
import { printable } from "../../platform/printable.ts";

export type Agent = {
  /** Without a slash at the end. */
  url: string;
  token: string | undefined;
  http: HttpClient;
};

/** A response, or why there is none. */
export type Asked = { ok: true; answer: HttpAnswer } | { ok: false; why: string };

const TIMEOUTS = { firstByteMs: 10_000 };

export async function ask(
  { url, token, http }: Agent,
  method: "GET" | "POST",
  path: string,
  idleMs: number,
  signal?: AbortSignal,
): Promise<Asked> {
  const asked = await http.request({
    method,
    url: `${url}${path}`,
    headers: {
      accept: path.endsWith("/events") ? "text/event-stream" : "application/json, text/plain",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    timeouts: { ...TIMEOUTS, idleMs },
    ...(signal === undefined ? {} : { signal }),
  });
  return asked.ok ? asked : { ok: false, why: whyNot(asked.failure) };
}

export function whyNot({ kind, code, message }: HttpFailure): string {
  switch (kind) {
    case "refused":
      return `connection refused (${code}): is outflow running, and is this its --listen address?`;
    case "dns":
      return `the name does not resolve (${code})`;
    case "unreachable":
      return `no route to the host (${code})`;
    case "timeout":
      return "timed out";
    case "tls":
      return `TLS failed: ${printable(message, 200)}`;
    case "reset":
    case "aborted":
      return "the connection was closed";
    case "protocol":
      return "the server did not answer with HTTP";
    case "forbidden":
      return "this address is not allowed";
    case "proxy":
      return "the proxy refused the connection";
    default:
      return kind satisfies never;
  }
}

/** Why a response is not the one that was asked for. */
export async function refusal(answer: HttpAnswer): Promise<string> {
  const { status } = answer;
  const said = printable((await answer.text(2_000)).trim(), 300);
  if (status === 401) return "it requires a token: use --token-file";
  if (status === 404) return "not found: is it outflow, and the same version?";
  return `status ${status}${said === "" ? "" : `: ${said}`}`;
}
