// The Kubernetes API as a port: objects as they are, failures as values. Whoever calls decides about a retry; nothing here hides one.
import type { ObjectMeta } from "kubernetes-types/meta/v1";

export type KubeObject = { apiVersion?: string; kind?: string; metadata: ObjectMeta };

export type Resource = {
  /** Empty for the core group. */
  group: string;
  version: string;
  plural: string;
};

/** Absent namespace: the whole cluster (list, watch), or an object without a namespace. */
export type Where = { namespace?: string | undefined };
export type Named = Where & { name: string };

export type ApiFailureKind =
  | "network" // no response: refused, timed out, certificate, broken off
  | "unauthorized" // 401
  | "forbidden" // 403
  | "not-found" // 404
  | "conflict" // 409: another resourceVersion, or it exists already
  | "gone" // 410: the resourceVersion is too old to continue from
  | "invalid" // 400, 405, 413, 415, 422
  | "throttled" // 429
  | "server" // 5xx
  | "malformed" // the response is not what the API promises
  | "aborted"; // by our own signal

export type ApiFailure = {
  kind: ApiFailureKind;
  /** One plain sentence with the verb and resource; not yet passed through printable(). */
  message: string;
  /** What the server asks to wait before the next attempt, ms. */
  retryAfterMs?: number;
};

export type Result<T> = { ok: true; value: T } | { ok: false; failure: ApiFailure };

export type Page<T> = { items: T[]; resourceVersion: string; continue?: string };

export type WatchEvent<T> = { type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; object: T };

export type ListOptions = {
  limit?: number;
  continue?: string | undefined;
  fieldSelector?: string | undefined;
  labelSelector?: string | undefined;
};
export type WatchOptions = {
  resourceVersion: string;
  timeoutSeconds: number;
  /** A watch that outlasts its time by more than this is broken off and fails: it is deaf. Absent: 5 s. */
  deafAfterMs?: number;
  fieldSelector?: string | undefined;
  labelSelector?: string | undefined;
};

export type KubeApi = {
  /** What the requests go to, for people. */
  readonly server: string;
  get<T extends KubeObject>(resource: Resource, at: Named, signal?: AbortSignal): Promise<Result<T>>;
  /** One page. */
  list<T extends KubeObject>(
    resource: Resource,
    at: Where,
    options: ListOptions,
    signal?: AbortSignal,
  ): Promise<Result<Page<T>>>;
  /**
   * Calls `onEvent` for each event until the server ends the watch (ok, after timeoutSeconds), or until it fails. `onOpen`: the server
   * has accepted the watch.
   */
  watch<T extends KubeObject>(
    resource: Resource,
    at: Where,
    options: WatchOptions,
    handlers: { onOpen?(): void; onEvent(event: WatchEvent<T>): void },
    signal?: AbortSignal,
  ): Promise<Result<undefined>>;
  create<T extends KubeObject>(resource: Resource, at: Where, object: T, signal?: AbortSignal): Promise<Result<T>>;
  /** PUT. The object's resourceVersion guards it: "conflict" where the server has another. */
  update<T extends KubeObject>(resource: Resource, at: Named, object: T, signal?: AbortSignal): Promise<Result<T>>;
  /** A merge patch, of a subresource where one is named. A resourceVersion in it guards it. */
  patch<T extends KubeObject>(
    resource: Resource,
    at: Named & { subresource?: string },
    patch: object,
    signal?: AbortSignal,
  ): Promise<Result<T>>;
  /** `resourceVersion`: only that version is deleted. */
  remove(
    resource: Resource,
    at: Named & { resourceVersion?: string },
    signal?: AbortSignal,
  ): Promise<Result<undefined>>;
};

export const POLICIES: Resource = { group: "telemetry.miloapis.com", version: "v1alpha1", plural: "exportpolicies" };
export const SECRETS: Resource = { group: "", version: "v1", plural: "secrets" };
export const EVENTS: Resource = { group: "events.k8s.io", version: "v1", plural: "events" };

export function resourcePath({ group, version, plural }: Resource, { namespace, name }: Partial<Named>): string {
  const base = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const inside = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${base}${inside}/${plural}${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
}

/** `exportpolicies.telemetry.miloapis.com`, as kubectl writes it. */
export const resourceName = ({ group, plural }: Resource): string => (group === "" ? plural : `${plural}.${group}`);
