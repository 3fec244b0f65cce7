// Paths in, all policies and all problems out. Directories are read recursively (*.yaml *.yml *.json), names that begin with a dot
// (Kubernetes' ..data among them) are left to the links that point there.
import type { Files } from "../platform/files.ts";
import type { AnnotationLimits } from "./annotations.ts";
import { type PlacedDocument, readDocuments } from "./document.ts";
import { type CheckQuery, type Interpreted, interpret, type PlacedSecret } from "./interpret.ts";
import type { LoadResult, Policy, Problem } from "./policy.ts";
import { API_VERSION } from "./schema.ts";
import { Secrets } from "./secrets.ts";

export type LoadOptions = {
  files: Files;
  checkQuery: CheckQuery;
  /** The agent's settings that annotations may only narrow; absent (check): not known. */
  limits?: AnnotationLimits | undefined;
  secretsDir?: string | undefined;
  /** Bytes. */
  maxPolicySize: number;
  /** What `-` stands for. */
  stdin?: string | undefined;
};

const POLICY_FILE = /\.(ya?ml|json)$/i;

export function loadPolicies(paths: readonly string[], options: LoadOptions): LoadResult {
  const problems: Problem[] = [];
  const files = paths.flatMap((path) => expand(path, options.files));
  const found: Interpreted[] = [];
  for (const file of files) {
    const text = readText(file, options, problems);
    if (text === undefined) continue;
    const read = readDocuments(file, text);
    problems.push(...read.problems);
    for (const document of read.documents.flatMap(unlist)) found.push(interpret(document, options));
    if (read.documents.some((d) => kindOf(d.value) === "Secret")) problems.push(...openToOthers(file, options.files));
  }
  problems.push(...found.flatMap((f) => f.problems));
  const secrets = new Secrets(
    found.flatMap((f) => f.secret ?? []),
    options.secretsDir,
    options.files,
  );
  const policies: Policy[] = [];
  for (const policy of found.flatMap((f) => f.policy ?? [])) {
    const twin = policies.find((p) => p.namespace === policy.namespace && p.name === policy.name);
    if (twin !== undefined) {
      const other = `${twin.place.file}:${twin.place.line}:${twin.place.column}`;
      problems.push({
        severity: "problem",
        place: policy.place,
        path: "metadata.name",
        message: `policy ${policy.namespace}/${policy.name} stands at ${other} already; rename or remove one`,
      });
      continue;
    }
    const resolved = secrets.resolve(policy);
    policies.push(resolved.policy);
    problems.push(...resolved.problems);
  }
  problems.push(...twinSecrets(found.flatMap((f) => f.secret ?? [])));
  return { policies, problems, files };
}

/** One policy text that is no file (the demo's). */
export function loadText(name: string, text: string, checkQuery: CheckQuery): LoadResult {
  const none: Files = { info: () => undefined, list: () => [], read: () => new TextEncoder().encode(text) };
  return loadPolicies([name], { files: none, checkQuery, maxPolicySize: Number.POSITIVE_INFINITY });
}

function expand(path: string, files: Files): string[] {
  if (path === "-" || files.info(path)?.kind !== "directory") return [path];
  return files
    .list(path)
    .filter((name) => !name.startsWith("."))
    .map((name) => `${path.replace(/\/+$/, "")}/${name}`)
    .flatMap((child) =>
      files.info(child)?.kind === "directory" ? expand(child, files) : POLICY_FILE.test(child) ? [child] : [],
    );
}

function readText(file: string, options: LoadOptions, problems: Problem[]): string | undefined {
  const trouble = (message: string) =>
    void problems.push({ severity: "problem", place: { file, line: 1, column: 1 }, path: "", message });
  const tooLarge = `is larger than --max-policy-size (${options.maxPolicySize} bytes); split it, or raise the limit`;
  if (file === "-") {
    const text = options.stdin ?? "";
    return text.length > options.maxPolicySize ? void trouble(tooLarge) : text;
  }
  const size = options.files.info(file)?.size;
  if (size !== undefined && size > options.maxPolicySize) return void trouble(tooLarge);
  let bytes: Uint8Array;
  try {
    bytes = options.files.read(file);
  } catch (error) {
    return void trouble(
      `cannot be read (${(error as { code?: string }).code ?? "unknown reason"}); check that it exists and is readable`,
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return void trouble("is not UTF-8; save it as UTF-8");
  }
}

const kindOf = (value: unknown): unknown => (value as { kind?: unknown } | null)?.kind;

/** The items of an ExportPolicyList or a List as documents of their own. */
function unlist(document: PlacedDocument): PlacedDocument[] {
  const { apiVersion, kind, items } = (document.value ?? {}) as {
    apiVersion?: unknown;
    kind?: unknown;
    items?: unknown;
  };
  const list = (kind === "ExportPolicyList" && apiVersion === API_VERSION) || (kind === "List" && apiVersion === "v1");
  if (!list || !Array.isArray(items)) return [document];
  return items.flatMap((value, i) =>
    unlist({
      value,
      place: (path) => document.place(["items", i, ...path]),
      keyPlace: (path) => document.keyPlace(["items", i, ...path]),
      placeIn: (path, text, offset) => document.placeIn(["items", i, ...path], text, offset),
    }),
  );
}

function openToOthers(file: string, files: Files): Problem[] {
  const mode = files.info(file)?.mode ?? 0;
  if (file === "-" || (mode & 0o044) === 0) return [];
  return [
    {
      severity: "warning",
      place: { file, line: 1, column: 1 },
      path: "",
      message: "holds a Secret and is readable for group or others; chmod 600",
    },
  ];
}

function twinSecrets(secrets: readonly PlacedSecret[]): Problem[] {
  const seen = new Map<string, PlacedSecret>();
  return secrets.flatMap((secret): Problem[] => {
    const key = `${secret.document.metadata.namespace ?? "default"}/${secret.document.metadata.name}`;
    const twin = seen.get(key);
    seen.set(key, twin ?? secret);
    if (twin === undefined) return [];
    return [
      {
        severity: "problem",
        place: secret.place,
        path: "metadata.name",
        message: `Secret ${key} stands at ${twin.place.file}:${twin.place.line}:${twin.place.column} already; remove one`,
      },
    ];
  });
}

/** One line for people: `file:line:column: path: message`. */
export function problemLine(p: Problem): string {
  const kind = p.severity === "problem" ? "" : `${p.severity}: `;
  return `${p.place.file}:${p.place.line}:${p.place.column}: ${kind}${p.path === "" ? "" : `${p.path}: `}${p.message}`;
}
