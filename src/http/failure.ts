// From the runtime's errors to the kinds of HttpFailure: the one place that knows error codes.

import { ConnectFailure, HandshakeFailure } from "./connecting/dial.ts";
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

/** Walks causes and aggregates down to the first error with a code that says something; the error itself is kept as the cause. */
export function failureOf(error: unknown, tls: { hasCertificate: boolean } = { hasCertificate: false }): HttpFailure {
  // Our own say all there is to say, whatever they wrap.
  if (error instanceof ConnectFailure)
    return {
      kind: error.code === "OUTFLOW_PROXY" ? "proxy" : "forbidden",
      code: error.code,
      message: error.message,
      cause: error,
    };
  const errors: (Error & { code?: string })[] = [];
  collect(error, errors);
  const known = errors.find((e) => kindOf(e) !== undefined);
  const first = known ?? errors[0];
  const kind = (known && kindOf(known)) ?? "reset";
  const message = first?.message ?? String(error);
  const code = codeOf(first, message);
  return {
    kind,
    code,
    message:
      kind === "tls"
        ? plainTls(code, message, tls.hasCertificate)
        : error instanceof AggregateError
          ? error.message
          : message,
    cause: error,
  };
}

/** The TLS library has no code for some faults, but words: `permitted subtree violation`. */
function codeOf(error: (Error & { code?: string }) | undefined, message: string): string {
  const code = error?.code ?? error?.name ?? "UNKNOWN";
  return code === "UNSPECIFIED" && /^[a-z ]{1,60}$/i.test(message) ? message.toUpperCase().replaceAll(" ", "_") : code;
}

function kindOf(e: Error & { code?: string }): HttpFailureKind | undefined {
  const code = e.code ?? "";
  if (e instanceof HandshakeFailure || /^(CERT_|ERR_TLS_|ERR_SSL_|SSL_|CRL_)/.test(code)) return "tls";
  return KINDS[code];
}

function collect(error: unknown, into: (Error & { code?: string })[]): void {
  if (!(error instanceof Error) || into.includes(error)) return;
  // What is inside says more than what wraps it.
  collect(error.cause, into);
  if (error instanceof AggregateError) for (const inner of error.errors) collect(inner, into);
  into.push(error);
}

/** Alerts that a server sends about the certificate of its client: OpenSSL's names, and Go's. */
const ABOUT_OURS =
  /ALERT_(BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_REQUIRED|CERTIFICATE_EXPIRED|CERTIFICATE_REVOKED|CERTIFICATE_UNKNOWN|UNSUPPORTED_CERTIFICATE|NO_CERTIFICATE|ACCESS_DENIED)|CERTIFICATE_REQUIRED/;

/** What a code of the TLS library means, with what to do. Its own words where we know none. */
function plainTls(code: string, message: string, hasCertificate: boolean): string {
  const said = `${code} ${message}`;
  const [, alert] = ABOUT_OURS.exec(said) ?? [];
  if (ABOUT_OURS.test(said))
    return hasCertificate
      ? `the server does not accept our client certificate${alert === undefined ? "" : ` (${alert.toLowerCase().replaceAll("_", " ")})`}: use one that is signed by an authority the server trusts, and that has not expired.`
      : "the server asks for a client certificate, and outflow has none to show: set --sink-cert and --sink-key (for the source: --source-cert and --source-key).";
  if (/WRONG_VERSION_NUMBER|HTTP_REQUEST/.test(code))
    return "the server did not answer with TLS: is it a plain http port?";
  if (/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|NO_PROTOCOLS/.test(code))
    return "the server offers no TLS 1.2 or newer; older versions are not supported.";
  if (/HANDSHAKE_FAILURE/.test(code))
    return "the server ended the handshake: it may ask for a client certificate, or share no cipher with outflow.";
  if (code === "CERT_HAS_EXPIRED") return "the server's certificate, or one of its issuers', has expired.";
  if (code === "CERT_NOT_YET_VALID")
    return "the server's certificate is not valid yet: compare the clocks of this host and the server.";
  if (/INVALID_PURPOSE|KEY_USAGE|INVALID_CA/.test(code))
    return "the server's certificate, or one of its issuers', is not meant for this purpose: a server's needs the extended key usage serverAuth, an issuer's CA:TRUE.";
  if (/PATH_LENGTH_EXCEEDED/.test(code))
    return "the chain of the server's certificate is longer than one of its issuers allows (path length constraint): an intermediate authority signed a certificate that it must not sign.";
  if (/PERMITTED_VIOLATION|EXCLUDED_VIOLATION|(permitted|excluded) subtree violation/.test(said))
    return "an issuer of the server's certificate may not sign for this host (name constraints): use a certificate of another authority.";
  if (/UNHANDLED_CRITICAL|unhandled critical/.test(said))
    return "the server's certificate has a critical extension that is not supported here: issue it without that extension.";
  if (/SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(code))
    return "the server's certificate is not signed by an authority that is trusted here: set its CA with --sink-ca (for the source: --source-ca).";
  return message;
}
