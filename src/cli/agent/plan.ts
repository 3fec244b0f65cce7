// From a policy, a sink and the agent's settings to what its exporter does.
import type { Settings } from "../../config/settings.ts";
import type { SinkPlan } from "../../exporter/sink-plan.ts";
import { doneWith } from "../../http/body-room.ts";
import type { HttpClient } from "../../http/http.ts";
import type { Clock } from "../../platform/clock.ts";
import { sha256 } from "../../platform/hash.ts";
import type { PolicySettings } from "../../policy/annotations.ts";
import { elsewhere } from "../../policy/endpoint.ts";
import type { Policy, Refusal, Sink, Source } from "../../policy/policy.ts";
import type { Query } from "../../reading/reader.ts";
import { FIRST_SETTLE_MS } from "../../reading/settle.ts";
import { encodeBody } from "../../remotewrite/encode.ts";
import { post, type Target } from "../../remotewrite/post.ts";
import type { Label } from "../../series/labels.ts";
import { longestRange } from "../../source/evaluated.ts";
import { version } from "../../version.ts";
import type { QueryRules } from "../querycheck.ts";
import { safeUrl } from "./safe-url.ts";

/** Of what the author wrote in `spec`: a new hash is a new generation. */
export const specHash = (policy: Policy): string =>
  sha256(
    JSON.stringify([
      policy.sources.map(({ name, query }) => [name, query]),
      policy.sinks.map((s) => [s.name, s.sources, s.endpoint, s.batch, s.retry, s.secretName]),
    ]),
  );

export function planner(
  settings: Settings,
  client: (connections: number) => HttpClient,
  clock: Clock,
  rules: QueryRules,
): (policy: Policy, sink: Sink, generation: number) => SinkPlan {
  return (policy, sink, generation) => {
    const sources = sink.sources.map((name) => policy.sources.find((s) => s.name === name)!);
    const queries = sources.map((source) => ({
      name: source.name,
      query: queryOf(source, sentText(policy, source, rules), policy.settings, settings),
    }));
    // Fail closed: check() has refused such a query before; should it ever come here, nothing of it is sent.
    const open = queries.find(({ query }) => query.sent === undefined);
    const target: Target = {
      endpoint: sink.endpoint,
      credentials: sink.credentials,
      bearer: sink.bearerToken,
      headers: Object.fromEntries([...(policy.settings.headers ?? []), ...(sink.secretHeaders ?? [])]),
      secrets: sink.secretHeaders?.map(([, value]) => value),
      version,
      timeouts: {
        firstByteMs: settings.sendTimeout,
        idleMs: settings.sendTimeout,
        totalMs: settings.sendTimeout,
      },
    };
    const delivery = {
      maxAttempts: sink.retry.maxAttempts,
      backoffDurationMs: sink.retry.backoffMs,
      maxConcurrency: policy.settings.maxConcurrency ?? settings.maxConcurrency,
      onExhausted: policy.settings.onExhausted ?? settings.onExhausted,
    };
    const other = elsewhere(new URL(sink.endpoint));
    const id = `${policy.namespace}/${policy.name}`;
    return {
      info: {
        id: `${id}/${sink.name}`,
        policy: id,
        sink: sink.name,
        ...(settings.milo === "off" ? {} : { labels: miloLabels(policy, sink) }),
        generation,
        endpoint: safeUrl(sink.endpoint),
        auth: authOf(policy, sink),
        batch: sink.batch,
        retry: sink.retry,
        onExhausted: delivery.onExhausted,
        readyLagMs:
          settings.readyLag ??
          GRACE_MS + sink.batch.timeoutMs + Math.max(...queries.map(({ query }) => expectedLagMs(query))),
        sources: sources.map(({ name, query, kind }) => ({ name, query, kind })),
      },
      refusal: sink.refusal ?? (open && unenforceable(open.name)),
      sources: queries.map(({ name, query }) => ({ name, query: { ...query, sent: query.sent ?? "" } })),
      delivery,
      senderKey: sha256(JSON.stringify([target, delivery.maxConcurrency])),
      makeSender: () => {
        const http = client(delivery.maxConcurrency);
        return {
          encode: encodeBody,
          doneWith,
          post: (body, signal) => post(http, clock, target, body, signal),
          close: () => void http.close("gracefully"),
          ...(other === undefined ? {} : { elsewhere: other }),
        };
      },
    };
  };
}

