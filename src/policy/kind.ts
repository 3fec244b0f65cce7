// What a document says it is: ours, a Secret, a list, somebody else's, or a slip of the pen. Pure.

import { nearest } from "../platform/nearest.ts";
import type { Problem } from "./policy.ts";
import { field, isString } from "./references.ts";
import { API_GROUP, API_VERSION } from "./schema.ts";
import type { PlacedDocument } from "./yaml/document.ts";
import { problemsOf } from "./yaml/issue.ts";

export type Kind = "policy" | "secret" | "list" | { problems: Problem[] };

const VERSIONS: Record<string, string> = {
  ExportPolicy: API_VERSION,
  ExportPolicyList: API_VERSION,
  Secret: "v1",
  List: "v1",
};

export function kindOf(document: PlacedDocument): Kind {
  const problem = problemsOf(document);
  const { value } = document;
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { problems: [problem([], "is not a mapping; an ExportPolicy begins with apiVersion and kind")] };
  const [apiVersion, kind] = [field(value, "apiVersion"), field(value, "kind")];
  const missing = [...(isString(apiVersion) ? [] : ["apiVersion"]), ...(isString(kind) ? [] : ["kind"])];
  if (!isString(apiVersion) || !isString(kind)) {
    const what = (name: string) =>
      `${field(value, name) === undefined ? "is required and missing" : "must be a string"}; an ExportPolicy has apiVersion: ${API_VERSION} and kind: ExportPolicy`;
    return { problems: missing.map((name) => problem([name], what(name))) };
  }
  const meant = meantKind(apiVersion, kind);
  if (meant === undefined)
    return {
      problems: [problem(["kind"], "is skipped: outflow reads ExportPolicy and Secret documents only", "note")],
    };
  const problems = [
    ...(apiVersion === VERSIONS[meant]
      ? []
      : [problem(["apiVersion"], `is not what ${meant} has; write apiVersion: ${VERSIONS[meant]}`)]),
    ...(kind === meant ? [] : [problem(["kind"], `is not a kind that outflow reads; write kind: ${meant}`)]),
  ];
  if (problems.length > 0) return { problems };
  return meant === "ExportPolicy" ? "policy" : meant === "Secret" ? "secret" : "list";
}

/** The kind that was meant, exactly or nearly; undefined: somebody else's document. */
function meantKind(apiVersion: string, kind: string): string | undefined {
  if (Object.hasOwn(VERSIONS, kind)) return kind === "List" && apiVersion !== "v1" ? undefined : kind;
  const ours = apiVersion.toLowerCase().split("/")[0] === API_GROUP;
  const near =
    nearest(kind, ["ExportPolicy", "ExportPolicyList"]) ??
    (/^exportpolicies$/i.test(kind) ? "ExportPolicy" : undefined);
  if (near !== undefined || ours) return near ?? "ExportPolicy";
  return apiVersion.toLowerCase() === "v1" && /^secrets?$/i.test(kind) ? "Secret" : undefined;
}
