// One control plane: a cluster, or a project of Milo. Its policies and basic-auth Secrets by list and watch, in all or in some
// namespaces. Nothing is told before both are known: a policy without its Secrets would be refused for a moment.
import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import { type ApiFailure, type KubeApi, POLICIES, type Resource, SECRETS } from "./client/api.ts";
import { Informer } from "./client/informer.ts";
import type { JoinWatches } from "./client/watches.ts";
import type { PolicyObject, SecretObject } from "./policy-objects.ts";

export type PlaneOptions = {
  api: KubeApi;
  /** Empty: all. */
  namespaces: readonly string[];
  /** Before the namespace in every id: `project:`, or nothing. */
  scope: string;
  watches: JoinWatches;
  clock: Clock;
  random: Random;
  onPolicy(id: string, object: PolicyObject | undefined): void;
  onSecret(id: string, object: SecretObject | undefined): void;
  /** Both are known; once. */
  onSettled(): void;
  onFailure(part: "policies" | "secrets", failure: ApiFailure | undefined): void;
};

type Part = { name: "policies" | "secrets"; resource: Resource; fieldSelector?: string };
const PARTS: readonly Part[] = [
  { name: "policies", resource: POLICIES },
  { name: "secrets", resource: SECRETS, fieldSelector: "type=kubernetes.io/basic-auth" },
];

export class Plane {
  readonly api: KubeApi;
  readonly scope: string;
  readonly #options: PlaneOptions;
  readonly #informers: Informer<PolicyObject & SecretObject>[] = [];
  readonly #open = new Set<string>();
  readonly #failures = new Map<string, ApiFailure>();
  readonly #known = new Map<string, true>();
  /** What came before the plane had settled. */
  #held: (() => void)[] | undefined = [];
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: PlaneOptions) {
    this.#options = options;
    this.api = options.api;
    this.scope = options.scope;
    const places = options.namespaces.length === 0 ? [undefined] : options.namespaces;
    for (const part of PARTS)
      for (const namespace of places)
        this.#informers.push(this.#informer(part, namespace, `${part.name} ${namespace}`));
  }

  get settled(): boolean {
    return this.#held === undefined;
  }

  start(): void {
    this.#running = Promise.all(this.#informers.map((informer) => informer.run(this.#stop.signal)));
  }

  relist(): void {
    for (const informer of this.#informers) informer.relist();
  }

  /** A basic-auth Secret that the watch shows. */
  knowsSecret(id: string): boolean {
    return this.#known.has(`secrets ${id}`);
  }

  /** Ends, and takes away what it told. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    const { onPolicy, onSecret } = this.#options;
    if (!this.settled) return;
    for (const key of this.#known.keys()) {
      const id = key.slice(key.indexOf(" ") + 1);
      if (key.startsWith("policies ")) onPolicy(id, undefined);
      else onSecret(id, undefined);
    }
  }

  #informer({ name, resource, fieldSelector }: Part, namespace: string | undefined, key: string) {
    const { api, scope, watches, clock, random, onPolicy, onSecret } = this.#options;
    this.#open.add(key);
    const tell = (act: () => void) => (this.#held === undefined ? act() : this.#held.push(act));
    return new Informer<PolicyObject & SecretObject>({
      api,
      resource,
      at: { namespace },
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      watches,
      clock,
      random,
      onChange: (local, object) => {
        const id = scope + local;
        if (object === undefined) this.#known.delete(`${name} ${id}`);
        else this.#known.set(`${name} ${id}`, true);
        tell(() => (name === "policies" ? onPolicy(id, object) : onSecret(id, object)));
      },
      onSynced: () => this.#synced(key),
      onFailure: (failure) => {
        if (failure === undefined) this.#failures.delete(key);
        else this.#failures.set(key, failure);
        // Where a role for Secrets is missing, policies without any are exported all the same.
        if (name === "secrets" && (failure?.kind === "forbidden" || failure?.kind === "not-found")) this.#synced(key);
        this.#options.onFailure(name, this.#failureOf(name));
      },
    });
  }

  #failureOf(name: Part["name"]): ApiFailure | undefined {
    return [...this.#failures].find(([key]) => key.startsWith(`${name} `))?.[1];
  }

  #synced(key: string): void {
    this.#open.delete(key);
    if (this.#open.size > 0 || this.#held === undefined) return;
    const held = this.#held;
    this.#held = undefined;
    for (const act of held) act();
    this.#options.onSettled();
  }
}
