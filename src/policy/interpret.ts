// Documents in, typed policies and secrets out, with every problem found. Pure.
import * as v from "valibot";
import { parseDuration } from "../config/duration.ts";
import { type AnnotationLimits, policySettings } from "./annotations.ts";
import type { PlacedDocument } from "./document.ts";
import type { Place, Policy, Problem, Sink, Source } from "./policy.ts";
import {
  API_VERSION,
  DEFAULT_BATCH,
  DEFAULT_RETRY,
  type ExportPolicyDocument,
  exportPolicySchema,
  type SecretDocument,
  secretSchema,
} from "./schema.ts";
import { didYouMean } from "./suggest.ts";

export type QueryVerdict =
  | { ok: true; kind: "raw" | "evaluated"; warnings: { message: string; offset: number }[] }
  | { ok: false; message: string; offset: number };

/** What a query is: wired to the metricsql room by whoever loads. */
export type CheckQuery = (query: string) => QueryVerdict;

export type PlacedSecret = { document: SecretDocument; place: Place };
export type Interpreted = { policy?: Policy; secret?: PlacedSecret; problems: Problem[]; inner?: unknown[] };

type Path = (string | number)[];

export type InterpretOptions = { checkQuery: CheckQuery; limits?: AnnotationLimits | undefined };

/** What one document is: a policy, a secret, a list of them, somebody else's. */
export function interpret(document: PlacedDocument, options: InterpretOptions): Interpreted {
  const { value } = document;
  const problem = (path: Path, message: string, severity: Problem["severity"] = "problem"): Problem => ({
    severity,
    place: document.place(path),
    path: fieldPath(path),
    message,
  });
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { problems: [problem([], "the document is no mapping; an ExportPolicy begins with apiVersion and kind")] };
  const { apiVersion, kind } = value as { apiVersion?: unknown; kind?: unknown };
  if (typeof apiVersion !== "string" || typeof kind !== "string") {
    const missing = typeof apiVersion !== "string" ? "apiVersion" : "kind";
    return {
      problems: [
        problem(
          [missing],
          `${missing} is missing or no string; write apiVersion: ${API_VERSION} and kind: ExportPolicy`,
        ),
      ],
    };
  }
  if (kind === "ExportPolicy" && apiVersion === API_VERSION) return interpretPolicy(document, options);
  if (kind === "Secret" && apiVersion === "v1") return interpretSecret(document);
  if (/^exportpolic(y|ies)(list)?$/i.test(kind) || apiVersion.toLowerCase().includes("telemetry.")) {
    const path = kind === "ExportPolicy" ? "apiVersion" : "kind";
    return {
      problems: [
        problem([path], `is not exactly what outflow reads; write apiVersion: ${API_VERSION} and kind: ExportPolicy`),
      ],
    };
  }
  return { problems: [problem(["kind"], `skipped: outflow reads ExportPolicy and Secret documents only`, "note")] };
}

function interpretPolicy(document: PlacedDocument, { checkQuery, limits }: InterpretOptions): Interpreted {
  const parsed = v.safeParse(exportPolicySchema, document.value);
  if (!parsed.success) return { problems: parsed.issues.map((issue) => schemaProblem(document, issue)) };
  const doc = parsed.output;
  const annotations = doc.metadata.annotations ?? {};
  const own = policySettings(annotations, limits);
  const problems = [
    ...own.problems.map(({ key, severity, message }) => annotationProblem(document, key, severity, message)),
    ...references(document, doc),
    ...queries(document, doc, checkQuery),
  ];
  const policy: Policy = {
    namespace: doc.metadata.namespace ?? "default",
    name: doc.metadata.name,
    ...(doc.metadata.generation === undefined ? {} : { generation: doc.metadata.generation }),
    annotations,
    settings: own.settings,
    sources: doc.spec.sources.map((source, i): Source => {
      const verdict = checkQuery(source.metrics.metricsql);
      return {
        name: source.name,
        query: source.metrics.metricsql,
        kind: verdict.ok ? verdict.kind : "raw",
        place: document.place(["spec", "sources", i]),
      };
    }),
    sinks: doc.spec.sinks.map((sink, i) => typedSink(sink, document.place(["spec", "sinks", i]))),
    place: document.place([]),
  };
  const warnings = policyWarnings(document, doc);
  return problems.some((p) => p.severity === "problem")
    ? { problems: [...problems, ...warnings] }
    : { policy, problems: [...problems, ...warnings] };
}

