// Kubernetes mode with the real ports: the API server of the settings, and what runs from it.
import { hostname } from "node:os";
import type { ApiRequests } from "../../admin/metrics/process.ts";
import type { KubernetesSettings } from "../../config/kubernetes-options.ts";
import type { Settings } from "../../config/settings.ts";
import { AccessError } from "../../kubernetes/client/access.ts";
import type { KubeClient } from "../../kubernetes/client/client.ts";
import { openKubeApi } from "../../kubernetes/client/open.ts";
import { Cluster } from "../../kubernetes/cluster.ts";
import { type OnceOptions, projectPlanes, readOnce } from "../../kubernetes/once.ts";
import { projectOf } from "../../kubernetes/policy-objects.ts";
import { breathe } from "../../platform/breathe.ts";
import { systemClock } from "../../platform/clock.ts";
import { printable } from "../../platform/printable.ts";
import { systemRandom } from "../../platform/random.ts";
import type { InterpretOptions } from "../../policy/interpret.ts";
import type { LoadResult } from "../../policy/policy.ts";
import type { StatusStore } from "../../status/store.ts";
import { version } from "../../version.ts";
import type { QueryRules } from "../querycheck.ts";
import { StartError } from "./start-error.ts";

/** Requests to the API server, for /metrics. */
export class RequestCounts {
  readonly #counts = new Map<string, ApiRequests>();

  readonly add = (verb: string, resource: string, code: number): void => {
    const key = `${verb} ${resource} ${code}`;
    const counted = this.#counts.get(key) ?? { verb, resource, code: String(code), count: 0 };
    counted.count++;
    this.#counts.set(key, counted);
  };

  all(): ApiRequests[] {
    return [...this.#counts.values()];
  }
}

/** Throws StartError. */
export function kubeApiOf(
  { kubeconfig, context }: Pick<KubernetesSettings, "kubeconfig" | "context">,
  tell: (message: string) => void,
  count?: RequestCounts["add"],
): KubeClient {
  try {
    return openKubeApi({
      kubeconfig,
      context,
      env: process.env,
      userAgent: `outflow/${version}`,
      tell,
      ...(count === undefined ? {} : { count }),
    }).api;
  } catch (error) {
    if (error instanceof AccessError) throw new StartError(`cannot use the Kubernetes API: ${error.message}.`);
    throw error;
  }
}

/** What the API server has now. Throws StartError where it cannot be read. */
export async function clusterPolicies(
  settings: Pick<KubernetesSettings, "kubeconfig" | "context" | "namespace"> &
    Partial<Pick<KubernetesSettings, "milo">>,
  options: Omit<OnceOptions, "namespaces">,
): Promise<LoadResult> {
  const api = kubeApiOf(settings, (message) => void process.stderr.write(`outflow: ${printable(message, 300)}\n`));
  try {
    const { milo = "off", namespace: namespaces = [] } = settings;
    const planes = milo === "off" ? { ok: true as const, value: [{ scope: "", api }] } : await projectPlanes(api, milo);
    const read = planes.ok ? await readOnce(planes.value, { ...options, namespaces }) : planes;
    if (read.ok) return read.value;
    throw new StartError(`cannot read policies from the Kubernetes API: ${printable(read.failure.message, 500)}`);
  } finally {
    await api.close();
  }
}

/** As the agent would take them. */
export const clusterPoliciesOf = (settings: Settings, rules: QueryRules): Promise<LoadResult> =>
  clusterPolicies(settings, {
    interpretOptions: (id) => interpretOptionsOf(settings, rules, projectOf(id)),
    maxPolicySize: settings.maxPolicySize,
  });

const interpretOptionsOf = (settings: Settings, rules: QueryRules, project?: string): InterpretOptions => ({
  checkQuery: project === undefined ? rules.check : (query, policy) => rules.check(query, { ...policy, project }),
  limits: {
    maxWindowMs: settings.maxWindow,
    maxBackfillMs: settings.maxBackfill,
    maxConcurrency: settings.maxConcurrency,
  },
  onExhausted: settings.onExhausted,
});

export function openCluster(
  settings: Settings,
  rules: QueryRules,
  api: KubeClient,
  store: StatusStore,
  apply: (loaded: LoadResult) => Promise<void>,
): Cluster {
  return new Cluster(
    {
      api,
      milo: settings.milo === "off" ? undefined : settings.milo,
      adopt: settings.adopt,
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
      interpretOptions: (id) => interpretOptionsOf(settings, rules, projectOf(id)),
      breathe,
    },
  );
}
