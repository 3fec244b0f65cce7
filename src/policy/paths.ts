// Paths in, files to read and their text out. Directories are read recursively (*.yaml *.yml *.json); names that begin with a dot
// (Kubernetes' ..data among them) are left to the links that point there. No loop of links, no file twice, nothing without an end. A path may be
// bound to a namespace: a link that leads out of it is refused, or whoever writes there would read what others wrote in their own name.
import type { FileInfo, Files } from "../platform/files.ts";
import type { Problem } from "./policy.ts";

const POLICY_FILE = /\.(ya?ml|json)$/i;

/** Is this name read where it lies below a directory? */
export const isPolicyFile = (path: string): boolean => POLICY_FILE.test(path);

/** `namespace`: the only one that its documents may have. */
export type PolicyPath = { path: string; namespace?: string };

/** `team-a=/etc/outflow/team-a`, or a path as it is; a path that begins like a namespace with `=` is written as `./a=b`. */
export function policyPath(text: string): PolicyPath {
  const [, namespace, path] = /^([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)=(.+)$/s.exec(text) ?? [];
  return namespace === undefined || path === undefined ? { path: text } : { path, namespace };
}

export type FoundFile = { file: string; bound?: PolicyPath };
type Found = { files: FoundFile[]; closed: string[]; problems: Problem[] };

/** In the order of `paths`, then of names. */
export function findFiles(paths: readonly PolicyPath[], files: Files): Found {
  const closed: string[] = [];
  const problems: Problem[] = [];
  const seen = new Set<string>();
  const byPath = paths.map((): FoundFile[] => []);
  for (const [root, into] of nearestFirst(paths, byPath)) {
    const bound = root.namespace === undefined ? {} : { bound: root };
    const home = files.real(root.path);
    const visit = (path: string, info: FileInfo | undefined, named: boolean): void => {
      if (path === "-") return void into.push({ file: path, ...bound });
      if (info === undefined)
        return void (
          named && problems.push(whole(path, "does not exist; restore it, or remove it from --policies", "warning"))
        );
      const isDirectory = info.kind === "directory";
      if (!isDirectory && !named && !isPolicyFile(path)) return;
      if (!isDirectory && !named && info.kind === "other")
        return void problems.push(whole(path, "is not a regular file and is not read; remove it"));
      const real = files.real(path);
      if (root.namespace !== undefined && real !== home && !real.startsWith(`${home.replace(/\/+$/, "")}/`))
        return void problems.push(
          whole(
            path,
            `leads out of ${root.path}, which is bound to namespace ${root.namespace}, and is not read; copy the file there instead`,
          ),
        );
      if (seen.has(real)) return;
      seen.add(real);
      if (!isDirectory) return void into.push({ file: path, ...bound });
      const names = files.list(path);
      if (names === undefined) {
        closed.push(path);
        return void problems.push(whole(path, "cannot be listed; make the directory readable for this user"));
      }
      for (const name of names.filter((n) => !n.startsWith("."))) {
        const child = `${path.replace(/\/+$/, "")}/${name}`;
        visit(child, files.info(child), false);
      }
    };
    visit(root.path, root.path === "-" ? undefined : files.info(root.path), true);
  }
  return { files: byPath.flat(), closed, problems };
}

/** What is bound is looked through before what is not, and what lies deeper before what lies above it. */
const nearestFirst = <T>(paths: readonly PolicyPath[], others: readonly T[]): [PolicyPath, T][] =>
  paths
    .map((path, i): [PolicyPath, T] => [path, others[i]!])
    .sort(
      ([a], [b]) =>
        Number(b.namespace !== undefined) - Number(a.namespace !== undefined) ||
        (a.namespace === undefined ? 0 : b.path.length - a.path.length),
    );

type TextOptions = { files: Files; maxPolicySize: number; stdin?: Uint8Array | undefined };

export function readText(file: string, options: TextOptions): { text: string } | { problem: Problem } {
  const trouble = (message: string) => ({ problem: whole(file, message) });
  let bytes: Uint8Array;
  try {
    // One byte more than allowed: a device or a pipe has no size to ask for.
    bytes = file === "-" ? (options.stdin ?? new Uint8Array()) : options.files.read(file, options.maxPolicySize + 1);
  } catch (error) {
    const code = (error as { code?: string }).code ?? "unknown reason";
    return trouble(`cannot be read (${code}); check that it exists and is readable`);
  }
  if (bytes.length > options.maxPolicySize)
    return trouble(`is larger than --max-policy-size (${options.maxPolicySize} bytes); split it, or raise the limit`);
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    // Bytes of zero: UTF-16, or not text at all.
    if (!text.includes("\0")) return { text };
  } catch {
    // said below
  }
  return trouble("is not UTF-8; save it as UTF-8");
}

const whole = (file: string, message: string, severity: Problem["severity"] = "problem"): Problem => ({
  severity,
  place: { file, line: 1, column: 1 },
  path: "",
  message,
});
