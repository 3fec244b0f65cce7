// Paths in, all policies and all problems out. Two steps: read what the files hold, then give sinks the values of their Secrets;
// between them a running agent keeps the last good version of files that have problems (last-good.ts).
import type { Files } from "../platform/files.ts";
import { placeText } from "../platform/place.ts";
import { printable } from "../platform/printable.ts";
import { firstDefinitions } from "./definitions.ts";
import { readDocuments } from "./document.ts";
import { type Interpreted, type InterpretOptions, interpret, type PlacedSecret } from "./interpret.ts";
import { findFiles, policyPath, readText } from "./paths.ts";
import type { LoadResult, Policy, Problem } from "./policy.ts";
import { Secrets } from "./secrets.ts";

export type LoadOptions = InterpretOptions & {
  files: Files;
  secretsDir?: string | undefined;
  /** Bytes. */
  maxPolicySize: number;
  /** What `-` stands for. */
  stdin?: Uint8Array | undefined;
  /** The severity of a Secret that is missing, or of no use: a warning by default (the sink is refused, others run). */
  missingSecret?: Problem["severity"];
  uselessSecret?: Problem["severity"];
};

/** What one file holds, before Secrets are resolved. `ok`: it has no problems of its own. */
export type FileContents = { policies: Policy[]; secrets: PlacedSecret[]; brokenSecrets: string[]; ok: boolean };

export type Reading = {
  files: ReadonlyMap<string, FileContents>;
  /** Directories that cannot be listed: what they hold is not known. */
  closed: readonly string[];
  problems: Problem[];
};

/** For check and for a first start. */
export const loadPolicies = (paths: readonly string[], options: LoadOptions): LoadResult =>
  resolvePolicies(firstDefinitions(readPolicies(paths, options), new Map()).reading, options);

/** One policy text that is not a file (the demo's). */
export function loadText(name: string, text: string, checkQuery: LoadOptions["checkQuery"]): LoadResult {
  const bytes = new TextEncoder().encode(text);
  const info = { kind: "file", size: bytes.length, mode: 0o600, version: "" } as const;
  const files: Files = { info: () => info, list: () => [], real: (path) => path, read: () => bytes };
  return loadPolicies([name], { files, checkQuery, maxPolicySize: Number.POSITIVE_INFINITY });
}

export function readPolicies(paths: readonly string[], options: LoadOptions): Reading {
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

function readFile(file: string, options: LoadOptions): { interpreted: Interpreted[]; problems: Problem[] } {
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

/** Sinks get their credentials or their refusal; problems come in the order of files and lines. */
export function resolvePolicies(reading: Reading, options: LoadOptions): LoadResult {
  const contents = [...reading.files.values()];
  const secrets = new Secrets(
    contents.flatMap((c) => c.secrets),
    contents.flatMap((c) => c.brokenSecrets),
    options,
  );
  const problems = [...reading.problems];
  problems.push(...secrets.problems());
  const policies: Policy[] = [];
  for (const policy of contents.flatMap((c) => c.policies)) {
    const resolved = secrets.resolve(policy);
    policies.push(resolved.policy);
    problems.push(...resolved.problems);
  }
  const files = [...reading.files.keys()];
  const held = contents.reduce((n, c) => n + c.secrets.length, 0);
  return { policies, problems: sorted(problems, files).map(cleanProblem), files, secrets: held };
}

function openToOthers(file: string, files: Files): Problem[] {
  const mode = file === "-" ? 0 : (files.info(file)?.mode ?? 0);
  if ((mode & 0o044) === 0) return [];
  const message = "holds a Secret and is readable for group or others; chmod 600";
  return [{ severity: "warning", place: { file, line: 1, column: 1 }, path: "", message }];
}

function sorted(problems: readonly Problem[], files: readonly string[]): Problem[] {
  const rank = new Map(files.map((file, i) => [file, i]));
  const of = ({ place }: Problem) => rank.get(place.file) ?? -1;
  return problems.toSorted((a, b) => of(a) - of(b) || a.place.line - b.place.line || a.place.column - b.place.column);
}

const LONGEST_PATH = 300;
const LONGEST_MESSAGE = 600;

/** Names and file names are outside text. */
export const cleanProblem = ({ place, path, message, severity, excerpt }: Problem): Problem => ({
  severity,
  place: { ...place, file: printable(place.file) },
  path: printable(path, LONGEST_PATH),
  message: printable(message, LONGEST_MESSAGE),
  ...(excerpt === undefined ? {} : { excerpt: printable(excerpt) }),
});

/** One line for people: `file:line:column: path: message`; an object of the API server has no line. */
export function problemLine(p: Problem): string {
  const kind = p.severity === "problem" ? "" : `${p.severity}: `;
  return `${placeText(p.place)}: ${kind}${p.path === "" ? "" : `${p.path}: `}${p.message}`;
}
