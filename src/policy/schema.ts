// The ExportPolicy API as a valibot schema: telemetry.miloapis.com/v1alpha1, every field, limit and default of the API reference.
// Strict as `kubectl --validate=strict`. Messages say what is wrong; what to do.
import * as v from "valibot";
import { parseDuration } from "../config/duration.ts";

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
export const MAX_DURATION_MS = 86_400_000;

const text = (what: string) => v.string(`${what} must be a string; put it in quotes`);

const dnsLabel = v.pipe(
  text("a name"),
  v.minLength(1, "a name must not be empty; write a DNS label such as gateway-metrics"),
  v.maxLength(63, "a name has at most 63 characters; shorten it"),
  v.regex(
    DNS_LABEL,
    "a name must be a DNS label; use lower-case letters, digits and -, beginning and ending with a letter or digit",
  ),
);

const subdomain = (what: string) =>
  v.pipe(
    text(what),
    v.minLength(1, `${what} must not be empty`),
    v.maxLength(253, `${what} has at most 253 characters; shorten it`),
    v.regex(DNS_SUBDOMAIN, `${what} must be a DNS subdomain; use lower-case letters, digits, - and .`),
  );

const duration = v.pipe(
  text("a duration"),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const ms = parseDuration(dataset.value);
    if (ms === undefined) addIssue({ message: "is no duration; write for example 5s, 500ms or 1m30s" });
    else if (ms <= 0) addIssue({ message: "a duration must be above zero; write for example 5s" });
    else if (ms > MAX_DURATION_MS) addIssue({ message: "a duration must be at most 24h; shorten it" });
  }),
);

const wholeNumber = (min: number, max: number) =>
  v.pipe(
    v.number(`must be a number from ${min} to ${max}, without quotes`),
    v.integer(`must be a whole number from ${min} to ${max}`),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );

const batch = v.strictObject({ maxSize: wholeNumber(1, 5000), timeout: duration });
const retry = v.strictObject({ backoffDuration: duration, maxAttempts: wholeNumber(1, 10) });

const endpoint = v.pipe(
  text("endpoint"),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const problem = endpointProblem(dataset.value);
    if (problem !== undefined) addIssue({ message: problem });
  }),
);

export function endpointProblem(value: string): string | undefined {
  if (/\s/.test(value)) return "endpoint must not hold white space; remove it";
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value))
    return "endpoint must be an absolute http or https URL; write for example https://mimir.example.com/api/v1/push";
  const url = new URL(value);
  if (url.hostname === "") return "endpoint has no host; write for example https://mimir.example.com/api/v1/push";
  if (url.username !== "" || url.password !== "")
    return "endpoint must not hold user info; put the credentials in a Secret and name it in authentication.basicAuth.secretRef";
  if (url.hash !== "" || value.includes("#")) return "endpoint must not hold a fragment; remove # and what follows";
  return undefined;
}

const authentication = v.strictObject({
  basicAuth: v.optional(v.strictObject({ secretRef: v.strictObject({ name: subdomain("the name of a Secret") }) })),
});

const remoteWrite = v.strictObject({
  endpoint,
  authentication: v.nullish(authentication),
  batch: v.nullish(batch),
  retry: v.nullish(retry),
});

const source = v.strictObject({
  name: dnsLabel,
  metrics: v.strictObject({
    metricsql: v.pipe(
      text("metricsql"),
      v.check((q) => q.trim() !== "", 'metricsql must not be empty; write a query such as {job="gateway"}'),
    ),
  }),
});

const sink = v.strictObject({
  name: dnsLabel,
  sources: v.pipe(
    v.array(text("the name of a source"), "must be a list of source names"),
    v.minLength(1, "must name at least one source"),
    v.maxLength(20, "has at most 20 sources; use a second sink"),
  ),
  target: v.strictObject({ prometheusRemoteWrite: remoteWrite }),
});

const metadata = v.looseObject({
  name: subdomain("metadata.name"),
  namespace: v.optional(
    v.pipe(
      text("namespace"),
      v.maxLength(63, "a namespace has at most 63 characters"),
      v.regex(DNS_LABEL, "a namespace must be a DNS label"),
    ),
  ),
  generation: v.optional(
    v.pipe(
      v.number("generation must be a number"),
      v.integer("generation must be a whole number"),
      v.minValue(0, "generation must not be negative"),
    ),
  ),
  annotations: v.nullish(v.record(v.string(), text("an annotation"))),
  labels: v.nullish(v.record(v.string(), text("a label"))),
});

export const API_VERSION = "telemetry.miloapis.com/v1alpha1";

export const exportPolicySchema = v.strictObject({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal("ExportPolicy"),
  metadata,
  spec: v.strictObject({
    sources: v.pipe(
      v.array(source, "must be a list of sources"),
      v.minLength(1, "must have at least one source"),
      v.maxLength(20, "has at most 20 sources; use a second policy"),
    ),
    sinks: v.pipe(
      v.array(sink, "must be a list of sinks"),
      v.minLength(1, "must have at least one sink"),
      v.maxLength(20, "has at most 20 sinks; use a second policy"),
    ),
  }),
  status: v.optional(v.unknown()),
});

export type ExportPolicyDocument = v.InferOutput<typeof exportPolicySchema>;

export const secretSchema = v.looseObject({
  apiVersion: v.literal("v1", 'apiVersion of a Secret must be "v1"'),
  kind: v.literal("Secret"),
  metadata,
  type: v.optional(text("type")),
  data: v.nullish(v.record(v.string(), text("a value of data"))),
  stringData: v.nullish(v.record(v.string(), text("a value of stringData"))),
});

export type SecretDocument = v.InferOutput<typeof secretSchema>;

/** What a policy leaves out. The API reference: batch 500 / 5s, retry 3 / 5s. */
export const DEFAULT_BATCH = { maxSize: 500, timeout: "5s" };
export const DEFAULT_RETRY = { maxAttempts: 3, backoffDuration: "5s" };
