// One request to the source: streams the answer into a frame as fast as it comes and gives the connection back. Failures are
// values; nothing of a failed read is kept.

import { eachPiece, HttpBroken, type HttpClient, type HttpTimeouts } from "../http/http.ts";
import { wordsOf } from "../http/words.ts";
import type { Clock, EpochMs } from "../platform/clock.ts";
import { printable } from "../platform/printable.ts";
import type { Frame } from "../series/frame.ts";
import type { FrameBuilder } from "../series/frame-builder.ts";
import type { Keyspace } from "../series/keyspace.ts";
import { ERROR_TEXT_COLUMNS, interrupted, judge, type ReadFailure, refused, unavailable } from "./failures.ts";
import type { LateOptions, ResultType, ScanOptions, ScanResult } from "./scan/options.ts";
import { Scanner } from "./scan/scanner.ts";

export type SourceKind = "victoriametrics" | "prometheus" | "unknown";

export type ReadRequest = {
  url: string;
  /** Form body (query.ts). */
  body: string;
  headers: Record<string, string>;
  keyspace: Keyspace;
  newerThan(id: number): EpochMs;
  floors?: NonNullable<ScanOptions["floors"]>;
  from: EpochMs;
  to: EpochMs;
  nanIsStale(kind: SourceKind): boolean;
  /** What the query must answer with. */
  expect: readonly ResultType[];
  allowPartial: boolean;
  maxSamples: number;
  late?: LateOptions;
  passedOver?(id: number, newest: EpochMs): void;
  isKnown?(id: number): boolean;
  timeouts: HttpTimeouts;
  signal: AbortSignal;
};

/** What an answer's head tells about the source, whether the read succeeds or not. */
export type SourceSign = { dateMs: EpochMs | undefined; headAtMs: number; kind: SourceKind };

export type ReadResult = { sign?: SourceSign } & (
  | {
      ok: true;
      frame: Frame;
      /** Samples up to newerThan() of series that have more of them than expected (LateOptions). */
      maybeLate: Frame | undefined;
      seriesTwice: boolean;
      /** A series took its place from another one of the same response: samples are mixed, and the read has to be repeated. */
      tookOver: boolean;
      resultType: ResultType;
      isPartial: boolean;
      warnings: string[];
      /** Series in the answer, those without samples that pass too. */
      series: number;
    }
  | { ok: false; failure: ReadFailure }
);

const ERROR_TEXT_BYTES = 4096;

const known = new WeakMap<Record<string, string>, Readonly<Record<string, string>>>();

/** The same for each request of a source, and frozen, so that their head is written once. */
function headersOf(own: Record<string, string>): Readonly<Record<string, string>> {
  let headers = known.get(own);
  if (headers === undefined) {
    const ours = { "content-type": "application/x-www-form-urlencoded", accept: "application/json" };
    known.set(own, (headers = Object.freeze({ ...ours, ...own })));
  }
  return headers;
}

export async function readAnswer(
  http: HttpClient,
  clock: Clock,
  builder: FrameBuilder,
  r: ReadRequest,
): Promise<ReadResult> {
  const sent = await http.request({
    method: "POST",
    url: r.url,
    headers: headersOf(r.headers),
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
  if (answer.status !== 200) {
    const { text, isApi } = errorOf(await answer.text(ERROR_TEXT_BYTES));
    const { status, headers } = answer;
    const failure = refused({ status, url: r.url, location: headers.location }, words(text), isApi);
    return { sign, ok: false, failure };
  }

  const { takeovers } = r.keyspace;
  builder.clear();
  r.late?.builder.clear();
  const scanner = new Scanner({ ...r, builder, nanIsStale: r.nanIsStale(sign.kind) });
  try {
    let bytes = 0;
    try {
      await eachPiece(answer, (piece) => {
        bytes += piece.length;
        return scanner.push(piece);
      });
    } catch (error) {
      if (!(error instanceof HttpBroken)) throw error;
      return { sign, ok: false, failure: interrupted(error.failure, bytes) };
    }
    const result = scanner.end();
    const failure = judge(result, r, words);
    if (failure !== undefined) return { sign, ok: false, failure };
    const { resultType, isPartial, warnings, dropped, collisions, series } = result as Extract<
      ScanResult,
      { ok: true }
    >;
    // A hundred thousand new series at a time.
    while (!r.keyspace.table.sortSome()) await clock.sleep(0);
    const { frame, seriesTwice } = builder.build(r.keyspace.table, r.from, r.to);
    frame.dropped = dropped;
    if (collisions.length > 0) frame.collisions = collisions;
    frame.bytes = bytes;
    return {
      sign,
      ok: true,
      frame,
      maybeLate:
        r.late && r.late.builder.samples > 0 ? r.late.builder.build(r.keyspace.table, r.from, r.to).frame : undefined,
      seriesTwice,
      tookOver: r.keyspace.takeovers !== takeovers,
      resultType,
      isPartial,
      warnings: warnings.map(words),
      series,
    };
  } finally {
    scanner.close();
  }
}

/** The server's own words: `error` of its JSON, else the body as it is. */
function errorOf(body: string): { text: string; isApi: boolean } {
  try {
    const { status, error } = JSON.parse(body) as { status?: unknown; error?: unknown };
    if (typeof error === "string") return { text: error, isApi: status === "error" };
  } catch {
    // not JSON: a proxy's page or plain text
  }
  return { text: wordsOf(body), isApi: false };
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
