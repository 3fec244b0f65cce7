// Documents in, typed policies and secrets out, with every problem found. Pure.
import * as v from "valibot";
import { type AnnotationLimits, policySettings } from "./annotations.ts";
import { itemOf, type PlacedDocument } from "./document.ts";
import { withExcerpts } from "./excerpt.ts";
import { isUnknownField, problemsOf, schemaProblem, secretProblem } from "./issue.ts";
import { kindOf } from "./kind.ts";
import type { Place, Policy, Problem } from "./policy.ts";
import { field, isString, list, references } from "./references.ts";
import { exportPolicySchema, type SecretDocument, secretSchema } from "./schema.ts";
import { typedPolicy } from "./typed.ts";
import type { CheckQuery } from "./verdict.ts";
import { policyWarnings } from "./warnings.ts";

export type PlacedSecret = {
  document: SecretDocument;
  place: Place;
  /** Where a value of `data` stands. */
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
};

/** What one document is: a policy, a secret, a list of them, somebody else's. */
export function interpret(document: PlacedDocument, options: InterpretOptions): Interpreted[] {
  const kind = kindOf(document);
  switch (kind) {
    case "policy":
      return [interpretPolicy(document, options)];
    case "secret":
      return [interpretSecret(document)];
    case "list":
      return interpretList(document, options);
    default:
      if (looksLikeSecret(document)) return [{ secretLines: document.lines, ...kind }];
      return [{ problems: meantAsPolicy(document) ? withExcerpts(document, kind.problems, []) : kind.problems }];
  }
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
const annotationsOf = ({ value }: PlacedDocument): Record<string, string> =>
  Object.fromEntries(
    Object.entries(field(field(value, "metadata"), "annotations") ?? {}).filter((entry): entry is [string, string] =>
      isString(entry[1]),
    ),
  );

function queryProblems(document: PlacedDocument, checkQuery: CheckQuery): Problem[] {
  const problem = problemsOf(document);
  return list(field(field(document.value, "spec"), "sources")).flatMap((source, i): Problem[] => {
    const path = ["spec", "sources", i, "metrics", "metricsql"];
    const query = field(field(source, "metrics"), "metricsql");
    if (!isString(query) || query.trim() === "") return [];
    const verdict = checkQuery(query);
    const at = ({ message, offset }: { message: string; offset: number }, severity: Problem["severity"]) => ({
      ...problem(path, message, severity),
      place: document.placeIn(path, query, offset),
    });
    return verdict.ok ? verdict.warnings.map((w) => at(w, "warning")) : [at(verdict, "problem")];
  });
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
  const placeOf = (key: string) => document.place(["data", key]);
  return {
    secretLines: document.lines,
    secret: { document: parsed.output, place: document.place([]), placeOf },
    problems: [],
  };
}
