// Documents in, typed policies and secrets out, with every problem found. Pure.
import * as v from "valibot";
import { type AnnotationLimits, policySettings } from "./annotations.ts";
import { kindOf } from "./kind.ts";
import type { PolicyPath } from "./paths.ts";
import type { Place, Policy, Problem } from "./policy.ts";
import { field, isString, list, references } from "./references.ts";
import { exportPolicySchema, type SecretDocument, secretSchema } from "./schema.ts";
import { typedPolicy } from "./typed.ts";
import type { CheckQuery, PolicyIdentity } from "./verdict.ts";
import { policyWarnings } from "./warnings.ts";
import { itemOf, type PlacedDocument } from "./yaml/document.ts";
import { withExcerpts } from "./yaml/excerpt.ts";
import { isUnknownField, problemsOf, schemaProblem, secretProblem } from "./yaml/issue.ts";

export type PlacedSecret = {
  document: SecretDocument;
  place: Place;
  /** Where a value stands. */
  placeOf(key: string): Place;
};
/** `lines`: of a Secret, valid or not. */
export type Interpreted = {
  policy?: Policy;
  secret?: PlacedSecret;
  secretLines?: readonly [number, number];
  /** `namespace/name` of a Secret that has problems of its own. */
  brokenSecret?: string;
  problems: Problem[];
};

export type InterpretOptions = {
  checkQuery: CheckQuery;
  /** The agent's settings that annotations may only narrow; absent (check): not known. */
  limits?: AnnotationLimits | undefined;
  /** The agent's own, where a policy says nothing; absent (check): drop, as by default. */
  onExhausted?: "drop" | "hold" | undefined;
  /** Where the documents are from is bound to a namespace. */
  bound?: PolicyPath | undefined;
  /** Namespaces that are bound, with their paths: documents from elsewhere cannot have them. */
  boundTo?: ReadonlyMap<string, string> | undefined;
};

/** What one document is: a policy, a secret, a list of them, somebody else's. */
export function interpret(document: PlacedDocument, options: InterpretOptions): Interpreted[] {
  const kind = kindOf(document);
  switch (kind) {
    case "policy":
    case "secret": {
      const placed = inNamespace(document, options);
      if ("severity" in placed)
        return [{ problems: [placed], ...(kind === "secret" ? { secretLines: document.lines } : {}) }];
      return [kind === "policy" ? interpretPolicy(placed, options) : interpretSecret(placed)];
    }
    case "list":
      return interpretList(document, options);
    default:
      if (looksLikeSecret(document)) return [{ secretLines: document.lines, ...kind }];
      return [{ problems: meantAsPolicy(document) ? withExcerpts(document, kind.problems, []) : kind.problems }];
  }
}

/** The document with the namespace that its path is bound to; a problem if it may not have the one that it claims. */
function inNamespace(document: PlacedDocument, { bound, boundTo }: InterpretOptions): PlacedDocument | Problem {
  const metadata = field(document.value, "metadata");
  const claimed = field(metadata, "namespace") ?? undefined;
  const problem = problemsOf(document);
  if (bound?.namespace === undefined) {
    const path = boundTo?.get(String(claimed ?? "default"));
    if (path === undefined) return document;
    const message = `namespace ${claimed ?? "default"} is bound to ${path}; put this document there, or give it another namespace`;
    return problem(["metadata", "namespace"], message);
  }
  const { namespace, path } = bound;
  if (claimed !== undefined && claimed !== namespace)
    return problem(
      ["metadata", "namespace"],
      `is outside namespace ${namespace}, to which ${path} is bound; write ${namespace} or remove it`,
    );
  if (claimed !== undefined || typeof metadata !== "object" || metadata === null || Array.isArray(metadata))
    return document;
  return { ...document, value: { ...(document.value as object), metadata: { ...metadata, namespace } } };
}

function interpretList(document: PlacedDocument, options: InterpretOptions): Interpreted[] {
  const items = field(document.value, "items");
  if (!Array.isArray(items))
    return [{ problems: [problemsOf(document)(["items"], "must be a list of documents; add it")] }];
  return items.flatMap((value, i) => interpret(itemOf(document, i, value), options));
}

/** Its lines are not echoed, whatever else is wrong with it. */
const looksLikeSecret = ({ value }: PlacedDocument): boolean =>
  field(value, "data") !== undefined ||
  field(value, "stringData") !== undefined ||
  /secret/i.test(String(field(value, "kind")));

const meantAsPolicy = ({ value }: PlacedDocument): boolean => /^exportpolic/i.test(String(field(value, "kind")));

