// From the runtime's errors to the kinds of HttpFailure: the one place that knows error codes.

import { ConnectFailure } from "./dial.ts";
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
  CLOSED: "reset",
  ABORTED: "aborted",
  ETIMEDOUT: "timeout",
  NOT_HTTP: "protocol",
  EPROTO: "tls",
  DEPTH_ZERO_SELF_SIGNED_CERT: "tls",
  SELF_SIGNED_CERT_IN_CHAIN: "tls",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "tls",
  UNABLE_TO_GET_ISSUER_CERT: "tls",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "tls",
};

/** Walks causes and aggregates down to the first error with a code that says something. */
export function failureOf(error: unknown): HttpFailure {
  // Our own say all there is to say, whatever they wrap.
  if (error instanceof ConnectFailure)
    return {
      kind: error.code === "OUTFLOW_PROXY" ? "proxy" : "forbidden",
      code: error.code,
      message: error.message,
    };
  const errors: (Error & { code?: string })[] = [];
  collect(error, errors);
  for (const e of errors) {
    const kind = kindOf(e);
    if (kind !== undefined)
      return { kind, code: e.code ?? e.name, message: (kind === "tls" && plainTls(e.code ?? "")) || e.message };
  }
  const first = errors[0];
  return { kind: "reset", code: first?.code ?? first?.name ?? "UNKNOWN", message: first?.message ?? String(error) };
}

function kindOf(e: Error & { code?: string }): HttpFailureKind | undefined {
  const code = e.code ?? "";
  if (/^(CERT_|ERR_TLS_|ERR_SSL_|SSL_|CRL_)/.test(code)) return "tls";
  return KINDS[code];
}

function collect(error: unknown, into: (Error & { code?: string })[]): void {
  if (!(error instanceof Error) || into.includes(error)) return;
  // What is inside says more than what wraps it.
  collect(error.cause, into);
  if (error instanceof AggregateError) for (const inner of error.errors) collect(inner, into);
  into.push(error);
}

/** What the library's words mean for the one who has to mend it. */
function plainTls(code: string): string | undefined {
  if (/WRONG_VERSION_NUMBER|HTTP_REQUEST/.test(code))
    return "the other side does not speak TLS: is it a plain http port?";
  if (/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|NO_PROTOCOLS/.test(code))
    return "the server offers no TLS 1.2 or newer: older versions are not spoken.";
  if (/CERTIFICATE_REQUIRED|ALERT_HANDSHAKE_FAILURE/.test(code))
    return "the server broke the handshake off: it may ask for a client certificate, or share no cipher.";
  if (code === "CERT_HAS_EXPIRED") return "the server's certificate has expired.";
  if (/SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(code))
    return "the server's certificate is signed by nobody who is trusted here: give its CA in a file.";
  return undefined;
}
