// A response (or none) in, what to do out: the table of responses in docs/conformance.md, complete. Pure; the text of a response is
// shown, it decides nothing (remote-write rules 9 to 13).

import type { HttpFailure } from "../http/http.ts";
import type { EpochMs } from "../platform/clock.ts";
import { printable } from "../platform/printable.ts";
import type { FailureReason } from "../status/events.ts";

type Trouble = { reason: FailureReason; message: string; status?: number };

export type Verdict =
  /** `webPage`: the body is HTML, which no receiver of remote write sends. */
  | { kind: "delivered"; status: number; webPage?: true }
  /** Retried later with the same bytes. `slow`: the endpoint took too long: a smaller request may do. */
  | (Trouble & { kind: "retry"; retryAfterMs?: number; slow?: true })
  /** A retry cannot succeed: keep, probe. */
  | (Trouble & { kind: "hold" })
  /** It says nothing about samples: held, after a write without samples has shown more. */
  | (Trouble & { kind: "ask" })
  /** Too large: smaller requests. `said`: ` It said: …`, or empty. */
  | (Trouble & { kind: "halve"; said: string })
  /** Some samples are refused: find them. `said`: the receiver's text. `conflict`: they exist with other values. */
  | (Trouble & { kind: "bisect"; said: string; conflict?: true });

export type Answer = {
  status: number;
  /** The receiver's own words, printable and short; may be empty. */
  text: string;
  retryAfter: string | undefined;
  /** Where a redirect leads: an address without query and user info, printable; absent where it says none. */
  location?: string | undefined;
  /** The write had no samples: it was a question. */
  noSamples?: boolean;
  /** The body is a web page. */
  webPage?: boolean;
};

export const MAX_RETRY_AFTER_MS = 900_000;

export function judgeAnswer(answer: Answer, now: EpochMs): Verdict {
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: "delivered", status, ...(answer.webPage ? { webPage: true } : {}) };
  const said = answer.text === "" ? "" : ` It said: ${answer.text}`;
  const trouble = (reason: FailureReason, message: string): Trouble => ({
    reason,
    status,
    message: `${message}${said}`,
  });
  const verdict = refusalOf(answer, trouble, now);
  if (!answer.noSamples || verdict.kind === "retry" || verdict.kind === "hold") return verdict;
  const message =
    verdict.kind === "ask"
      ? `The endpoint refuses every write (${status}), also one without samples: check endpoint, the credentials, and any proxy before it.`
      : `The endpoint refuses every write (${status}), also one without samples: check the path of endpoint, often /api/v1/write or /api/v1/push.`;
  return { kind: "hold", ...trouble(status === 407 ? "AuthenticationRejected" : "NotFound", message) };
}

type Refusal = Exclude<Verdict, { kind: "delivered" }>;

