// The text of a request to the source. Pure.
import type { EpochMs } from "../platform/clock.ts";

/** One source, three paths: made once of each. */
const urls = new Map<string, string>();

/** Where to read: the configured URL is a prefix (`http://vmselect:8481/select/0/prometheus`), the API's path is appended. */
export function apiUrl(sourceUrl: string, path: "query" | "query_range" | "status/buildinfo"): string {
  const key = `${path} ${sourceUrl}`;
  let href = urls.get(key);
  if (href === undefined) {
    const url = new URL(sourceUrl);
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/api/v1/${path}`;
    urls.set(key, (href = url.href));
  }
  return href;
}

/** Unix seconds with three decimals. */
const seconds = (ms: EpochMs): string => (ms / 1000).toFixed(3);

/**
 * Every raw sample on (from, to]. The window is on a line of its own: on the same line a comment at the end of the user's text
 * would swallow it.
 */
export function rawWindow(selector: string, from: EpochMs, to: EpochMs, extra: readonly string[] = []): string {
  return form({ query: `${selector}\n[${Math.max(1, Math.round(to - from))}ms]`, time: seconds(to) }, extra);
}

/** The expression at one grid time; never from a cache, never moved by the server. */
export function evaluation(expression: string, at: EpochMs, extra: readonly string[] = []): string {
  return form({ query: expression, time: seconds(at), nocache: "1" }, extra);
}

/**
 * The expression at every grid time from `from` to `to`, both included, which may be the same one: an instant query would take
 * another step than a range has, and so give other values to expressions that depend on it. `latency_offset`: VictoriaMetrics
 * would write older values over the points of the last 30 s; how old a point must be is for --eval-delay to say.
 */
export function evaluationRange(
  expression: string,
  from: EpochMs,
  to: EpochMs,
  stepMs: number,
  extra: readonly string[] = [],
): string {
  return form(
    {
      query: expression,
      start: seconds(from),
      end: seconds(to),
      step: seconds(stepMs),
      nocache: "1",
      latency_offset: "1ms",
    },
    extra,
  );
}

/** `extra`: enforced filters, `extra_filters[]`, which VictoriaMetrics enforces once more (Prometheus ignores them). */
function form(fields: Record<string, string>, extra: readonly string[]): string {
  const params = new URLSearchParams(fields);
  for (const filter of extra) params.append("extra_filters[]", filter);
  return params.toString();
}