function authOf({ settings }: Policy, sink: Sink): SinkPlan["info"]["auth"] {
  if (sink.secretName !== undefined) return "basic";
  if (settings.bearerSecret !== undefined) return "bearer";
  return settings.headersSecret === undefined ? "none" : "headers";
}

/** By which Milo's users find the metrics of their policies, as those of the operator before. */
const miloLabels = ({ project = "", namespace, name, uid = "" }: Policy, sink: Sink): Record<string, string> => ({
  service_name: "telemetry.miloapis.com",
  resource_kind: "ExportPolicy",
  resourcemanager_datumapis_com_project_name: project,
  resource_namespace: namespace.replace(`${project}:`, ""),
  resource_name: name,
  resource_uid: uid,
  sink_name: sink.name,
});

const GRACE_MS = 30_000;
const expectedLagMs = ({ intervalMs, delayMs }: Pick<Query, "intervalMs" | "delayMs">): number =>
  2 * intervalMs + delayMs;

type Sent = ReturnType<QueryRules["sent"]>;

function sentText(policy: Policy, source: Source, rules: QueryRules): Sent | undefined {
  try {
    return rules.sent(source.query, policy);
  } catch {
    return undefined;
  }
}

const unenforceable = (source: string): Refusal => ({
  reason: "InvalidQuery",
  message: `The operator's filters cannot be enforced on the query of source ${source}: write it more simply.`,
});

/** The policy's own settings first, else the agent's. */
function queryOf(
  source: Source,
  sent: Sent | undefined,
  own: PolicySettings,
  settings: Settings,
): Omit<Query, "sent"> & { sent: string | undefined } {
  const raw = source.kind === "raw";
  const intervalMs = own.pollIntervalMs ?? settings.pollInterval;
  return {
    text: source.query,
    sent: sent?.query,
    extraFilters: sent?.extraFilters ?? [],
    kind: source.kind,
    fallbackName: source.name.replaceAll("-", "_"),
    intervalMs,
    ...(raw ? settleOf(own.settleMs ?? settings.settle) : { delayMs: own.evalDelayMs ?? settings.evalDelay }),
    lateWindowMs: raw ? (own.lateWindowMs ?? settings.lateWindow) : 0,
    // An expression is caught up on by one query over all missed grid times, as far as servers allow.
    maxWindowMs: raw ? Math.max(own.maxWindowMs ?? settings.maxWindow, intervalMs) : longestRange(intervalMs),
    maxBackfillMs: own.maxBackfillMs ?? settings.maxBackfill,
    startBackMs: own.startBackMs ?? settings.start,
    labels: {
      escaping: settings.nameEscaping,
      drop: settings.dropLabel,
      // The policy's own are nearer than the agent's.
      external: byName([...settings.externalLabel, ...(own.externalLabels ?? [])]),
      force: byName(settings.forceLabel),
      maxLabels: settings.maxLabels,
      maxNameBytes: settings.maxLabelNameLength,
      maxValueBytes: settings.maxLabelValueLength,
    },
  };
}

const settleOf = (settle: number | "auto"): Pick<Query, "delayMs" | "learnsDelay"> =>
  settle === "auto" ? { delayMs: FIRST_SETTLE_MS, learnsDelay: true } : { delayMs: settle };

/** Sorted, the last one of a name wins: equal rules are equal data. */
const byName = (labels: readonly Label[]): Label[] => [...new Map(labels)].sort(([a], [b]) => (a < b ? -1 : 1));
