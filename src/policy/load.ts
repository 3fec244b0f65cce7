// Paths in, all policies and all problems out. Two steps: read what the files hold (read.ts), then give sinks the values of their
// Secrets; between them a running agent keeps the last good version of files that have problems (last-good.ts).
import type { Files } from "../platform/files.ts";
import { placeText } from "../platform/place.ts";
import { printable } from "../platform/printable.ts";
import { firstDefinitions } from "./definitions.ts";
import type { LoadResult, Policy, Problem } from "./policy.ts";
import { type Reading, type ReadOptions, readPolicies } from "./read.ts";
import { Secrets } from "./secrets/secrets.ts";

export type LoadOptions = ReadOptions & {
  secretsDir?: string | undefined;
  /** The severity of a Secret that is missing, or not usable: a warning by default (the sink is refused, others run). */
  missingSecret?: Problem["severity"];
  uselessSecret?: Problem["severity"];
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
