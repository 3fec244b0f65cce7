// What the policy files hold: each document interpreted, with its problems, before Secrets are resolved.
import type { Files } from "../platform/files.ts";
import { type Interpreted, type InterpretOptions, interpret, type PlacedSecret } from "./interpret.ts";
import { findFiles, policyPath, readText } from "./paths.ts";
import type { Policy, Problem } from "./policy.ts";
import { readDocuments } from "./yaml/document.ts";

export type ReadOptions = InterpretOptions & {
  files: Files;
  /** Bytes. */
  maxPolicySize: number;
  /** What `-` stands for. */
  stdin?: Uint8Array | undefined;
};

/** What one file holds, before Secrets are resolved. `ok`: it has no problems of its own. */
export type FileContents = { policies: Policy[]; secrets: PlacedSecret[]; brokenSecrets: string[]; ok: boolean };

export type Reading = {
  files: ReadonlyMap<string, FileContents>;
  /** Directories that cannot be listed: what they hold is not known. */
  closed: readonly string[];
  problems: Problem[];
};

export function readPolicies(paths: readonly string[], options: ReadOptions): Reading {
  const found = findFiles(paths.map(policyPath), options.files);
  const problems = [...found.problems];
  const files = new Map<string, FileContents>();
  const boundTo = new Map(
    paths.map(policyPath).flatMap((p) => (p.namespace === undefined ? [] : [[p.namespace, p.path]])),
  );
  for (const { file, bound } of found.files) {
    const read = readFile(file, { ...options, bound, boundTo });
    problems.push(...read.problems);
    files.set(file, {
      policies: read.interpreted.flatMap((f) => f.policy ?? []),
      secrets: read.interpreted.flatMap((f) => f.secret ?? []),
      brokenSecrets: read.interpreted.flatMap((f) => f.brokenSecret ?? []),
      ok: !read.problems.some((p) => p.severity === "problem"),
    });
  }
  return { files, closed: found.closed, problems };
}

function readFile(file: string, options: ReadOptions): { interpreted: Interpreted[]; problems: Problem[] } {
  const text = readText(file, options);
  if ("problem" in text) return { interpreted: [], problems: [text.problem] };
  const read = readDocuments(file, text.text);
  const interpreted = read.documents.flatMap((document) => interpret(document, options));
  const secretLines = interpreted.flatMap((f) => (f.secretLines ? [f.secretLines] : []));
  const shown = ({ excerpt, ...problem }: Problem): Problem =>
    excerpt === undefined || secretLines.some(([from, to]) => from <= problem.place.line && problem.place.line <= to)
      ? problem
      : { ...problem, excerpt };
  const open = secretLines.length > 0 ? openToOthers(file, options.files) : [];
  return { interpreted, problems: [...read.problems, ...interpreted.flatMap((f) => f.problems).map(shown), ...open] };
}

function openToOthers(file: string, files: Files): Problem[] {
  const mode = file === "-" ? 0 : (files.info(file)?.mode ?? 0);
  if ((mode & 0o044) === 0) return [];
  const message = "holds a Secret and is readable for group or others; run chmod 600 on it";
  return [{ severity: "warning", place: { file, line: 1, column: 1 }, path: "", message }];
}
