// Milo: one control plane for each project, found by the Project objects of the platform (their control planes are paths of the same
// server) or, inside the platform, by ProjectControlPlane objects (each is a server of its own).
import type { Condition } from "kubernetes-types/meta/v1";
import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { ApiFailure, KubeApi, KubeObject, Resource } from "./client/api.ts";
import { Informer } from "./client/informer.ts";
import type { JoinWatches } from "./client/watches.ts";

export type Discovery = "projects" | "control-planes";

export type Project = KubeObject & { status?: { conditions?: Condition[] } };

export const projectKinds: Record<
  Discovery,
  { resource: Resource; ready: string; server(base: string, name: string): string }
> = {
  projects: {
    resource: { group: "resourcemanager.miloapis.com", version: "v1alpha1", plural: "projects" },
    ready: "Ready",
    server: (base, name) =>
      `${base}/apis/resourcemanager.miloapis.com/v1alpha1/projects/${encodeURIComponent(name)}/control-plane`,
  },
  "control-planes": {
    resource: { group: "infrastructure.miloapis.com", version: "v1alpha1", plural: "projectcontrolplanes" },
    ready: "ControlPlaneReady",
    server: (_, name) => `https://milo-apiserver.project-${name}.svc.cluster.local:6443`,
  },
};

export const isReady = ({ status }: Project, discovery: Discovery): boolean =>
  status?.conditions?.some((c) => c.type === projectKinds[discovery].ready && c.status === "True") ?? false;

export type ProjectsOptions = {
  api: KubeApi;
  discovery: Discovery;
  watches: JoinWatches;
  clock: Clock;
  random: Random;
  /** Its control plane can be asked; once for each project. */
  onProject(name: string, server: string): void;
  onGone(name: string): void;
  onSynced(): void;
  onFailure(failure: ApiFailure | undefined): void;
};

export class Projects {
  readonly #informer: Informer<Project>;

  constructor({ api, discovery, onProject, onGone, ...rest }: ProjectsOptions) {
    const { resource, server } = projectKinds[discovery];
    const engaged = new Set<string>();
    this.#informer = new Informer<Project>({
      ...rest,
      api,
      resource,
      at: {},
      onChange(name, object) {
        if (object === undefined) {
          if (engaged.delete(name)) onGone(name);
          return;
        }
        // One that is not ready for a moment keeps running; it ends with its object.
        if (!isReady(object, discovery) || engaged.has(name)) return;
        engaged.add(name);
        onProject(name, server(api.server, name));
      },
    });
  }

  relist(): void {
    this.#informer.relist();
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#informer.run(signal);
  }
}
