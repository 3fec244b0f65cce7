// The register in the Kubernetes API: a Lease for each member, a ConfigMap for each shard and for the config, all in one namespace.
// Every write is guarded by resourceVersion.
import type { ApiFailure, KubeApi, KubeObject, Resource, Result } from "../kubernetes/client/api.ts";
import { withAny } from "../platform/signals.ts";
import type { Entry, Failed, Read, Register, Written } from "./register.ts";

const LEASES: Resource = { group: "coordination.k8s.io", version: "v1", plural: "leases" };
const CONFIG_MAPS: Resource = { group: "", version: "v1", plural: "configmaps" };

/** What a Lease holds of a member for outflow; the Lease's own fields are for people. */
const VALUE = "outflow/value";
const FLEET = "outflow/fleet";

type Lease = KubeObject & { spec?: { holderIdentity?: string; leaseDurationSeconds?: number; renewTime?: string } };
type ConfigMap = KubeObject & { data?: Record<string, string> };

export type KubernetesRegisterOptions = {
  api: KubeApi;
  namespace: string;
  /** Name of the fleet: a DNS label; several fleets may share a namespace. */
  fleet: string;
  ttlMs: number;
  /** For the Leases' renewTime. */
  now(): number;
};

/** A watch is asked for again after this. */
const WATCH_SECONDS = 60;

export function kubernetesRegister({ api, namespace, fleet, ttlMs, now }: KubernetesRegisterOptions): Register {
  const labels = { "app.kubernetes.io/managed-by": "outflow", [FLEET]: fleet };
  const labelSelector = `app.kubernetes.io/managed-by=outflow,${FLEET}=${fleet}`;
  const at = { namespace };
  const prefix = `outflow-${fleet}-`;
  const resourceOf = (key: string) => (key.startsWith("members/") ? LEASES : CONFIG_MAPS);
  const nameOf = (key: string) => prefix + key.replace("members/", "member-").replace("shards/", "shard-");
  const keyOf = (name: string) =>
    name
      .slice(prefix.length)
      .replace(/^member-/, "members/")
      .replace(/^shard-/, "shards/");

  function objectOf(key: string, value: string, resourceVersion?: string): Lease | ConfigMap {
    const metadata = {
      name: nameOf(key),
      namespace,
      labels,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    if (resourceOf(key) === CONFIG_MAPS) return { apiVersion: "v1", kind: "ConfigMap", metadata, data: { value } };
    return {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { ...metadata, annotations: { [VALUE]: value } },
      spec: {
        holderIdentity: key.slice("members/".length),
        leaseDurationSeconds: Math.max(1, Math.round(ttlMs / 1000)),
        renewTime: new Date(now()).toISOString().replace(/Z$/, "000Z"),
      },
    };
  }

  const entryOf = (object: Lease & ConfigMap): Entry => ({
    key: keyOf(object.metadata.name ?? ""),
    value: object.data?.value ?? object.metadata.annotations?.[VALUE] ?? "",
    revision: object.metadata.resourceVersion ?? "",
  });

  async function all(resource: Resource, signal: AbortSignal): Promise<Read<{ entries: Entry[]; version: string }>> {
    const entries: Entry[] = [];
    for (let from: string | undefined; ; ) {
      const page = await api.list<Lease & ConfigMap>(
        resource,
        at,
        { limit: 500, continue: from, labelSelector },
        signal,
      );
      if (!page.ok) return failed(page.failure);
      entries.push(...page.value.items.map(entryOf));
      if (page.value.continue === undefined)
        return { ok: true, value: { entries, version: page.value.resourceVersion } };
      from = page.value.continue;
    }
  }

  async function watchOne(resource: Resource, changed: Parameters<Register["watch"]>[0], signal: AbortSignal) {
    const listed = await all(resource, signal);
    if (!listed.ok) return;
    for (const entry of listed.value.entries) changed(entry.key, entry);
    let version = listed.value.version;
    for (;;) {
      const watched = await api.watch<Lease & ConfigMap>(
        resource,
        at,
        { resourceVersion: version, timeoutSeconds: WATCH_SECONDS, labelSelector },
        {
          onEvent({ type, object }) {
            version = object.metadata.resourceVersion ?? version;
            if (type === "BOOKMARK") return;
            const entry = entryOf(object);
            changed(entry.key, type === "DELETED" ? undefined : entry);
          },
        },
        signal,
      );
      if (!watched.ok || signal.aborted) return;
    }
  }

  return {
    async list(signal) {
      const [leases, maps] = await Promise.all([all(LEASES, signal), all(CONFIG_MAPS, signal)]);
      if (!leases.ok) return leases;
      if (!maps.ok) return maps;
      return { ok: true, value: [...leases.value.entries, ...maps.value.entries] };
    },
    async get(key, signal) {
      const got = await api.get<Lease & ConfigMap>(resourceOf(key), { ...at, name: nameOf(key) }, signal);
      if (got.ok) return { ok: true, value: entryOf(got.value) };
      return got.failure.kind === "not-found" ? { ok: true, value: undefined } : failed(got.failure);
    },
    create: async (key, value, signal) =>
      writtenOf(await api.create(resourceOf(key), at, objectOf(key, value), signal)),
    // A patch, not a PUT: a PUT makes a Lease that does not exist, whatever resourceVersion it names.
    update: async (key, value, revision, signal) =>
      writtenOf(await api.patch(resourceOf(key), { ...at, name: nameOf(key) }, objectOf(key, value, revision), signal)),
    async remove(key, revision, signal) {
      const removed = await api.remove(
        resourceOf(key),
        { ...at, name: nameOf(key), resourceVersion: revision },
        signal,
      );
      return removed.ok ? { ok: true, revision: "" } : refused(removed.failure);
    },
    async watch(changed, signal) {
      const ended = new AbortController();
      // When one breaks the other is broken off too: the caller lists again.
      await withAny([signal, ended.signal], (both) =>
        Promise.race([watchOne(LEASES, changed, both), watchOne(CONFIG_MAPS, changed, both)]),
      );
      ended.abort();
    },
  };
}

const failed = ({ message }: ApiFailure): Failed => ({ ok: false, why: "failed", message });

const refused = (failure: ApiFailure): Written =>
  failure.kind === "conflict" || failure.kind === "not-found" ? { ok: false, why: "conflict" } : failed(failure);

const writtenOf = (result: Result<KubeObject>): Written =>
  result.ok ? { ok: true, revision: result.value.metadata.resourceVersion ?? "" } : refused(result.failure);
