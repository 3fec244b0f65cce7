// What the schema refuses, as a problem with its place: unknown and missing fields in plain words, the rest as the schema says it.
// Never a value. Of a Secret, not even a key that is not a Secret's own: with a slip of the indentation it may be a password. Pure.
import type * as v from "valibot";
import { didYouMean } from "../../platform/nearest.ts";
import type { Problem } from "../policy.ts";
import { fields } from "../schema.ts";
import type { PlacedDocument } from "./document.ts";
import { fieldPath } from "./field-path.ts";
import type { Path } from "./places.ts";

export type Problems = (path: Path, message: string, severity?: Problem["severity"]) => Problem;

/** A maker of problems in one document. */
export const problemsOf =
  (document: PlacedDocument): Problems =>
  (path, message, severity = "problem") => ({
    severity,
    place: document.place(path),
    path: fieldPath([...document.base, ...path]),
    message,
  });

export const isUnknownField = (issue: v.BaseIssue<unknown>): boolean =>
  issue.type === "strict_object" && issue.expected === "never";

export function schemaProblem(document: PlacedDocument, schema: v.GenericSchema, issue: v.BaseIssue<unknown>): Problem {
  const problem = problemsOf(document);
  const path = (issue.path ?? []).map((item) => item.key as string | number);
  if (isUnknownField(issue)) {
    const name = String(path.at(-1));
    const known = didYouMean(name, fields(schema, path.slice(0, -1)));
    return {
      ...problem(path, `unknown field "${name}"${known}; remove it or correct its name`),
      place: document.keyPlace(path),
    };
  }
  if (issue.received === "undefined") return problem(path, "is required and missing; add it");
  if (issue.received === "null") return problem(path, "is empty; give it a value or remove it");
  if (issue.type === "strict_object" || issue.type === "record")
    return problem(path, "must be a mapping; indent its fields below it");
  if (issue.type === "array") return problem(path, `${issue.message}; begin each with "- "`);
  return problem(path, issue.message);
}

/** As schemaProblem(), with a Secret's unknown keys left out. */
export function secretProblem(document: PlacedDocument, schema: v.GenericSchema, issue: v.BaseIssue<unknown>): Problem {
  const said = schemaProblem(document, schema, issue);
  const keys = (issue.path ?? []).map((item) => item.key as string | number);
  const known = keys.findIndex(
    (key, i) => !fields(schema, keys.slice(0, i)).includes(String(key)) && !OWN.has(String(key)),
  );
  if (known < 0) return said;
  const path = fieldPath([...document.base, ...keys.slice(0, known)]);
  if (isUnknownField(issue)) {
    const near = didYouMean(String(keys.at(-1)), fields(schema, keys.slice(0, -1)));
    return { ...said, path, message: `has an unknown field here${near}; remove it or correct its name` };
  }
  return { ...said, path };
}

const OWN = new Set(["username", "password", "token"]);
