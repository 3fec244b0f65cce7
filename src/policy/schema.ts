// The ExportPolicy API as a valibot schema: telemetry.miloapis.com/v1alpha1, every field, limit and default of the API reference.
// Strict as `kubectl --validate=strict`. Messages say what is wrong; what to do. No message repeats a value.
import * as v from "valibot";
import { parseDuration } from "../config/duration.ts";
import { endpointProblem } from "./endpoint.ts";

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
export const MAX_DURATION_MS = 86_400_000;

const text = (what: string) => v.string(`${what} must be a string; put it in quotes`);
const mapping = "must be a mapping";

const dnsLabel = v.pipe(
  text("a name"),
  v.minLength(1, "a name must not be empty; write a DNS label such as gateway-metrics"),
  v.maxLength(63, "a name has at most 63 characters; shorten it"),
  v.check(
    (name) => name === "" || DNS_LABEL.test(name),
    "a name must be a DNS label; use lower-case letters, digits and -, beginning and ending with a letter or digit",
  ),
  v.metadata({ pattern: DNS_LABEL.source }),
);

const subdomain = (what: string) =>
  v.pipe(
    text(what),
    v.minLength(1, `${what} must not be empty; give it a name`),
    v.maxLength(253, `${what} has at most 253 characters; shorten it`),
    v.check(
      (name) => name === "" || DNS_SUBDOMAIN.test(name),
      `${what} must be a DNS subdomain; use lower-case letters, digits, - and .`,
    ),
    v.metadata({ pattern: DNS_SUBDOMAIN.source }),
  );

const duration = (title: string) =>
  v.pipe(
    v.string("a duration must be text in Go's syntax, with a unit; write for example 5s"),
    v.maxLength(32, "a duration has at most 32 characters; write for example 5s"),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const ms = parseDuration(dataset.value);
      if (/^-/.test(dataset.value) || ms === 0)
        addIssue({ message: "a duration must be above zero; write for example 5s" });
      else if (ms === undefined) addIssue({ message: "is not a valid duration; write for example 5s, 500ms or 1m30s" });
      else if (ms > MAX_DURATION_MS) addIssue({ message: "a duration must be at most 24h; shorten it" });
    }),
    v.description(title),
    v.metadata({ pattern: "^([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|ms|s|m|h)([0-9.]+(ns|us|µs|ms|s|m|h))*$" }),
  );

const wholeNumber = (min: number, max: number, title: string) =>
  v.pipe(
    v.number(`must be a number from ${min} to ${max}, without quotes`),
    v.integer(`must be a whole number from ${min} to ${max}`),
    v.minValue(min, `must be at least ${min}; write a number from ${min} to ${max}`),
    v.maxValue(max, `must be at most ${max}; write a number from ${min} to ${max}`),
    v.description(title),
  );

const batch = v.pipe(
  v.strictObject(
    {
      maxSize: wholeNumber(1, 5000, "Most samples in one request."),
      timeout: duration("A batch is sent when its oldest sample has been here this long, full or not (e.g. 5s)."),
    },
    mapping,
  ),
  v.description("How samples are batched. Default: 500 samples or 5s, whichever comes first."),
);
const retry = v.pipe(
  v.strictObject(
    {
      backoffDuration: duration("Wait after the first failed attempt; doubled after each further one, 5m at most."),
      maxAttempts: wholeNumber(1, 10, "Attempts, the first one included, before a batch is dropped."),
    },
    mapping,
  ),
  v.description("What happens when a request fails. Default: 3 attempts, 5s backoff."),
);

const endpoint = v.pipe(
  text("endpoint"),
  v.maxLength(2048, "endpoint has at most 2048 characters; shorten it"),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const problem = endpointProblem(dataset.value);
    if (problem !== undefined) addIssue({ message: problem });
  }),
  v.description("Where to send: an http or https URL that takes Prometheus remote write."),
  v.metadata({ pattern: "^[hH][tT][tT][pP][sS]?://[^/?#\\\\\\s@]+([/?][^#\\s]*)?$" }),
);

const secretRef = v.pipe(
  v.strictObject({ name: subdomain("the name of a Secret") }, mapping),
  v.description("A Secret of type kubernetes.io/basic-auth in the policy's namespace."),
);
const authentication = v.strictObject({ basicAuth: v.optional(v.strictObject({ secretRef }, mapping)) }, mapping);

const remoteWrite = v.strictObject(
  {
    endpoint,
    authentication: v.nullish(authentication),
    batch: v.nullish(batch),
    retry: v.nullish(retry),
  },
  mapping,
);

