// Which API server is meant, as kubectl and controllers decide it: --kubeconfig, $KUBECONFIG, the service account of the pod, ~/.kube/config.
import { execFile } from "node:child_process";
import { delimiter, join } from "node:path";
import { proxyRules } from "../../http/connecting/proxy.ts";
import { systemFiles } from "../../platform/files.ts";
import { home } from "../../platform/home.ts";
import { type Access, AccessError, inClusterAccess } from "./access.ts";
import { createKubeApi, type KubeClient } from "./client.ts";
import type { RunPlugin } from "./exec-plugin.ts";
import { kubeconfigAccess } from "./kubeconfig.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export type OpenOptions = {
  kubeconfig?: string | undefined;
  context?: string | undefined;
  env: Environment;
  userAgent: string;
  tell(message: string): void;
  count?(verb: string, resource: string, code: number): void;
};

/** Throws AccessError. */
export function openKubeApi(options: OpenOptions): { api: KubeClient; access: Access } {
  const { env, tell, userAgent, count } = options;
  const access = accessOf(options);
  const proxy = proxyRules(access.proxy, env);
  if ("problem" in proxy) throw new AccessError(`the proxy of the API server: ${proxy.problem}`);
  return {
    access,
    api: createKubeApi({ access, proxy: proxy.rules, userAgent, tell, ...(count === undefined ? {} : { count }) }),
  };
}

function accessOf({ kubeconfig, context, env, tell }: OpenOptions): Access {
  const read = (paths: readonly string[]) =>
    kubeconfigAccess(paths, { files: systemFiles, runPlugin, now: () => Date.now(), tell, context });
  if (kubeconfig !== undefined) return read([kubeconfig]);
  const named = (env.KUBECONFIG ?? "").split(delimiter).filter((path) => path !== "");
  if (named.length > 0) return read(named);
  const pod = context === undefined ? inClusterAccess(env, systemFiles, tell) : undefined;
  if (pod !== undefined) return pod;
  const usual = join(env.HOME ?? home(), ".kube/config");
  if (systemFiles.info(usual) !== undefined) return read([usual]);
  throw new AccessError(
    `there is no service account of a pod, and no kubeconfig at ${usual}: name one with --kubeconfig`,
  );
}

const PLUGIN_MS = 60_000;

const runPlugin: RunPlugin = (command, args, env) =>
  new Promise((resolve, reject) => {
    execFile(
      command,
      [...args],
      { env: { ...process.env, ...env }, timeout: PLUGIN_MS, maxBuffer: 1 << 20 },
      (error, stdout) => (error === null ? resolve(stdout) : reject(error)),
    );
  });