function annotationProblem(
  document: PlacedDocument,
  key: string,
  severity: Problem["severity"],
  message: string,
): Problem {
  const path = ["metadata", "annotations", key];
  return { severity, place: document.place(path), path: `metadata.annotations["${key}"]`, message };
}

function typedSink(sink: ExportPolicyDocument["spec"]["sinks"][number], place: Place): Sink {
  const write = sink.target.prometheusRemoteWrite;
  const batch = write.batch ?? DEFAULT_BATCH;
  const retry = write.retry ?? DEFAULT_RETRY;
  const secretName = write.authentication?.basicAuth?.secretRef.name;
  return {
    name: sink.name,
    sources: sink.sources,
    endpoint: write.endpoint,
    batch: { maxSize: batch.maxSize, timeoutMs: parseDuration(batch.timeout)! },
    retry: { maxAttempts: retry.maxAttempts, backoffMs: parseDuration(retry.backoffDuration)! },
    ...(secretName === undefined ? {} : { secretName }),
    place,
  };
}

/** Names unique in their list; each source that a sink names exists and is named once. */
function references(document: PlacedDocument, doc: ExportPolicyDocument): Problem[] {
  const problems: Problem[] = [];
  const add = (path: Path, message: string) =>
    problems.push({ severity: "problem", place: document.place(path), path: fieldPath(path), message });
  const sources = doc.spec.sources.map((s) => s.name);
  for (const [list, names] of [
    ["sources", sources],
    ["sinks", doc.spec.sinks.map((s) => s.name)],
  ] as const) {
    names.forEach((name, i) => {
      if (names.indexOf(name) !== i)
        add(
          ["spec", list, i, "name"],
          `"${name}" is the name of spec.${list}[${names.indexOf(name)}] already; names must be unique`,
        );
    });
  }
  doc.spec.sinks.forEach((sink, i) => {
    sink.sources.forEach((name, j) => {
      const path = ["spec", "sinks", i, "sources", j];
      if (!sources.includes(name))
        add(
          path,
          `names no source: "${name}"${didYouMean(name, sources)}; define it in spec.sources or remove it here`,
        );
      else if (sink.sources.indexOf(name) !== j) add(path, `names source "${name}" a second time; remove it`);
    });
  });
  return problems;
}

function queries(document: PlacedDocument, doc: ExportPolicyDocument, checkQuery: CheckQuery): Problem[] {
  return doc.spec.sources.flatMap((source, i): Problem[] => {
    const path = ["spec", "sources", i, "metrics", "metricsql"];
    const place = (offset: number) => document.placeIn(path, source.metrics.metricsql, offset);
    const verdict = checkQuery(source.metrics.metricsql);
    if (!verdict.ok)
      return [{ severity: "problem", place: place(verdict.offset), path: fieldPath(path), message: verdict.message }];
    return verdict.warnings.map((w) => ({
      severity: "warning",
      place: place(w.offset),
      path: fieldPath(path),
      message: w.message,
    }));
  });
}

function policyWarnings(document: PlacedDocument, doc: ExportPolicyDocument): Problem[] {
  const warnings: Problem[] = [];
  doc.spec.sinks.forEach((sink, i) => {
    const base = ["spec", "sinks", i, "target", "prometheusRemoteWrite"];
    const warn = (path: Path, message: string) =>
      warnings.push({
        severity: "warning",
        place: document.place([...base, ...path]),
        path: fieldPath([...base, ...path]),
        message,
      });
    const write = sink.target.prometheusRemoteWrite;
    const url = new URL(write.endpoint);
    if (write.authentication && write.authentication.basicAuth === undefined)
      warn(["authentication"], "is empty and means no authentication; add basicAuth or remove it");
    if (/(token|key|secret|password|auth)/i.test(url.search))
      warn(
        ["endpoint"],
        "holds what looks like a credential in its query; it is sent, but shows up in the receiver's logs",
      );
    if (url.protocol === "http:" && write.authentication?.basicAuth && !isLoopback(url.hostname))
      warn(["endpoint"], "sends a password over plain http; use https");
    const retry = write.retry ?? DEFAULT_RETRY;
    const budgetMs = retryBudgetMs(retry.maxAttempts, parseDuration(retry.backoffDuration)!);
    if (budgetMs < 60_000)
      warn(
        ["retry"],
        `${retry.maxAttempts} ${retry.maxAttempts === 1 ? "attempt" : "attempts"}, ${retry.backoffDuration} backoff: gives up after about ${Math.round(budgetMs / 1000)} s of outage; raise maxAttempts or backoffDuration, or run with --on-exhausted hold`,
      );
  });
  return warnings;
}

