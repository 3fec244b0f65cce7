// An answer (or none) in, what to do out: the table of answers in docs/design.md, complete. Pure; the text of an answer is shown,
// never interpreted (remote-write rules 9 to 13).

import type { HttpFailure } from "../http/http.ts";
import type { EpochMs } from "../platform/clock.ts";
import type { DropReason, FailureReason } from "../status/events.ts";

type Trouble = { reason: FailureReason; message: string; status?: number };

export type Verdict =
  | { kind: "delivered"; status: number }
  /** Again, later, the same bytes. */
  | (Trouble & { kind: "retry"; retryAfterMs?: number })
  /** No retry mends it: keep, probe. */
  | (Trouble & { kind: "hold" })
  /** Too large: smaller requests. */
  | (Trouble & { kind: "halve" })
  /** Some series are refused: find them. */
  | (Trouble & { kind: "bisect" })
  | (Trouble & { kind: "drop"; dropReason: Extract<DropReason, "conflict" | "rejected"> });

export type Answer = {
  status: number;
  /** The receiver's own words, printable and short; may be empty. */
  text: string;
  retryAfter: string | undefined;
  /** Where a redirect leads: an address without query and user info, printable; absent where it says none. */
  location?: string | undefined;
  /** The write had no samples: it was a question. */
  noSamples?: boolean;
};

export const MAX_RETRY_AFTER_MS = 900_000;

export function judgeAnswer(answer: Answer, now: EpochMs): Verdict {
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: "delivered", status };
  const said = answer.text === "" ? "" : ` It said: ${answer.text}`;
  const trouble = (reason: FailureReason, message: string): Trouble => ({
    reason,
    status,
    message: `${message}${said}`,
  });
  const verdict = refusalOf(answer, trouble, now);
  if (!answer.noSamples || verdict.kind === "retry" || verdict.kind === "hold") return verdict;
  return {
    kind: "hold",
    ...trouble(
      "NotFound",
      `The endpoint refuses every write (${status}), also one without samples: check the path of endpoint, often /api/v1/write or /api/v1/push.`,
    ),
  };
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
          `The endpoint takes no remote write at this path (${status}): check the path of endpoint, often /api/v1/write or /api/v1/push.`,
        ),
      };
    case 409:
      return {
        kind: "drop",
        dropReason: "conflict",
        ...trouble("SamplesRejected", "The endpoint reported a conflict (409): it has other values for these samples."),
      };
    case 413:
      return {
        kind: "halve",
        ...trouble(
          "SamplesRejected",
          "The endpoint says the request is too large (413): smaller ones are sent. Lower batch.maxSize to spare it the refusal.",
        ),
      };
    case 400:
    case 422:
      return { kind: "bisect", ...trouble("SamplesRejected", `The endpoint refused samples (${status}).`) };
    case 408:
      // Load balancers say so of a connection that was idle for too long; nothing is wrong with the samples.
      return { kind: "retry", ...trouble("Timeout", "The endpoint, or a proxy before it, timed out (408).") };
    case 429:
      return {
        kind: "retry",
        ...after,
        ...trouble(
          "RateLimited",
          `The endpoint limits the rate (429)${wait === undefined ? "" : ` and asks to wait ${Math.ceil(wait / 1000)} s`}.`,
        ),
      };
    case 503:
      return {
        kind: "retry",
        ...after,
        ...trouble(
          "ServerError",
          `The endpoint is unavailable (503)${wait === undefined ? "" : ` and asks to wait ${Math.ceil(wait / 1000)} s`}.`,
        ),
      };
    default:
  }
  if (status >= 300 && status < 400)
    return {
      kind: "hold",
      ...trouble(
        "Redirected",
        `The endpoint redirects (${status})${answer.location === undefined ? "" : ` to ${answer.location}`}, which is not followed: write the final address into endpoint.`,
      ),
    };
  if (status >= 400 && status < 500)
    return {
      kind: "drop",
      dropReason: "rejected",
      ...trouble("SamplesRejected", `The endpoint refused the request (${status}).`),
    };
  if (status >= 500 && status < 600)
    return { kind: "retry", ...trouble("ServerError", `The endpoint failed (${status}).`) };
  return {
    kind: "retry",
    ...trouble("ProtocolError", `The endpoint answered with status ${status}, which is none of HTTP's for a write.`),
  };
}

export function judgeFailure(failure: HttpFailure): Refusal {
  const trouble = (reason: FailureReason, message: string): Refusal => ({ kind: "retry", reason, message });
  switch (failure.kind) {
    case "refused":
      return trouble(
        "EndpointUnreachable",
        `Nobody listens at the endpoint (${failure.code}): is the receiver up, and the port right?`,
      );
    case "unreachable":
      return trouble("EndpointUnreachable", `There is no way to the endpoint (${failure.code}): check the network.`);
    case "dns":
      return trouble(
        "EndpointUnreachable",
        `The endpoint's name does not resolve (${failure.code}): check the host in endpoint, and DNS.`,
      );
    case "reset":
      return trouble("EndpointUnreachable", `The endpoint closed the connection before it answered (${failure.code}).`);
    case "forbidden":
      // No retry mends it, and it is no reason to drop anything: it waits for the operator.
      return { kind: "hold", reason: "EndpointUnreachable", message: failure.message };
    case "proxy":
      return trouble("EndpointUnreachable", failure.message);
    case "tls":
      return trouble("TLSFailure", `The TLS connection failed (${failure.code}): ${failure.message}`);
    case "timeout":
      return trouble("Timeout", `The endpoint did not answer in time (${failure.code}).`);
    case "protocol":
      return trouble(
        "ProtocolError",
        `What listens at the endpoint does not speak HTTP (${failure.code}): check scheme and port.`,
      );
    case "aborted":
      return trouble("Timeout", "The attempt was broken off by outflow itself.");
    default:
      return failure.kind satisfies never;
  }
}

/** Retry-After in seconds or as an HTTP date; past, absurd or unreadable ones are ignored, long ones capped at 15 minutes. */
export function retryAfterMs(header: string | undefined, now: EpochMs): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const ms = /^\d{1,9}$/.test(text)
    ? Number(text) * 1000
    : /^[A-Z][a-z]{2}/.test(text)
      ? Date.parse(text) - now
      : Number.NaN;
  if (Number.isNaN(ms) || ms <= 0) return undefined;
  return Math.min(ms, MAX_RETRY_AFTER_MS);
}
