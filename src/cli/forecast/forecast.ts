// What `outflow plan` says: of each source, of each sink, and what it warns of. Pure but for the types of what was surveyed.
import { formatDuration } from "../../config/duration.ts";
import type { SinkPlan } from "../../exporter/sink-plan.ts";
import { retryBudgetMs } from "../../policy/warnings.ts";
import { age, count, counted } from "../../status/text/words.ts";
import type { Cost } from "./cost.ts";
import type { WideLabel } from "./labels.ts";

export type SourceForecast = {
  policy: string;
  name: string;
  kind: "raw" | "evaluated";
} & (
  | { ok: false; message: string }
  | { ok: true; series: number; samplesPerSecond: number; newestAgeSeconds: number | null; labels: WideLabel[] }
);

export type SinkForecast = Cost & { id: string; batch: string; retry: string };

export type IntervalForecast = Omit<Cost, "activeSeries"> & { pollInterval: string; queriesPerMinute: number };

export type Forecast = {
  /** Seconds of data that were looked at. */
  overSeconds: number;
  sources: SourceForecast[];
  sinks: SinkForecast[];
  intervals: IntervalForecast[];
  /** Against the running agent; absent: none was asked. */
  difference?: string[];
  warnings: string[];
};

/** What its batch settings mean for what it gets. */
export function batchWords({ info, sources }: SinkPlan, cost: Cost): string {
  const { maxSize, timeoutMs } = info.batch;
  const most = `at most ${counted(maxSize, "sample")} each, or what has waited for ${formatDuration(timeoutMs)}`;
  if (cost.requestsPerMinute === 0) return `no requests; ${most}`;
  const perRequest = (cost.samplesPerSecond * 60) / cost.requestsPerMinute;
  const intervalMs = Math.min(...sources.map(({ query }) => query.intervalMs));
  const perPoll = (cost.samplesPerSecond * intervalMs) / 1000;
  return `a poll every ${formatDuration(intervalMs)} brings about ${counted(Math.round(perPoll), "sample")}; requests of about ${counted(Math.round(perRequest), "sample")} (${most})`;
}

/** What its retry settings mean for an outage of the receiver. */
export function retryWords({ info, delivery }: SinkPlan): string {
  const { maxAttempts, backoffMs } = info.retry;
  const budget = formatDuration(Math.round(retryBudgetMs(maxAttempts, backoffMs) / 1000) * 1000);
  const attempts = `${counted(maxAttempts, "attempt")} within about ${budget}`;
  if (delivery.onExhausted === "hold")
    return `${attempts}, then the batch is kept and retried at most 5m apart: an outage loses nothing that the source still has`;
  return `${attempts}, then the batch is dropped: an outage longer than that loses data`;
}

const MANY_SERIES = 100_000;
const WIDE = 1_000;
const OLD_S = 300;
const TINY = 1 / 20;
const MANY_REQUESTS = 12;

export function sourceWarnings(source: SourceForecast): string[] {
  const name = `${source.policy}, source ${source.name}`;
  if (!source.ok) return [`${name}: cannot be read: ${source.message}`];
  const { series, newestAgeSeconds, labels } = source;
  const found: string[] = [];
  if (series === 0) return [`${name}: selects no series: check the query at the source, and that its data is recent`];
  if (newestAgeSeconds !== null && newestAgeSeconds > OLD_S)
    found.push(`${name}: its newest sample is ${age(newestAgeSeconds * 1000)} old: does its producer still run?`);
  if (series > MANY_SERIES)
    found.push(
      `${name}: ${count(series)} series: receivers limit and bill active series; narrow the selector or aggregate`,
    );
  const [widest] = labels.filter((l) => l.name !== "__name__");
  if (widest !== undefined && widest.values > WIDE && widest.values > series / 2)
    found.push(
      `${name}: the label ${widest.name} has ${count(widest.values)} values in ${count(series)} series: drop it (--drop-label) if nobody needs it, or aggregate without it`,
    );
  return found;
}

export function sinkWarnings({ info, delivery }: SinkPlan, cost: Cost): string[] {
  const found: string[] = [];
  const perRequest = cost.requestsPerMinute === 0 ? 0 : (cost.samplesPerSecond * 60) / cost.requestsPerMinute;
  if (cost.requestsPerMinute >= MANY_REQUESTS && perRequest < info.batch.maxSize * TINY)
    found.push(
      `${info.id}: many small requests (${count(cost.requestsPerMinute)} a minute of ${counted(Math.round(perRequest), "sample")}): raise batch.timeout or --poll-interval`,
    );
  const budgetMs = retryBudgetMs(info.retry.maxAttempts, info.retry.backoffMs);
  const lost = (600_000 - budgetMs) / 1000;
  if (delivery.onExhausted === "drop" && lost > 0 && cost.samplesPerSecond > 0)
    found.push(
      `${info.id}: of an outage of 10m it may lose ${count(cost.samplesPerSecond * 600)} samples at worst, since retry ends after ${formatDuration(Math.round(budgetMs))}: raise maxAttempts, or use outflow/on-exhausted: hold`,
    );
  return found;
}