function refusalOf(
  answer: Answer,
  trouble: (reason: FailureReason, message: string) => Trouble,
  now: EpochMs,
): Refusal {
  const { status } = answer;
  const wait = retryAfterMs(answer.retryAfter, now);
  const after = wait === undefined ? {} : { retryAfterMs: wait };
  const asks = wait === undefined ? "" : ` and asks to wait ${Math.ceil(wait / 1000)} s`;
  switch (status) {
    case 401:
      return {
        kind: "hold",
        ...trouble(
          "AuthenticationRejected",
          "The endpoint rejected the credentials (401): check username and password in the sink's Secret.",
        ),
      };
    case 402:
    case 403:
      return {
        kind: "hold",
        ...trouble(
          "AuthenticationRejected",
          `The endpoint does not allow this user to write (${status}): check the permissions of the credentials in the sink's Secret.`,
        ),
      };
    case 404:
    case 405:
    case 410:
    case 415:
      return {
        kind: "hold",
        ...trouble(
          "NotFound",
          `The endpoint does not accept remote write at this path (${status}): check the path of endpoint, often /api/v1/write or /api/v1/push.`,
        ),
      };
    case 409:
      return {
        kind: "bisect",
        conflict: true,
        said: answer.text,
        ...trouble("SamplesRejected", "The endpoint reported a conflict (409): it has other values for some samples."),
      };
    case 413:
      return {
        kind: "halve",
        said: answer.text === "" ? "" : ` It said: ${answer.text}`,
        ...trouble("SamplesRejected", "The request is too large for the endpoint (413): outflow sends smaller ones."),
      };
    case 400:
    case 422:
      return {
        kind: "bisect",
        said: answer.text,
        ...trouble("SamplesRejected", `The endpoint refused samples (${status}).`),
      };
    case 408:
      // Load balancers say so of a connection that was idle for too long; nothing is wrong with the samples.
      return {
        kind: "retry",
        ...after,
        ...trouble("Timeout", `The endpoint, or a proxy before it, timed out (408)${asks}.`),
      };
    case 429:
      return { kind: "retry", ...after, ...trouble("RateLimited", `The endpoint limits the rate (429)${asks}.`) };
    case 503:
      return { kind: "retry", ...after, ...trouble("ServerError", `The endpoint is unavailable (503)${asks}.`) };
    default:
  }
  if (status >= 300 && status < 400)
    return {
      kind: "hold",
      ...trouble(
        "Redirected",
        `The endpoint redirects (${status})${answer.location === undefined ? "" : ` to ${answer.location}`}, which is not followed: set endpoint to the final address.`,
      ),
    };
  // These concern the request or the connection (431 headers too large, 421 misdirected, 407 proxy credentials), not samples.
  if (status >= 400 && status < 500)
    return {
      kind: "ask",
      ...trouble(
        status === 407 ? "AuthenticationRejected" : "ProtocolError",
        `The endpoint refused the request (${status}), which says nothing about its samples: check endpoint, headers, and any proxy before it.`,
      ),
    };
  if (status >= 500 && status < 600)
    return { kind: "retry", ...after, ...trouble("ServerError", `The endpoint failed (${status})${asks}.`) };
  return {
    kind: "retry",
    ...after,
    ...trouble("ProtocolError", `The endpoint responded with status ${status}, which is not valid for a write.`),
  };
}

export function judgeFailure(failure: HttpFailure): Refusal {
  const trouble = (reason: FailureReason, message: string): Refusal => ({ kind: "retry", reason, message });
  switch (failure.kind) {
    case "refused":
      return trouble(
        "EndpointUnreachable",
        `Connection refused (${failure.code}): is the receiver up, and the port right?`,
      );
    case "unreachable":
      return trouble("EndpointUnreachable", `No route to the endpoint (${failure.code}): check the network.`);
    case "dns":
      return trouble(
        "EndpointUnreachable",
        `The endpoint's name does not resolve (${failure.code}): check the host in endpoint, and DNS.`,
      );
    case "reset":
      return trouble(
        "EndpointUnreachable",
        `The endpoint closed the connection before it responded (${failure.code}).`,
      );
    case "forbidden":
      // A retry cannot succeed, and nothing is dropped: it waits for the operator.
      return { kind: "hold", reason: "EndpointUnreachable", message: failure.message };
    case "proxy":
      return trouble("EndpointUnreachable", failure.message);
    case "tls":
      return trouble("TLSFailure", `The TLS connection failed (${failure.code}): ${failure.message}`);
    case "timeout":
      return {
        kind: "retry",
        reason: "Timeout",
        message: `The endpoint did not respond in time (${causeOf(failure)}).`,
        // ETIMEDOUT: there was no connection.
        ...(failure.code === "TIMEOUT" ? { slow: true } : {}),
      };
    case "protocol":
      return trouble(
        "ProtocolError",
        `The endpoint did not answer with HTTP (${causeOf(failure)}): check scheme and port.`,
      );
    case "aborted":
      return trouble("Timeout", "outflow canceled the attempt.");
    default:
      return failure.kind satisfies never;
  }
}

const causeOf = ({ code, message }: HttpFailure): string =>
  message === "" || message === code ? code : `${code}: ${printable(message, CAUSE_COLUMNS)}`;

const CAUSE_COLUMNS = 200;

/** An asctime date (RFC 9110, 5.6.7) has no zone: it is GMT, as every HTTP date. */
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;

/** Retry-After in seconds or as an HTTP date; past, absurd or unreadable ones are ignored, long ones capped at 15 minutes. */
export function retryAfterMs(header: string | undefined, now: EpochMs): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const ms = /^\d{1,9}$/.test(text)
    ? Number(text) * 1000
    : /^[A-Z][a-z]{2}/.test(text)
      ? Date.parse(ASCTIME.test(text) ? `${text} GMT` : text) - now
      : Number.NaN;
  if (Number.isNaN(ms) || ms <= 0) return undefined;
  return Math.min(ms, MAX_RETRY_AFTER_MS);
}