/** The backoffs between the attempts: 5s, 10s, … each at most five minutes. */
function retryBudgetMs(maxAttempts: number, backoffMs: number): number {
  let sum = 0;
  for (let n = 1; n < maxAttempts; n++) sum += Math.min(300_000, backoffMs * 2 ** (n - 1));
  return sum;
}

const isLoopback = (host: string): boolean => host === "localhost" || host.startsWith("127.") || host === "[::1]";

function interpretSecret(document: PlacedDocument): Interpreted {
  const parsed = v.safeParse(secretSchema, document.value);
  // Of a Secret only field names are said, never a value.
  if (!parsed.success) return { problems: parsed.issues.map((issue) => schemaProblem(document, issue)) };
  return { secret: { document: parsed.output, place: document.place([]) }, problems: [] };
}

/** A schema issue as a problem: unknown and missing fields in plain words, the rest as the schema says it. */
function schemaProblem(document: PlacedDocument, issue: v.BaseIssue<unknown>): Problem {
  const path = (issue.path ?? []).map((item) => item.key as string | number);
  const problem = (place: Place, at: Path, message: string): Problem => ({
    severity: "problem",
    place,
    path: fieldPath(at),
    message,
  });
  if (issue.type === "strict_object" && issue.expected === "never") {
    const name = String(path.at(-1));
    return problem(
      document.keyPlace(path),
      path,
      `unknown field "${name}"${didYouMean(name, knownFields(path.slice(0, -1)))}; remove it or correct its name`,
    );
  }
  if (issue.type === "strict_object" || issue.type === "loose_object" || issue.type === "object") {
    if (issue.received === "undefined") return problem(document.place(path), path, "is required and missing; add it");
    return problem(document.place(path), path, "must be a mapping");
  }
  if (issue.received === "undefined") return problem(document.place(path), path, "is required and missing; add it");
  if (issue.received === "null") return problem(document.place(path), path, "is empty; give it a value or remove it");
  return problem(document.place(path), path, issue.message);
}

/** Field names at a path of the API: for "did you mean". */
function knownFields(path: Path): string[] {
  const key = path.filter((p) => typeof p === "string").join(".");
  return FIELDS[key] ?? [];
}

const FIELDS: Record<string, string[]> = {
  "": ["apiVersion", "kind", "metadata", "spec", "status"],
  spec: ["sources", "sinks"],
  "spec.sources": ["name", "metrics"],
  "spec.sources.metrics": ["metricsql"],
  "spec.sinks": ["name", "sources", "target"],
  "spec.sinks.target": ["prometheusRemoteWrite"],
  "spec.sinks.target.prometheusRemoteWrite": ["endpoint", "authentication", "batch", "retry"],
  "spec.sinks.target.prometheusRemoteWrite.authentication": ["basicAuth"],
  "spec.sinks.target.prometheusRemoteWrite.authentication.basicAuth": ["secretRef"],
  "spec.sinks.target.prometheusRemoteWrite.authentication.basicAuth.secretRef": ["name"],
  "spec.sinks.target.prometheusRemoteWrite.batch": ["maxSize", "timeout"],
  "spec.sinks.target.prometheusRemoteWrite.retry": ["maxAttempts", "backoffDuration"],
};

/** spec.sinks[0].target */
export function fieldPath(path: Path): string {
  return path.reduce<string>(
    (text, key) => (typeof key === "number" ? `${text}[${key}]` : text === "" ? key : `${text}.${key}`),
    "",
  );
}
