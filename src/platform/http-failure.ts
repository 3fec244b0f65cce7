// From the runtime's errors to the kinds of HttpFailure: the one place that knows error codes.
import type { HttpFailure, HttpFailureKind } from "./http.ts";

const KINDS: Record<string, HttpFailureKind> = {
  ECONNREFUSED: "refused",
  ENOTFOUND: "dns",
  EAI_AGAIN: "dns",
  EAI_NODATA: "dns",
  ENETUNREACH: "unreachable",
  EHOSTUNREACH: "unreachable",
  ENETDOWN: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  ECONNRESET: "reset",
  EPIPE: "reset",
  UND_ERR_SOCKET: "reset",
  UND_ERR_CLOSED: "aborted",
  UND_ERR_DESTROYED: "aborted",
  UND_ERR_ABORTED: "aborted",
  ETIMEDOUT: "timeout",
  UND_ERR_CONNECT_TIMEOUT: "timeout",
  UND_ERR_HEADERS_TIMEOUT: "timeout",
  UND_ERR_BODY_TIMEOUT: "timeout",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "protocol",
  UND_ERR_HEADERS_OVERFLOW: "protocol",
  EPROTO: "tls",
  DEPTH_ZERO_SELF_SIGNED_CERT: "tls",
  SELF_SIGNED_CERT_IN_CHAIN: "tls",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "tls",
  UNABLE_TO_GET_ISSUER_CERT: "tls",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "tls",
};

/** Walks causes and aggregates down to the first error with a code that says something. */
export function failureOf(error: unknown): HttpFailure {
  const errors: (Error & { code?: string })[] = [];
  collect(error, errors);
  for (const e of errors) {
    const kind = kindOf(e);
    if (kind !== undefined) return { kind, code: e.code ?? e.name, message: e.message };
  }
  const first = errors[0];
  return { kind: "reset", code: first?.code ?? first?.name ?? "UNKNOWN", message: first?.message ?? String(error) };
}

function kindOf(e: Error & { code?: string }): HttpFailureKind | undefined {
  const code = e.code ?? "";
  if (e.name === "HTTPParserError" || code.startsWith("HPE_")) return "protocol";
  if (/^(CERT_|ERR_TLS_|ERR_SSL_|SSL_|CRL_)/.test(code)) return "tls";
  if (code === "UND_ERR_SOCKET" && /TLS|certificate|SSL/i.test(e.message)) return "tls";
  if (code === "UND_ERR_SOCKET" && e.message === "bad response") return "protocol"; // informational answers for ever
  return KINDS[code];
}

function collect(error: unknown, into: (Error & { code?: string })[]): void {
  if (!(error instanceof Error) || into.includes(error)) return;
  // What is inside says more than what wraps it.
  collect(error.cause, into);
  if (error instanceof AggregateError) for (const inner of error.errors) collect(inner, into);
  into.push(error);
}
