// Where the API server for tests is: built once from Go modules, outside of the checkout, named by the hash of go.sum.
//   bun test/servers/kubernetes/find.ts            prints the path
//   bun test/servers/kubernetes/find.ts --build    builds it where it is missing (12 to 40 minutes)
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { pathOf } from "../found.ts";

const PACKAGE = "k8s.io/kubernetes/pkg/controlplane/apiserver/samples/generic";
const GO_NEEDED = [1, 26] as const;

export function apiServerPath(): string {
  const hash = createHash("sha256")
    .update(readFileSync(join(import.meta.dirname, "go.sum")))
    .digest("hex");
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(cache, "outflow-test-servers", `kube-apiserver-${hash.slice(0, 16)}`);
}

/** Undefined: tests against the real API server can run. */
export function whyNoKubernetes(): string | undefined {
  if (pathOf("etcd") === undefined) return "needs Debian's etcd-server";
  if (pathOf("openssl") === undefined) return "needs Debian's openssl";
  if (existsSync(apiServerPath())) return undefined;
  const how = "bun test/servers/kubernetes/find.ts --build builds it";
  return hasGo()
    ? `needs the Kubernetes API server: ${how}`
    : `needs the Kubernetes API server, and Go ${GO_NEEDED.join(".")} to build it: ${how}`;
}

/** For node:test. */
export const needsKubernetes = (): { skip: string | false } => ({ skip: whyNoKubernetes() ?? false });

function hasGo(): boolean {
  const { stdout, status } = spawnSync("go", ["env", "GOVERSION"], { encoding: "utf8" });
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(stdout ?? "") ?? [];
  return status === 0 && (Number(major) > GO_NEEDED[0] || Number(minor) >= GO_NEEDED[1]);
}

function build(): void {
  const target = apiServerPath();
  if (existsSync(target)) return;
  const dir = mkdtempSync(join(tmpdir(), "outflow-kube-"));
  try {
    for (const file of ["go.mod", "go.sum"]) cpSync(join(import.meta.dirname, file), join(dir, file));
    mkdirSync(join(target, ".."), { recursive: true });
    const made = `${target}.${process.pid}`;
    execFileSync("go", ["build", "-trimpath", "-ldflags", "-s -w", "-o", made, PACKAGE], {
      cwd: dir,
      stdio: "inherit",
      env: { ...process.env, GOFLAGS: "-mod=mod" },
    });
    renameSync(made, target);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  if (process.argv.includes("--build")) build();
  console.log(apiServerPath());
}