const source = v.strictObject(
  {
    name: dnsLabel,
    metrics: v.strictObject(
      {
        metricsql: v.pipe(
          text("metricsql"),
          v.check((q) => q.trim() !== "", 'metricsql must not be empty; write a query such as {job="gateway"}'),
          v.description("A MetricsQL selector (its raw samples are sent) or any other expression (it is evaluated)."),
        ),
      },
      mapping,
    ),
  },
  mapping,
);

const sink = v.strictObject(
  {
    name: dnsLabel,
    sources: v.pipe(
      v.array(text("the name of a source"), "must be a list of source names"),
      v.minLength(1, "must name at least one source; add one, or remove the sink"),
      v.maxLength(20, "has at most 20 sources; use a second sink"),
      v.description("Names of the sources that are sent here."),
    ),
    target: v.strictObject({ prometheusRemoteWrite: remoteWrite }, mapping),
  },
  mapping,
);

const stringMap = (what: string) => v.nullish(v.record(v.string(), text(what), mapping));
const anything = v.optional(v.unknown());

/** Kubernetes' ObjectMeta: what outflow reads is checked, what the API server writes is let through. */
const metadata = v.strictObject(
  {
    name: subdomain("a name"),
    namespace: v.nullish(
      v.pipe(
        text("namespace"),
        v.maxLength(63, "a namespace has at most 63 characters; shorten it"),
        v.check(
          (name) => DNS_LABEL.test(name),
          "a namespace must be a DNS label; use lower-case letters, digits and -",
        ),
      ),
    ),
    generation: v.nullish(
      v.pipe(
        v.number("generation must be a number, without quotes"),
        v.integer("generation must be a whole number"),
        v.minValue(0, "generation must not be negative; remove it"),
      ),
    ),
    annotations: stringMap("an annotation"),
    labels: stringMap("a label"),
    generateName: anything,
    uid: anything,
    resourceVersion: anything,
    selfLink: anything,
    creationTimestamp: anything,
    deletionTimestamp: anything,
    deletionGracePeriodSeconds: anything,
    finalizers: anything,
    ownerReferences: anything,
    managedFields: anything,
  },
  mapping,
);

export const API_GROUP = "telemetry.miloapis.com";
export const API_VERSION = `${API_GROUP}/v1alpha1`;

export const exportPolicySchema = v.strictObject(
  {
    apiVersion: v.literal(API_VERSION),
    kind: v.literal("ExportPolicy"),
    metadata,
    spec: v.strictObject(
      {
        sources: v.pipe(
          v.array(source, "must be a list of sources"),
          v.minLength(1, "must have at least one source; add one"),
          v.maxLength(20, "has at most 20 sources; use a second policy"),
        ),
        sinks: v.pipe(
          v.array(sink, "must be a list of sinks"),
          v.minLength(1, "must have at least one sink; add one"),
          v.maxLength(20, "has at most 20 sinks; use a second policy"),
        ),
      },
      mapping,
    ),
    status: anything,
  },
  mapping,
);

export type ExportPolicyDocument = v.InferOutput<typeof exportPolicySchema>;

export const secretSchema = v.strictObject(
  {
    apiVersion: v.literal("v1"),
    kind: v.literal("Secret"),
    metadata,
    type: v.nullish(text("type")),
    data: stringMap("a value of data"),
    stringData: stringMap("a value of stringData"),
    immutable: anything,
  },
  mapping,
);

export type SecretDocument = v.InferOutput<typeof secretSchema>;

/** What a policy leaves out. The API reference: batch 500 / 5s, retry 3 / 5s. */
export const DEFAULT_BATCH = { maxSize: 500, timeout: "5s" };
export const DEFAULT_RETRY = { maxAttempts: 3, backoffDuration: "5s" };

/** Field names of the API by the path of their parent without indexes: for "did you mean". */
export const fields = (schema: v.GenericSchema, path: readonly (string | number)[]): string[] => {
  let at: unknown = schema;
  for (const key of path) {
    const { entries, item } = plain(at);
    at = typeof key === "number" ? item : entries?.[key];
  }
  return Object.keys(plain(at).entries ?? {});
};

type Inner = { entries?: Record<string, unknown>; item?: unknown; wrapped?: unknown };

/** Without the wrappers nullish and optional; a pipe has what its first schema has. */
const plain = (schema: unknown): Inner => {
  let inner = (schema ?? {}) as Inner;
  while (inner.wrapped !== undefined) inner = inner.wrapped as Inner;
  return inner;
};
