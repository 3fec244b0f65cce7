// The source: connection, query API, clock, kind and version, latency offset, limits.
import { formatDuration } from "../../config/duration.ts";
import type { Settings } from "../../config/settings.ts";
import type { SinkPlan } from "../../exporter/sink-plan.ts";
import type { RealHttpClient } from "../../http/client.ts";
import type { HttpClient } from "../../http/http.ts";
import { systemClock } from "../../platform/clock.ts";
import { FIRST_SETTLE_MS } from "../../reading/settle.ts";
import { apiUrl, evaluation } from "../../source/query.ts";
import { openSource } from "../agent/source.ts";
import { noteClock } from "./clock-check.ts";
import { clientRemedy, noteConnection, ofSource } from "./connection.ts";
import { type Finding, type Noted, notes } from "./finding.ts";
import { type Met, recording } from "./recorder.ts";
import { longDuration, type ServerFacts, serverFacts } from "./server-facts.ts";

export async function checkSource(
  settings: Settings & { sourceUrl: string },
  client: RealHttpClient,
  plans: readonly SinkPlan[],
  timeoutMs: number,
): Promise<Finding[]> {
  const note = notes("source");
  const url = new URL(settings.sourceUrl);
  if (!noteConnection(note, await client.probe(settings.sourceUrl), url, ofSource, systemClock.now())) return note.all;
  const recorder = recording(client, timeoutMs, systemClock.now);
  const port = openSource(settings, recorder.http, () => {});
  const probed = await port.probe(AbortSignal.timeout(3 * timeoutMs));
  const met = recorder.last();
  if (!probed.ok) {
    note.fail("query", probed.message, await remedyOf(met, settings.sourceUrl, recorder.http));
    return note.all;
  }
  note.ok("query", "answers queries");
  await noteServer(note, settings, recorder.http, plans);
  return note.all;
}

async function noteServer(
  note: Noted,
  settings: Settings & { sourceUrl: string },
  http: HttpClient,
  plans: readonly SinkPlan[],
): Promise<void> {
  const asked = await askedOne(http, settings.sourceUrl);
  if (asked !== undefined) noteClock(note, asked.date, systemClock.now(), settledAfter(settings), "source");
  const facts = await serverFacts(http, apiUrl(settings.sourceUrl, "query").replace(/\/api\/v1\/query$/, ""), {});
  noteKind(note, facts, settings);
  noteLatency(note, facts, plans);
  noteLimits(note, facts, settings, plans);
}

const settledAfter = ({ settle }: Settings): number => (settle === "auto" ? FIRST_SETTLE_MS : settle);

