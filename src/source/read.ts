// One request to the source: streams the answer into a frame as fast as it comes and gives the connection back. Failures are
// values; nothing of a failed read is kept.

import { HttpBroken, type HttpClient, type HttpFailure, type HttpTimeouts } from "../http/http.ts";
import { TOO_LARGE } from "../http/inflate.ts";
import type { Clock, EpochMs } from "../platform/clock.ts";
import { printable } from "../platform/printable.ts";
import type { Frame } from "../series/frame.ts";
import type { FrameBuilder } from "../series/frame-builder.ts";
import type { Keyspace } from "../series/keyspace.ts";
import type { LateOptions, ResultType, ScanResult } from "./scan/options.ts";
import { Scanner } from "./scan/scanner.ts";

export type SourceKind = "victoriametrics" | "prometheus" | "unknown";

export type ReadRequest = {
  url: string;
  /** Form body (query.ts). */
  body: string;
  headers: Record<string, string>;
  keyspace: Keyspace;
  newerThan(id: number): EpochMs;
  from: EpochMs;
  to: EpochMs;
  nanIsStale(kind: SourceKind): boolean;
  /** What the query must answer with. */
  expect: readonly ResultType[];
  allowPartial: boolean;
  maxSamples: number;
  late?: LateOptions;
  passedOver?(id: number, newest: EpochMs): void;
  timeouts: HttpTimeouts;
  signal: AbortSignal;
};

/** What an answer's head tells about the source, whether the read succeeds or not. */
export type SourceSign = { dateMs: EpochMs | undefined; headAtMs: number; kind: SourceKind };

export type ReadFailure = {
  reason: "SourceUnavailable" | "QueryFailed";
  message: string;
  /** A shorter window may help: too large, too slow, broken off. */
  shrink: boolean;
  /** It was outflow that broke it off: the source is there. */
  oversized?: true;
};

export type ReadResult = { sign?: SourceSign } & (
  | {
      ok: true;
      frame: Frame;
      /** Samples up to newerThan() of series that have more of them than expected (LateOptions). */
      maybeLate: Frame | undefined;
      seriesTwice: boolean;
      resultType: ResultType;
      isPartial: boolean;
      warnings: string[];
      /** Series in the answer, those without samples that pass too. */
      series: number;
    }
  | { ok: false; failure: ReadFailure }
);

const ERROR_TEXT_BYTES = 4096;
const ERROR_TEXT_COLUMNS = 300;

export async function readAnswer(
  http: HttpClient,
  clock: Clock,
  builder: FrameBuilder,
  r: ReadRequest,
): Promise<ReadResult> {
  const sent = await http.request({
    method: "POST",
    url: r.url,
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json", ...r.headers },
    body: r.body,
    timeouts: r.timeouts,
    signal: r.signal,
  });
  if (!sent.ok) return { ok: false, failure: unavailable(sent.failure) };
  const { answer } = sent;
  const words = (text: string): string => printable(http.cover?.(text) ?? text, ERROR_TEXT_COLUMNS);
  const sign: SourceSign = {
    dateMs: dateOf(answer.headers.date),
    headAtMs: clock.monotonicMs(),
    kind: kindOf(answer.headers),
  };
  if (answer.status !== 200)
    return { sign, ok: false, failure: refused(answer.status, words(errorText(await answer.text(ERROR_TEXT_BYTES)))) };

  builder.clear();
  r.late?.builder.clear();
  const scanner = new Scanner({ ...r, builder, nanIsStale: r.nanIsStale(sign.kind) });
  let bytes = 0;
  try {
    for await (const piece of answer.body) {
      bytes += piece.length;
      if (!scanner.push(piece)) break;
      giveBack(piece);
    }
  } catch (error) {
    if (!(error instanceof HttpBroken)) throw error;
    const failure = unavailable(error.failure);
    return {
      sign,
      ok: false,
      failure: {
        ...failure,
        shrink: true,
        message:
          error.failure.code === TOO_LARGE
            ? `The source's answer was broken off: ${error.failure.message}. A shorter window is read next.`
            : error.failure.kind === "timeout"
              ? `The source's answer came too slowly and was broken off after ${bytes} bytes: ${error.failure.message}. A shorter window is read next.`
              : `The source broke its answer off after ${bytes} bytes: ${error.failure.message}`,
      },
    };
  }
  const result = scanner.end();
  const failure = judge(result, r, words);
  if (failure !== undefined) return { sign, ok: false, failure };
  const { resultType, isPartial, warnings, dropped, series } = result as Extract<ScanResult, { ok: true }>;
  const { frame, seriesTwice } = builder.build(r.keyspace.table, r.from, r.to);
  frame.dropped = dropped;
  frame.bytes = bytes;
  return {
    sign,
    ok: true,
    frame,
    maybeLate:
      r.late && r.late.builder.samples > 0 ? r.late.builder.build(r.keyspace.table, r.from, r.to).frame : undefined,
    seriesTwice,
    resultType,
    isPartial,
    warnings: warnings.map(words),
    series,
  };
}

