// What the API server has now, read once: for check, replay and a trial start.
import type { LoadResult, Problem } from "../policy/policy.ts";
import {
  type ApiFailure,
  type KubeApi,
  type KubeObject,
  POLICIES,
  type Resource,
  type Result,
  SECRETS,
} from "./client/api.ts";
import type { KubeClient } from "./client/client.ts";
import { keyOf } from "./client/informer.ts";
import { type PolicyObject, PolicyObjects, type PolicyObjectsOptions, type SecretObject } from "./policy-objects.ts";
import { type Discovery, isReady, type Project, projectKinds } from "./projects.ts";

const PAGE_OBJECTS = 100;

export type OnceOptions = Pick<PolicyObjectsOptions, "interpretOptions" | "maxPolicySize"> & {
  /** Empty: all. */
  namespaces: readonly string[];
  missingSecret?: Problem["severity"];
  uselessSecret?: Problem["severity"];
};

/** Of Milo's projects that are ready, the control planes. */
export async function projectPlanes(api: KubeClient, discovery: Discovery): Promise<Result<OncePlane[]>> {
  const projects = await listed<Project>(api, projectKinds[discovery].resource, undefined);
  if (!projects.ok) return projects;
  const planes = projects.value
    .filter((project) => isReady(project, discovery))
    .map(({ metadata: { name = "" } }) => name);
  return {
    ok: true,
    value: planes.map((name) => ({
      scope: `${name}:`,
      api: api.at(projectKinds[discovery].server(api.server, name)),
    })),
  };
}

/** `scope`: before each namespace. */
export type OncePlane = { scope: string; api: KubeApi };

export async function readOnce(planes: readonly OncePlane[], options: OnceOptions): Promise<Result<LoadResult>> {
  const { namespaces, ...rest } = options;
  let unread: ApiFailure | undefined;
  const objects = new PolicyObjects({
    ...rest,
    missingHint: () =>
      unread === undefined
        ? "create it in the namespace of the policy"
        : `Secrets cannot be read: ${unread.message.replace(/\.$/, "")}`,
  });
  for (const { scope, api } of planes)
    for (const namespace of namespaces.length === 0 ? [undefined] : namespaces) {
      const policies = await listed<PolicyObject>(api, POLICIES, namespace);
      if (!policies.ok) return policies;
      for (const policy of policies.value) objects.setPolicy(scope + keyOf(policy), policy);
    }
  objects.readSome(() => false);
  for (const { id } of objects.neededSecrets()) {
    const plane = planes.find(({ scope }) => id.startsWith(scope))!;
    const [namespace = "", name = ""] = id.slice(plane.scope.length).split("/");
    const secret = await plane.api.get<SecretObject>(SECRETS, { namespace, name });
    if (secret.ok) objects.setSecret(id, secret.value);
    else if (secret.failure.kind === "forbidden") unread = secret.failure;
    else if (secret.failure.kind !== "not-found") return secret;
  }
  objects.readSome(() => false);
  return { ok: true, value: objects.load() };
}

async function listed<T extends KubeObject>(
  api: KubeApi,
  resource: Resource,
  namespace: string | undefined,
): Promise<Result<T[]>> {
  const items: T[] = [];
  for (let from: string | undefined; ; ) {
    const page = await api.list<T>(resource, { namespace }, { limit: PAGE_OBJECTS, continue: from });
    if (!page.ok) return page;
    items.push(...page.value.items);
    from = page.value.continue;
    if (from === undefined) return { ok: true, value: items };
  }
}
