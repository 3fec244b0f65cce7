// Kubernetes mode with the real ports: the API server of the settings, and what runs from it.
import { hostname } from "node:os";
import type { KubernetesSettings } from "../config/kubernetes-options.ts";
import type { Settings } from "../config/settings.ts";
import { AccessError } from "../kubernetes/access.ts";
import type { KubeClient } from "../kubernetes/client.ts";
import { Cluster } from "../kubernetes/cluster.ts";
import { openKubeApi } from "../kubernetes/open.ts";
import { systemClock } from "../platform/clock.ts";
import { systemRandom } from "../platform/random.ts";
import type { LoadResult } from "../policy/policy.ts";
import type { StatusStore } from "../status/store.ts";
import { version } from "../version.ts";
import type { QueryRules } from "./querycheck.ts";
import { StartError } from "./start-error.ts";

/** Throws StartError. */
export function kubeApiOf(
  { kubeconfig, context }: Pick<KubernetesSettings, "kubeconfig" | "context">,
  tell: (message: string) => void,
): KubeClient {
  try {
    return openKubeApi({ kubeconfig, context, env: process.env, userAgent: `outflow/${version}`, tell }).api;
  } catch (error) {
    if (error instanceof AccessError) throw new StartError(`cannot use the Kubernetes API: ${error.message}.`);
    throw error;
  }
}

export function openCluster(
  settings: Settings,
  rules: QueryRules,
  api: KubeClient,
  store: StatusStore,
  apply: (loaded: LoadResult) => void,
): Cluster {
  const limits = {
    maxWindowMs: settings.maxWindow,
    maxBackfillMs: settings.maxBackfill,
    maxConcurrency: settings.maxConcurrency,
  };
  return new Cluster(
    {
      api,
      namespaces: settings.namespace ?? [],
      maxPolicySize: settings.maxPolicySize,
      instance: hostname(),
    },
    {
      clock: systemClock,
      random: systemRandom,
      dispatch: store.dispatch.bind(store),
      snapshot: () => store.snapshot,
      apply,
      interpretOptions: () => ({ checkQuery: rules.check, limits, onExhausted: settings.onExhausted }),
      breathe: () => new Promise((done) => setImmediate(done)),
    },
  );
}