/** The query `1`; undefined: it is not answered there. */
async function askedOne(http: HttpClient, sourceUrl: string): Promise<{ date: string | undefined } | undefined> {
  const asked = await http.request({
    method: "POST",
    url: apiUrl(sourceUrl, "query"),
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: evaluation("1", 0),
    timeouts: { firstByteMs: WAIT_MS, idleMs: WAIT_MS },
  });
  if (!asked.ok) return undefined;
  const text = await asked.answer.text(4096);
  const { status, headers } = asked.answer;
  return status === 200 && /^\s*\{"status":"success"/.test(text) ? { date: headers.date } : undefined;
}

function noteKind(note: Noted, facts: ServerFacts, { sourceKind }: Settings): void {
  const name = `${facts.application ?? (facts.kind === "unknown" ? "an unidentified server" : facts.kind)}${facts.version === undefined ? "" : ` ${facts.version}`}`;
  if (sourceKind === "auto" || facts.kind === "unknown" || facts.kind.toLowerCase() === sourceKind)
    return note.ok("kind", name);
  note.fail(
    "kind",
    `it is ${name}, and --source-kind says ${sourceKind}`,
    `Set --source-kind ${facts.kind.toLowerCase()}, or auto: stale markers of the two kinds are read in different ways.`,
  );
}

function noteLatency(note: Noted, { kind, flags }: ServerFacts, plans: readonly SinkPlan[]): void {
  const evaluated = plans.flatMap((plan) =>
    plan.sources.flatMap(({ name, query }) =>
      query.kind === "evaluated" ? [{ id: plan.info.policy, name, query }] : [],
    ),
  );
  if (kind !== "VictoriaMetrics" || evaluated.length === 0) return;
  const offset = longDuration(flags.get("search.latencyOffset") ?? "");
  if (offset === undefined)
    return note.ok("latency", "the source does not tell its -search.latencyOffset (30s unless it is changed)");
  const early = evaluated.filter(({ query }) => query.delayMs < offset);
  if (early.length === 0)
    return note.ok(
      "latency",
      `expressions are evaluated when data is older than -search.latencyOffset (${formatDuration(offset)})`,
    );
  const names = [...new Set(early.map(({ id, name }) => `${name} of ${id}`))];
  const delay = formatDuration(Math.min(...early.map(({ query }) => query.delayMs)));
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  note.warn(
    "latency",
    `${names.slice(0, 3).join(", ")}${more}: evaluated ${delay} after its time, before the source counts its data as complete (-search.latencyOffset ${formatDuration(offset)}): values may be too low`,
    `Set --eval-delay ${formatDuration(offset + 5_000)}, or the annotation outflow/eval-delay of the policy; or lower -search.latencyOffset at the source.`,
  );
}

function noteLimits(note: Noted, { kind, flags }: ServerFacts, settings: Settings, plans: readonly SinkPlan[]): void {
  const before = note.all.length;
  const number = (name: string) => {
    const n = Number(flags.get(name));
    return Number.isFinite(n) && n > 0 ? n : undefined;
  };
  const isVm = kind === "VictoriaMetrics";
  const concurrent = number(isVm ? "search.maxConcurrentRequests" : "query.max-concurrency");
  if (concurrent !== undefined && concurrent <= settings.maxSourceQueries)
    note.warn(
      "limits",
      `the source serves ${concurrent} queries at a time, and --max-source-queries is ${settings.maxSourceQueries}: outflow can block all other queries`,
      `Set --max-source-queries below ${concurrent}, or raise ${isVm ? "-search.maxConcurrentRequests" : "--query.max-concurrency"} at the source.`,
    );
  const longest = number("search.maxQueryLen");
  const queries = plans.flatMap((plan) =>
    plan.sources.map(({ name, query }) => ({ id: plan.info.policy, name, query })),
  );
  const tooLong = queries.filter(({ query }) => longest !== undefined && query.sent.length + 20 > longest);
  for (const { id, name, query } of tooLong)
    note.fail(
      "limits",
      `the query of source ${name} of ${id} has ${query.sent.length} characters, and the source takes ${longest}`,
      "Shorten the query, or raise -search.maxQueryLen at the source.",
    );
  const kept = longDuration(flags.get(isVm ? "retentionPeriod" : "storage.tsdb.retention.time") ?? "");
  if (kept !== undefined && kept > 0 && kept < settings.maxBackfill)
    note.warn(
      "limits",
      `the source keeps data for ${formatDuration(kept)}, less than --max-backfill (${formatDuration(settings.maxBackfill)}): a longer outage of a sink loses data`,
      "Raise the source's retention, or accept that a longer outage of a sink loses data.",
    );
  if (note.all.length > before) return;
  if (flags.size > 0) note.ok("limits", "queries, concurrency and retention fit the settings");
}

const WAIT_MS = 5_000;
const PREFIXES = ["", "/prometheus", "/select/0/prometheus", "/api/prom"];

async function remedyOf(met: Met | undefined, sourceUrl: string, http: HttpClient): Promise<string> {
  if (met === undefined || !met.ok) {
    if (met?.failure.kind === "tls") return clientRemedy("source");
    if (met?.failure.kind === "timeout")
      return "Something accepts connections there and does not answer: check host and port of --source-url, and any proxy or load balancer in between.";
    return "Check scheme, host and port of --source-url.";
  }
  const { status } = met;
  if (status === 401) return "Set --source-username with --source-password-file, or --source-bearer-file.";
  if (status === 403)
    return "Allow these credentials to query, or use others (--source-username, --source-bearer-file).";
  if (status >= 500 || status === 429) return "Check the source's log: it cannot answer queries now.";
  if (status >= 300 && status < 400) return `Set --source-url to the address that it redirects to.`;
  const { origin, pathname } = new URL(sourceUrl);
  for (const prefix of PREFIXES.filter((p) => p !== pathname.replace(/\/+$/, "")))
    if ((await askedOne(http, origin + prefix)) !== undefined)
      return `Set --source-url to ${origin}${prefix}: the query API answers there.`;
  return "Correct --source-url: it is what stands before /api/v1/query, such as http://vmselect:8481/select/0/prometheus.";
}
