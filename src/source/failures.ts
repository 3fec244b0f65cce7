// Why a read failed, in words that say what to do: whether it is the query, the access, the address, the network or the source. Pure.
import type { HttpFailure } from "../http/http.ts";
import { TOO_LARGE } from "../http/inflate.ts";
import { printable } from "../platform/printable.ts";
import type { ResultType, ScanResult } from "./scan/options.ts";

export type ReadFailure = {
  /** QueryFailed: the source itself refuses this query; everything else is SourceUnavailable. */
  reason: "SourceUnavailable" | "QueryFailed";
  message: string;
  /** A shorter window may help: too large, too slow, interrupted. */
  shrink: boolean;
  /** outflow itself stopped reading the response: the source is there. */
  oversized?: true;
};

export const ERROR_TEXT_COLUMNS = 300;
const SHORTER = "A shorter window is read next.";

/** No response. */
export function unavailable(failure: HttpFailure): ReadFailure {
  return { reason: "SourceUnavailable", shrink: failure.kind === "timeout", message: noResponse(failure) };
}

function noResponse({ kind, code, message }: HttpFailure): string {
  switch (kind) {
    case "refused":
      return `Connection refused by the source (${code}): check that it is running and that --source-url is right.`;
    case "dns":
      return `The source's host name does not resolve (${code}): check --source-url and DNS.`;
    case "unreachable":
      return `No route to the source (${code}): check the network.`;
    case "timeout":
      return `The source timed out: ${printable(message, ERROR_TEXT_COLUMNS)}`;
    case "reset":
      return `The source closed the connection before it responded (${code}).`;
    case "protocol":
      return `The source did not answer with HTTP (${code}): check scheme and port of --source-url.`;
    case "tls":
      return `The TLS connection to the source failed (${code}): ${printable(message, ERROR_TEXT_COLUMNS)}`;
    case "proxy":
    case "forbidden":
    case "aborted":
      return printable(message, ERROR_TEXT_COLUMNS);
    default:
      return kind satisfies never;
  }
}

/** The body was interrupted after `bytes`. */
export function interrupted(failure: HttpFailure, bytes: number): ReadFailure {
  const { kind, code, message } = failure;
  return {
    reason: "SourceUnavailable",
    shrink: true,
    message:
      code === TOO_LARGE
        ? `The source's response is too large: ${message}. ${SHORTER}`
        : kind === "timeout"
          ? `The source's response was too slow and was aborted after ${bytes} bytes: ${message}. ${SHORTER}`
          : `The source's response was interrupted after ${bytes} bytes: ${message}`,
  };
}

/** A response with a status other than 200. `text`: the server's own words, fit to be shown; `isApi`: it is an error of the query API. */
export function refused(
  { status, url, location }: { status: number; url: string; location?: string | undefined },
  text: string,
  isApi: boolean,
): ReadFailure {
  const said = text === "" ? "" : `: ${text}`;
  const failed = (reason: ReadFailure["reason"], message: string, shrink = false) => ({ reason, message, shrink });
  if (status >= 300 && status < 400)
    return failed(
      "SourceUnavailable",
      `The source redirects ${target(location, url)} (${status}). Redirects are not followed, so that credentials go nowhere else: set --source-url to the final address.`,
    );
  switch (status) {
    case 401:
      return failed(
        "SourceUnavailable",
        `The source requires other credentials (401)${said}. Check --source-username with --source-password-file, or --source-bearer-file.`,
      );
    case 403:
      return failed(
        "SourceUnavailable",
        `The source denied access (403)${said}. Check what its credentials may read, and --source-url.`,
      );
    case 407:
      return failed(
        "SourceUnavailable",
        `The proxy requires credentials (407)${said}. Check --source-proxy or the proxy variables.`,
      );
    case 413:
      return failed("QueryFailed", `The source reported that the response is too large (413)${said}`, true);
    case 408:
    case 429:
      return failed("SourceUnavailable", `The source cannot respond now (${status})${said}`);
    case 422:
      return failed("QueryFailed", `The source refused the query (422)${said}`);
    default:
      if (status >= 500) return failed("SourceUnavailable", `The source cannot respond now (${status})${said}`);
      if (isApi && status !== 404) return failed("QueryFailed", `The source refused the query (${status})${said}`);
      return failed(
        "SourceUnavailable",
        `No query API at ${shown(url)} (${status})${said}. Check host, port and path of --source-url; outflow appends /api/v1/query to it.`,
      );
  }
}

function target(location: string | undefined, url: string): string {
  if (location === undefined || !URL.canParse(location, url)) return "without a location";
  return `to ${shown(new URL(location, url).href)}`;
}

/** Without user info and parameters: they may hold a secret. */
function shown(url: string): string {
  const { origin, pathname } = new URL(url);
  return printable(`${origin}${pathname}`, ERROR_TEXT_COLUMNS);
}

/** A whole response that is not what the query must answer with; undefined: it is. */
export function judge(
  result: ScanResult,
  { expect, allowPartial }: { expect: readonly ResultType[]; allowPartial: boolean },
  words: (text: string) => string,
): ReadFailure | undefined {
  if (!result.ok) {
    switch (result.kind) {
      case "error":
        return {
          reason: "QueryFailed",
          shrink: false,
          message: `The source refused the query: ${words(result.message)}`,
        };
      case "too-large":
        return {
          reason: "SourceUnavailable",
          shrink: true,
          oversized: true,
          message: `The source's response is too large: ${result.message}. ${SHORTER}`,
        };
      case "malformed":
        return {
          reason: "SourceUnavailable",
          shrink: true,
          message: `The source's response is not usable: ${words(result.message)}.`,
        };
    }
  }
  if (!expect.includes(result.resultType))
    return {
      reason: "QueryFailed",
      shrink: false,
      message: `The query returns a ${result.resultType}, not a ${expect.join(" or ")}: nothing is exported.`,
    };
  if (result.isPartial && !allowPartial)
    return {
      reason: "SourceUnavailable",
      shrink: false,
      message: "The source's response is partial (isPartial): a storage node is missing. The next poll reads it again.",
    };
  return undefined;
}
