// Where the fleet's state is kept: from settings to a register. Everything about it that can be wrong ends the start.
import type { Settings } from "../../config/settings.ts";
import { checkFit, FleetError } from "../../fleet/config.ts";
import { etcdRegister } from "../../fleet/etcd.ts";
import { kubernetesRegister } from "../../fleet/kubernetes.ts";
import { CONFIG_KEY, type Register } from "../../fleet/register.ts";
import { createHttpClient } from "../../http/client.ts";
import { createTls, TlsFilesError } from "../../http/connecting/tls.ts";
import type { KubeClient } from "../../kubernetes/client/client.ts";
import { systemClock } from "../../platform/clock.ts";
import { systemFiles } from "../../platform/files.ts";
import { firstLine, type WatchedFile, watchedFile } from "../../platform/watched-file.ts";
import { kubeApiOf } from "./cluster.ts";
import { StartError } from "./start-error.ts";

export type OpenRegister = { register: Register; close(): Promise<void> };

const CONNECT_MS = 2_000;
const CONNECTIONS = 16;

const FIRST_LOOK_MS = 2_000;

/**
 * Looks at it once, for as long as that may hold up a start. `kube`: the client of Kubernetes mode, if there is one. Throws StartError
 * where a setting is wrong or the fleet has another number of shards.
 */
export async function openRegister(
  settings: Settings,
  tell: (message: string) => void,
  kube?: KubeClient,
): Promise<OpenRegister> {
  const open = openEngine(settings, tell, kube);
  const read = await open.register
    .get(CONFIG_KEY, AbortSignal.timeout(FIRST_LOOK_MS))
    .catch(() => ({ ok: false }) as const);
  try {
    if (read.ok && read.value !== undefined) checkFit(read.value, settings.shards);
    return open;
  } catch (error) {
    await open.close();
    throw error instanceof FleetError ? new StartError(`--fleet ${settings.fleet}: ${error.message}.`) : error;
  }
}

function openEngine(settings: Settings, tell: (message: string) => void, kube?: KubeClient): OpenRegister {
  if (settings.fleet === "etcd") return openEtcd(settings, tell);
  const api = kube ?? kubeApiOf(settings, tell);
  return {
    register: kubernetesRegister({
      api,
      namespace: settings.fleetNamespace ?? ownNamespace() ?? "default",
      fleet: settings.fleetName,
      ttlMs: settings.leaseTtl,
      now: () => systemClock.now(),
    }),
    close: async () => {
      if (kube === undefined) await api.close();
    },
  };
}

function ownNamespace(): string | undefined {
  const file = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
  if (systemFiles.info(file) === undefined) return undefined;
  return new TextDecoder().decode(systemFiles.read(file, 256)).trim() || undefined;
}

function openEtcd(settings: Settings, tell: (message: string) => void): OpenRegister {
  const urls = settings.etcdUrl ?? [];
  if (urls.length === 0)
    throw new StartError("--fleet etcd needs an etcd: name it with --etcd-url, such as http://127.0.0.1:2379.");
  const { etcdCa: ca, etcdCert: cert, etcdKey: key } = settings;
  let tls: ReturnType<typeof createTls>;
  try {
    tls = createTls({ ca, cert, key }, systemFiles, tell);
  } catch (error) {
    if (error instanceof TlsFilesError) throw new StartError(`--etcd-ca, --etcd-cert, --etcd-key: ${error.message}.`);
    throw error;
  }
  const credentials = credentialsOf(settings, tell);
  const http = createHttpClient({ connectMs: CONNECT_MS, connections: CONNECTIONS, tls });
  return {
    register: etcdRegister({
      urls,
      prefix: `/outflow/${settings.fleetName}/`,
      http,
      ...(credentials === undefined ? {} : { credentials }),
    }),
    close: () => http.close(),
  };
}

function credentialsOf(
  { etcdUsername: name, etcdPasswordFile: path }: Settings,
  tell: (message: string) => void,
): (() => { name: string; password: string }) | undefined {
  if (name === undefined && path === undefined) return undefined;
  if (name === undefined || path === undefined)
    throw new StartError("--etcd-username and --etcd-password-file go together: give both.");
  let file: WatchedFile;
  try {
    file = watchedFile(path, systemFiles, tell);
  } catch (error) {
    throw new StartError(`cannot read --etcd-password-file ${path} (${(error as { code?: string }).code ?? error}).`);
  }
  return () => ({ name, password: firstLine(file.text()) });
}
