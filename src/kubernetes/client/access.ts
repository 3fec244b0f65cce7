// How an API server is reached and who we are there: from a kubeconfig, or the service account of the pod.

import type { TlsOptions } from "../../http/connecting/tls.ts";
import type { Files } from "../../platform/files.ts";
import { watchedFile } from "../../platform/watched-file.ts";

/** What cannot be used, with what to do: the start ends with it. */
export class AccessError extends Error {}

export type Access = {
  /** URL without a trailing slash; may have a path. */
  server: string;
  /** Where the settings come from, for people: `context admin of /root/.kube/config`. */
  origin: string;
  /** Paths in `files`. */
  tls: TlsOptions;
  /** The disk, with what stands inline in a kubeconfig or came from a plugin. */
  files: Files;
  /** `off`, or the address of a proxy; absent: by the environment. */
  proxy?: string;
  /** Of the context, or of the pod. */
  namespace?: string;
  /** The Authorization header of now. Throws AccessError where it cannot be made. */
  authorization(): Promise<string | undefined>;
  /** The server has answered 401: what is cached is thrown away. */
  rejected(): void;
};

export const SERVICE_ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount";

type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined: this does not run in a pod. */
export function inClusterAccess(
  env: Environment,
  files: Files,
  tell: (message: string) => void,
  dir = SERVICE_ACCOUNT_DIR,
): Access | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!host || !port || files.info(`${dir}/token`) === undefined) return undefined;
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    origin: "the service account of this pod",
    tls: { ca: `${dir}/ca.crt`, onlyCa: true },
    files,
    proxy: "off",
    ...namespaceOf(dir, files),
    ...tokenFile(`${dir}/token`, files, tell),
  };
}

function namespaceOf(dir: string, files: Files): { namespace?: string } {
  try {
    return { namespace: new TextDecoder().decode(files.read(`${dir}/namespace`, 1024)).trim() };
  } catch {
    return {};
  }
}

/** Looked at before each request: the kubelet replaces it before it expires. */
export function tokenFile(
  path: string,
  files: Files,
  tell: (message: string) => void,
): Pick<Access, "authorization" | "rejected"> {
  let file: ReturnType<typeof watchedFile>;
  try {
    file = watchedFile(path, files, tell);
  } catch (error) {
    throw new AccessError(`cannot read the token file ${path} (${(error as { code?: string }).code ?? "not UTF-8"})`);
  }
  return {
    authorization: async () => `Bearer ${file.text().trim()}`,
    rejected: () => {},
  };
}
