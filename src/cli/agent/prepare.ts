// What an agent needs before it can run, and everything about it that can fail but the admin port: filters, credentials, TLS files,
// proxies, the state directory, the dead-letter folder. `run` and `run --check` prepare in the same way. What was opened is closed
// again if a later step fails.
import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { usableAddress } from "../../admin/address.ts";
import type { Settings } from "../../config/settings.ts";
import { DeadLetters } from "../../deadletter/folder.ts";
import type { KubeClient } from "../../kubernetes/client/client.ts";
import { systemClock } from "../../platform/clock.ts";
import { printable } from "../../platform/printable.ts";
import { type LocalStore, openStateStore, StateDirError, type StateTrouble } from "../../state/store.ts";
import type { StatusStore } from "../../status/store.ts";
import { type QueryRules, queryRules } from "../querycheck.ts";
import { adminToken } from "./admin-token.ts";
import type { RequestCounts } from "./cluster.ts";
import type { OpenRegister } from "./fleet-register.ts";
import { type HttpClients, httpClientsOf } from "./http-clients.ts";
import { StartError } from "./start-error.ts";

export type Prepared = {
  rules: QueryRules;
  token: (() => string) | undefined;
  clients: HttpClients;
  letters: DeadLetters | undefined;
  state: LocalStore;
  /** In Kubernetes mode. */
  kube: (KubeClient & { requests: RequestCounts }) | undefined;
  /** Of the fleet; undefined: this agent is alone. */
  register: OpenRegister | undefined;
  /** Undoes everything; for a start that does not come to running. */
  close(): Promise<void>;
};

/** Throws StartError. The state directory comes last, so that a start that fails for another reason leaves nothing there. */
export async function prepare(
  settings: Settings & { sourceUrl: string },
  dispatch: StatusStore["dispatch"],
): Promise<Prepared> {
  const rules = queryRules(settings);
  const address =
    settings.listen === "off" ? undefined : usableAddress(settings.listen, settings.adminTokenFile !== undefined);
  if (address?.ok === false) throw new StartError(address.message);
  const token = settings.adminTokenFile === undefined ? undefined : adminToken(settings.adminTokenFile);
  checkSecretsDir(settings.secretsDir);
  const kube = await openKube(settings, dispatch);
  const clients = httpClientsOf(settings, process.env, (level, message) =>
    dispatch({ type: "notice", at: systemClock.now(), level, message }),
  );
  let register: OpenRegister | undefined;
  const closeClients = async () => {
    await Promise.all([clients.source.close(), kube?.close(), register?.close()]);
  };
  try {
    const letters = deadLetters(settings, dispatch);
    register = await openFleet(settings, dispatch, kube);
    const state = openState(settings.stateDir, (trouble) =>
      dispatch({ type: "state-store", at: systemClock.now(), ...trouble }),
    );
    return {
      rules,
      token,
      clients,
      letters,
      state,
      kube,
      register,
      async close() {
        state.close(state.closedCleanly);
        await closeClients();
      },
    };
  } catch (error) {
    await closeClients();
    throw error;
  }
}

/** Nothing of Kubernetes is loaded without it. */
async function openKube(settings: Settings, dispatch: StatusStore["dispatch"]): Promise<Prepared["kube"]> {
  if (!settings.kubernetes) return undefined;
  const { kubeApiOf, RequestCounts } = await import("./cluster.ts");
  const requests = new RequestCounts();
  const tell = (message: string) =>
    dispatch({ type: "notice", at: systemClock.now(), level: "warn", message: printable(message, 300) });
  return { ...kubeApiOf(settings, tell, requests.add), requests };
}

/** Nothing of a fleet is loaded without one. */
async function openFleet(
  settings: Settings,
  dispatch: StatusStore["dispatch"],
  kube: Prepared["kube"],
): Promise<OpenRegister | undefined> {
  if (settings.fleet !== "etcd") {
    const stray = (["etcdUrl", "etcdUsername", "etcdPasswordFile", "etcdCa", "etcdCert", "etcdKey"] as const).find(
      (name) => settings[name] !== undefined,
    );
    if (stray !== undefined) {
      const flag = `--${stray.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
      throw new StartError(`${flag} requires --fleet etcd: add it, or remove ${flag}.`);
    }
  }
  if (settings.fleet === "off") return undefined;
  const { openRegister } = await import("./fleet-register.ts");
  const tell = (message: string) =>
    dispatch({ type: "notice", at: systemClock.now(), level: "warn", message: printable(message, 300) });
  return openRegister(settings, tell, kube);
}

function openState(dir: string, onTrouble: (trouble: StateTrouble) => void): LocalStore {
  try {
    return openStateStore(dir, systemClock, onTrouble);
  } catch (error) {
    if (error instanceof StateDirError)
      throw new StartError(`cannot use the state directory ${dir}: ${error.message}. Choose another with --state-dir.`);
    throw error;
  }
}

function deadLetters(settings: Settings, dispatch: StatusStore["dispatch"]): DeadLetters | undefined {
  const { deadLetterDir: dir, deadLetterMaxSize: maxBytes, deadLetterMaxAge: maxAgeMs } = settings;
  if (dir === undefined) return undefined;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    accessSync(dir, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new StartError(
      `cannot use --dead-letter-dir ${dir}: ${whyNot(error)}. Choose another directory, or make it writable.`,
    );
  }
  return new DeadLetters(
    { dir, maxBytes, maxAgeMs },
    {
      clock: systemClock,
      tell: (level, message) => dispatch({ type: "notice", at: systemClock.now(), level, message }),
    },
  );
}

function checkSecretsDir(dir: string | undefined): void {
  if (dir === undefined) return;
  try {
    if (!statSync(dir).isDirectory()) throw new StartError(`cannot use --secrets-dir ${dir}: it is not a directory.`);
    accessSync(dir, constants.R_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`cannot use --secrets-dir ${dir}: ${whyNot(error)}.`);
  }
}

function whyNot(error: unknown): string {
  const { code, message } = error as Error & { code?: string };
  switch (code) {
    case "ENOENT":
      return "it does not exist";
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EROFS":
      return "the file system is read-only";
    case "ENOTDIR":
    case "EEXIST":
      return "a part of its path is not a directory";
    default:
      return code ?? message;
  }
}
