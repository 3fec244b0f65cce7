// A series, or a whole response, in another legal layout than usual.ts reads: other order of keys, white space, escapes, native
// histograms. It is parsed as JSON and rewritten in the usual layout, so that one reader decides what its samples mean.
import { Buffer } from "node:buffer";
import type { EpochMs } from "../../platform/clock.ts";

/** The series in the usual layout, and the timestamps of its native histograms, which are not exported. */
export type Rewritten = { series: Buffer; histograms: EpochMs[] };

/** Throws SyntaxError where it is not a series. */
export function rewriteSeries(series: unknown): Rewritten {
  if (!isObject(series)) throw new SyntaxError("a series is not an object");
  const { metric, values, value, histograms, histogram } = series;
  if (!isObject(metric)) throw new SyntaxError("a series has no metric");
  const pairs = list(values, value, "values");
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== "number" || typeof pair[1] !== "string")
      throw new SyntaxError("a sample is not [timestamp, value]");
    if (!NUMBER.test(pair[1])) throw new SyntaxError("a value is not a number");
  }
  return {
    series: Buffer.from(`{"metric":${JSON.stringify(metric)},"values":${JSON.stringify(pairs)}}`),
    histograms: list(histograms, histogram, "histograms").map((pair) => {
      if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== "number" || !isObject(pair[1]))
        throw new SyntaxError("a native histogram is not [timestamp, histogram]");
      return Math.round(pair[0] * 1000);
    }),
  };
}

/** Values as the servers write them. */
const NUMBER = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?Inf|NaN)$/i;

/** What a matrix has as a list and a vector as a single one. */
function list(many: unknown, one: unknown, what: string): unknown[] {
  if (many !== undefined && !Array.isArray(many)) throw new SyntaxError(`the ${what} of a series are not a list`);
  return [...(many ?? []), ...(one === undefined ? [] : [one])];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A response as it is: `error` is the server's own text. */
export type WholeResponse =
  | { kind: "malformed" | "error"; message: string }
  | { kind: "result"; resultType: "matrix" | "vector" | "scalar" | "string"; series: unknown[]; envelope: Envelope };

/** What stands around the result. */
export type Envelope = { isPartial?: unknown; warnings?: unknown; infos?: unknown };

/** A whole response: an error, a small one, or one whose head has another layout. */
export function parseResponse(text: string): WholeResponse {
  let response: unknown;
  try {
    response = JSON.parse(text);
  } catch {
    return { kind: "malformed", message: notJson(text) };
  }
  const { status, error, data } = isObject(response) ? response : {};
  if (typeof error === "string" && status !== "success") return { kind: "error", message: error };
  if (status !== "success")
    return { kind: "malformed", message: "it is JSON, but not of the query API: check the path of --source-url" };
  const { resultType, result } = isObject(data) ? data : {};
  if (resultType !== "matrix" && resultType !== "vector" && resultType !== "scalar" && resultType !== "string")
    return { kind: "malformed", message: "the response has no resultType" };
  if (!Array.isArray(result)) return { kind: "malformed", message: "the response has no result" };
  const series = resultType === "scalar" ? [{ metric: {}, value: result }] : resultType === "string" ? [] : result;
  return { kind: "result", resultType, series, envelope: response as Envelope };
}

function notJson(text: string): string {
  if (text.trim() === "") return "the response is empty";
  return /^\s*</.test(text) ? "the response is HTML, not JSON" : "the response is not valid JSON, or it was truncated";
}