function interpretPolicy(document: PlacedDocument, { checkQuery, limits, onExhausted }: InterpretOptions): Interpreted {
  const parsed = v.safeParse(exportPolicySchema, document.value);
  const annotations = annotationsOf(document);
  const own = policySettings(annotations, limits);
  const problem = problemsOf(document);
  const [unknownFields, refused] = partition(parsed.issues ?? [], isUnknownField);
  const ofSchema = (issue: v.BaseIssue<unknown>) => schemaProblem(document, exportPolicySchema, issue);
  const unknown = unknownFields.map(ofSchema);
  const found = [
    ...unknown,
    ...refused.map(ofSchema),
    ...own.problems.map(({ key, severity, message, unknown: ofKey }) => {
      const path = ["metadata", "annotations", key];
      const said = problem(path, message, severity);
      return ofKey ? { ...said, place: document.keyPlace(path) } : said;
    }),
    ...references(document),
    ...twoCredentials(document, annotations),
    ...queryProblems(document, checkQuery),
  ];
  const withLines = (problems: Problem[]) => withExcerpts(document, problems, unknown);
  if (!parsed.success || found.some((p) => p.severity === "problem")) return { problems: withLines(found) };
  const policy = typedPolicy(document, parsed.output, checkQuery, own.settings);
  return { policy, problems: withLines([...found, ...policyWarnings(document, parsed.output, policy, onExhausted)]) };
}

function partition<T>(all: readonly T[], is: (one: T) => boolean): [yes: T[], no: T[]] {
  return [all.filter(is), all.filter((one) => !is(one))];
}

/** One Authorization header is all a request has. */
function twoCredentials(document: PlacedDocument, annotations: Record<string, string>): Problem[] {
  if (annotations["outflow/bearer-secret"] === undefined) return [];
  const sinks = list(field(field(document.value, "spec"), "sinks"));
  const basic = sinks.findIndex(
    (sink) =>
      field(field(field(field(sink, "target"), "prometheusRemoteWrite"), "authentication"), "basicAuth") !== undefined,
  );
  if (basic < 0) return [];
  const message = `gives a bearer token to sinks of which spec.sinks[${basic}] has basicAuth; remove one of the two, or split the policy`;
  return [problemsOf(document)(["metadata", "annotations", "outflow/bearer-secret"], message)];
}

/** Those that are texts; the schema says what is wrong with the others. */
const textsIn = (value: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(value ?? {}).filter((entry): entry is [string, string] => isString(entry[1])));

const annotationsOf = ({ value }: PlacedDocument): Record<string, string> =>
  textsIn(field(field(value, "metadata"), "annotations"));

function queryProblems(document: PlacedDocument, checkQuery: CheckQuery): Problem[] {
  const problem = problemsOf(document);
  const identity = identityOf(document);
  return list(field(field(document.value, "spec"), "sources")).flatMap((source, i): Problem[] => {
    const path = ["spec", "sources", i, "metrics", "metricsql"];
    const query = field(field(source, "metrics"), "metricsql");
    if (!isString(query) || query.trim() === "") return [];
    const verdict = checkQuery(query, identity);
    const at = ({ message, offset }: { message: string; offset: number }, severity: Problem["severity"]) => ({
      ...problem(path, message, severity),
      place: document.placeIn(path, query, offset),
    });
    return verdict.ok ? verdict.warnings.map((w) => at(w, "warning")) : [at(verdict, "problem")];
  });
}

/** What of it is a text: also of a document that the schema refuses. */
function identityOf({ value }: PlacedDocument): PolicyIdentity {
  const metadata = field(value, "metadata");
  const text = (name: string) => (isString(field(metadata, name)) ? (field(metadata, name) as string) : undefined);
  return {
    namespace: text("namespace") ?? "default",
    name: text("name") ?? "",
    labels: textsIn(field(metadata, "labels")),
  };
}

function interpretSecret(document: PlacedDocument): Interpreted {
  const parsed = v.safeParse(secretSchema, document.value);
  const metadata = field(document.value, "metadata");
  if (!parsed.success)
    return {
      brokenSecret: `${field(metadata, "namespace") ?? "default"}/${field(metadata, "name")}`,
      secretLines: document.lines,
      problems: parsed.issues.map((issue) => secretProblem(document, secretSchema, issue)),
    };
  const { stringData } = parsed.output;
  const placeOf = (key: string) => document.place([stringData?.[key] === undefined ? "data" : "stringData", key]);
  return {
    secretLines: document.lines,
    secret: { document: parsed.output, place: document.place([]), placeOf },
    problems: [],
  };
}
