// The network as a port; its contract is README.md. Failures are values, judged by the callers in exhaustive switches; redirects are not
// followed.

/** What is looked at more closely: the certificate that a server shows, or what the name of its host resolves to. */
export type Evidence = "certificate" | "name";

export type HttpTimeouts = {
  /** From the end of the request (its last byte is handed to the system) to the head of the response, ms. */
  firstByteMs: number;
  /** Between two pieces of the body, ms. */
  idleMs: number;
  /** The whole exchange, ms, with the wait for a connection; absent: unlimited. */
  totalMs?: number;
};

export type HttpRequest = {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  url: string;
  /** Frozen ones are written into a head once. */
  headers: Readonly<Record<string, string>>;
  body?: Uint8Array | string;
  timeouts: HttpTimeouts;
  signal?: AbortSignal;
};

export type HttpAnswer = {
  status: number;
  /** Lower-case names; repeated headers joined with ", ". */
  headers: Readonly<Record<string, string>>;
  /** Pieces as they come. Throws HttpBroken when the body breaks off. Leaving the loop early closes the connection. */
  body: AsyncIterable<Uint8Array>;
  /**
   * The same without a turn between the pieces: each goes to `take` as it comes, and is void when that returns, since its memory is given
   * back. False: the response is of no more use, and its connection is closed. Throws as `body` does. Absent in fakes: eachPiece().
   */
  each?(take: (piece: Uint8Array) => boolean): Promise<void>;
  /** Reads at most `limit` bytes as text, inflated if it is gzip, then drops the rest. Never throws: a broken body gives what came. */
  text(limit: number): Promise<string>;
  /** After text(): there was more, or the body broke off. */
  readonly cut: boolean;
  /** Drops the body (drains a short one so that the connection can be used again). */
  discard(): Promise<void>;
};

export type HttpFailureKind =
  | "refused" // connection refused
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
  /** The error it was made of, if there was one. */
  cause?: unknown;
};

/** Thrown by the body iterator only. */
export class HttpBroken extends Error {
  readonly failure: HttpFailure;
  constructor(failure: HttpFailure) {
    super(failure.message, { cause: failure.cause });
    this.failure = failure;
  }
}

export type HttpClient = {
  /**
   * `resent`: the request went out twice. The first time, a connection that had been used before ended without a byte of a response: the
   * server may have processed the request, or not (README.md, "Sent again").
   */
  request(
    request: HttpRequest,
  ): Promise<({ ok: true; answer: HttpAnswer } | { ok: false; failure: HttpFailure }) & { resent?: boolean }>;
  /** What a connection that failed does not tell, over the same route: absent in fakes. */
  look?(url: string, what: Evidence): Promise<string>;
  /** Covers the secrets that this client adds to its requests in what a server says; absent: it adds none. */
  cover?: (text: string) => string;
  /** Breaks off what is in flight; `gracefully`: lets it end first. */
  close(how?: "gracefully"): Promise<void>;
};

/** Hands the pieces of a body to `take`, until it says false; none is valid longer than that. Throws HttpBroken when the body breaks off. */
export async function eachPiece(answer: HttpAnswer, take: (piece: Uint8Array) => boolean): Promise<void> {
  if (answer.each !== undefined) return answer.each(take);
  for await (const piece of answer.body) if (!take(piece)) return;
}