/** Smaller ones may be parts of a buffer that Node shares out. */
const OWN_BUFFER_BYTES = 65_536;

/**
 * A piece that has been read is of no use to anybody, and the one that ends where its buffer ends is the last of that: its memory is
 * given back at once. The garbage collector would get to it when a hundred megabytes of an answer have piled up.
 */
function giveBack(piece: Uint8Array): void {
  const { buffer, byteOffset, length } = piece;
  if (
    buffer.byteLength >= OWN_BUFFER_BYTES &&
    byteOffset + length === buffer.byteLength &&
    buffer instanceof ArrayBuffer
  )
    buffer.transfer(0);
}

function judge(result: ScanResult, r: ReadRequest, words: (text: string) => string): ReadFailure | undefined {
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
          message: `The source's answer was broken off: ${result.message}. A shorter window is read next.`,
        };
      case "malformed":
        return {
          reason: "SourceUnavailable",
          shrink: true,
          message: `The source's answer cannot be trusted: ${words(result.message)}.`,
        };
    }
  }
  if (!r.expect.includes(result.resultType)) {
    return {
      reason: "QueryFailed",
      shrink: false,
      message: `The query answers with a ${result.resultType}, not with ${r.expect.join(" or ")}: nothing of it is exported.`,
    };
  }
  if (result.isPartial && !r.allowPartial) {
    return {
      reason: "SourceUnavailable",
      shrink: false,
      message:
        "The source answered with a part of the data only (isPartial): a storage node is missing. It is read again at the next tick.",
    };
  }
  return undefined;
}

function unavailable(failure: HttpFailure): ReadFailure {
  return {
    reason: "SourceUnavailable",
    shrink: failure.kind === "timeout",
    message: noAnswer(failure),
  };
}

/** Where a sentence around it says already that the source cannot be read. */
function noAnswer({ kind, code, message }: HttpFailure): string {
  switch (kind) {
    case "refused":
      return `Nobody listens at the source (${code}): is it up, and --source-url right?`;
    case "dns":
      return `The source's name does not resolve (${code}): check --source-url, and DNS.`;
    case "unreachable":
      return `There is no way to the source (${code}): check the network.`;
    case "timeout":
      return `The source did not answer in time: ${printable(message, ERROR_TEXT_COLUMNS)}`;
    case "reset":
      return `The source closed the connection before it answered (${code}).`;
    case "protocol":
      return `What listens at the source does not speak HTTP (${code}): check scheme and port of --source-url.`;
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

/** `text`: the server's own words, fit to be shown. */
function refused(status: number, text: string): ReadFailure {
  const said = text === "" ? "" : `: ${text}`;
  if (status === 413)
    return { reason: "QueryFailed", shrink: true, message: `The source says the answer is too large (413)${said}` };
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
    const hint =
      status === 401 || status === 403
        ? " Check the credentials for the source."
        : status === 404
          ? " Check the path of --source-url."
          : "";
    return { reason: "QueryFailed", shrink: false, message: `The source refused the query (${status})${said}${hint}` };
  }
  return { reason: "SourceUnavailable", shrink: false, message: `The source cannot answer now (${status})${said}` };
}

/** The server's own words: `error` of its JSON, else the body as it is. */
function errorText(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    if (typeof error === "string") return error;
  } catch {
    // no JSON: a proxy's page or plain text
  }
  return body.trim();
}

const dateOf = (header: string | undefined): EpochMs | undefined => {
  const ms = Date.parse(header ?? "");
  return Number.isNaN(ms) ? undefined : ms;
};

/** An answer of /api/v1/status/buildinfo: Prometheus says which build it is, VictoriaMetrics does not. */
export function kindOfBuildInfo(text: string): SourceKind {
  try {
    const { data } = JSON.parse(text) as { data?: { version?: unknown; goVersion?: unknown } };
    return typeof data?.version === "string" && typeof data.goVersion === "string" ? "prometheus" : "unknown";
  } catch {
    return "unknown"; // a proxy's page
  }
}

/** VictoriaMetrics names its host in a header; nothing that Prometheus answers to a query names it. */
const kindOf = (headers: Record<string, string>): SourceKind =>
  headers["x-server-hostname"] === undefined ? "unknown" : "victoriametrics";
