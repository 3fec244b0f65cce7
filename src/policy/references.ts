// What the fields of a policy must be to each other: names unique in their list, each source that a sink names defined and named
// once. Looks at whatever is there, so that all problems are found also where the schema refuses something else. Pure.

import { didYouMean } from "../platform/nearest.ts";
import type { Problem } from "./policy.ts";
import type { PlacedDocument } from "./yaml/document.ts";
import { type Problems, problemsOf } from "./yaml/issue.ts";
import type { Path } from "./yaml/places.ts";

export function references(document: PlacedDocument): Problem[] {
  const problem = problemsOf(document);
  const spec = field(document.value, "spec");
  const sources = list(field(spec, "sources")).map((source) => field(source, "name"));
  const sinks = list(field(spec, "sinks"));
  return [
    ...twins(problem, ["spec", "sources"], sources),
    ...twins(
      problem,
      ["spec", "sinks"],
      sinks.map((sink) => field(sink, "name")),
    ),
    ...sinks.flatMap((sink, i) =>
      named(problem, ["spec", "sinks", i, "sources"], list(field(sink, "sources")), sources.filter(isString)),
    ),
  ];
}

function twins(problem: Problems, path: Path, names: readonly unknown[]): Problem[] {
  return names.flatMap((name, i) => {
    const first = names.indexOf(name);
    if (!isString(name) || first === i) return [];
    const message = `"${name}" is the name of ${path.join(".")}[${first}] already; names must be unique, rename one`;
    return [problem([...path, i, "name"], message)];
  });
}

function named(problem: Problems, path: Path, names: readonly unknown[], sources: readonly string[]): Problem[] {
  return names.flatMap((name, i) => {
    if (!isString(name)) return [];
    if (!sources.includes(name)) {
      const near = didYouMean(name, sources);
      return [problem([...path, i], `names no source: "${name}"${near}; define it in spec.sources or remove it here`)];
    }
    return names.indexOf(name) === i ? [] : [problem([...path, i], `names source "${name}" a second time; remove it`)];
  });
}

/** A field of something that may be anything. */
export const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)[name]
    : undefined;

export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
export const isString = (value: unknown): value is string => typeof value === "string";
