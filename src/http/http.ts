// The network as a port. Failures are values, judged by the callers in exhaustive switches; nothing here retries or follows redirects.

export type HttpTimeouts = {
  /** TCP and TLS handshake, ms. */
  connectMs: number;
  /** From the request's end to the first byte of the answer, ms. */
  firstByteMs: number;
  /** Between two pieces of the body, ms. */
  idleMs: number;
  /** The whole exchange, ms; absent: unlimited. */
  totalMs?: number;
};

export type HttpRequest = {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  url: string;
  headers: Record<string, string>;
  body?: Uint8Array | string;
  timeouts: HttpTimeouts;
  signal?: AbortSignal;
};

export type HttpAnswer = {
  status: number;
  /** Lower-case names; repeated headers joined with ", ". */
  headers: Record<string, string>;
  /** Pieces as they come. Throws HttpBroken when the body breaks off. Leaving the loop early closes the connection. */
  body: AsyncIterable<Uint8Array>;
  /** Reads at most `limit` bytes as text, then lets go of the rest. Never throws: a broken body gives what came. */
  text(limit: number): Promise<string>;
  /** Lets go of the body (drains a short one so that the connection can be used again). */
  discard(): Promise<void>;
};

export type HttpFailureKind =
  | "refused" // nobody listens
  | "unreachable" // no route, network down
  | "dns" // the name does not resolve
  | "tls" // handshake or certificate
  | "timeout" // connect, first byte, idle or total
  | "reset" // closed or reset in the middle
  | "protocol" // not HTTP
  | "forbidden" // an address the operator does not allow
  | "proxy" // the proxy cannot be reached, or does not let us through
  | "aborted"; // our own signal

export type HttpFailure = {
  kind: HttpFailureKind;
  /** The runtime's error code, e.g. ECONNREFUSED, NOT_HTTP, CERT_HAS_EXPIRED. */
  code: string;
  /** One plain sentence without secrets; not yet passed through printable(). */
  message: string;
};

/** Thrown by the body iterator only. */
export class HttpBroken extends Error {
  readonly failure: HttpFailure;
  constructor(failure: HttpFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

export type HttpClient = {
  request(request: HttpRequest): Promise<{ ok: true; answer: HttpAnswer } | { ok: false; failure: HttpFailure }>;
  /** Covers the secrets that this client adds to its requests in what a server says; absent: it adds none. */
  cover?: (text: string) => string;
  /** Breaks off what is in flight; `gracefully`: lets it end first. */
  close(how?: "gracefully"): Promise<void>;
};
