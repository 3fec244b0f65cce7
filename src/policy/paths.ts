// Paths in, files to read and their text out. Directories are read recursively (*.yaml *.yml *.json); names that begin with a dot
// (Kubernetes' ..data among them) are left to the links that point there. No loop of links, no file twice, nothing without an end.
import type { FileInfo, Files } from "../platform/files.ts";
import type { Problem } from "./policy.ts";

const POLICY_FILE = /\.(ya?ml|json)$/i;

/** Is this name read where it lies below a directory? */
export const isPolicyFile = (path: string): boolean => POLICY_FILE.test(path);

type Found = { files: string[]; closed: string[]; problems: Problem[] };

export function findFiles(paths: readonly string[], files: Files): Found {
  const found: Found = { files: [], closed: [], problems: [] };
  const seen = new Set<string>();
  const visit = (path: string, info: FileInfo | undefined, named: boolean): void => {
    if (path === "-") return void found.files.push(path);
    if (info === undefined)
      return void (
        named &&
        found.problems.push(whole(path, "does not exist; put it back, or take it out of --policies", "warning"))
      );
    const isDirectory = info.kind === "directory";
    if (!isDirectory && !named && !isPolicyFile(path)) return;
    if (!isDirectory && !named && info.kind === "other")
      return void found.problems.push(whole(path, "is no regular file and is not read; remove it"));
    const real = files.real(path);
    if (seen.has(real)) return;
    seen.add(real);
    if (!isDirectory) return void found.files.push(path);
    const names = files.list(path);
    if (names === undefined) {
      found.closed.push(path);
      return void found.problems.push(whole(path, "cannot be listed; make the directory readable for this user"));
    }
    for (const name of names.filter((n) => !n.startsWith("."))) {
      const child = `${path.replace(/\/+$/, "")}/${name}`;
      visit(child, files.info(child), false);
    }
  };
  for (const path of paths) visit(path, path === "-" ? undefined : files.info(path), true);
  return found;
}

type TextOptions = { files: Files; maxPolicySize: number; stdin?: Uint8Array | undefined };

export function readText(file: string, options: TextOptions): { text: string } | { problem: Problem } {
  const trouble = (message: string) => ({ problem: whole(file, message) });
  let bytes: Uint8Array;
  try {
    // One byte more than may be: a device or a pipe has no size to ask for.
    bytes = file === "-" ? (options.stdin ?? new Uint8Array()) : options.files.read(file, options.maxPolicySize + 1);
  } catch (error) {
    const code = (error as { code?: string }).code ?? "unknown reason";
    return trouble(`cannot be read (${code}); check that it exists and is readable`);
  }
  if (bytes.length > options.maxPolicySize)
    return trouble(`is larger than --max-policy-size (${options.maxPolicySize} bytes); split it, or raise the limit`);
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    // Bytes of zero: UTF-16, or no text at all.
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
