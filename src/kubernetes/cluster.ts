// Kubernetes mode: what control planes have becomes what runs, and what runs is reported there. Loads are put together and sliced, so
// that a burst of changes is one load and none holds the event loop.
import type { ObjectMeta } from "kubernetes-types/meta/v1";
import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { InterpretOptions } from "../policy/interpret.ts";
import type { LoadResult } from "../policy/policy.ts";
import type { Condition } from "../status/condition.ts";
import type { Event } from "../status/events.ts";
import type { Snapshot } from "../status/snapshot.ts";
import { Adoption } from "./adopt.ts";
import type { ApiFailure, KubeApi } from "./client/api.ts";
import type { KubeClient } from "./client/client.ts";
import { Health } from "./client/health.ts";
import { Watches } from "./client/watches.ts";
import { EventWriter, noticeOf } from "./event-writer.ts";
import { Plane } from "./plane.ts";
import { type PolicyObject, PolicyObjects } from "./policy-objects.ts";
import { type Discovery, Projects } from "./projects.ts";
import { SecretLookups } from "./secret-lookups.ts";
import { desiredStatus, reportedBefore } from "./status.ts";
import { StatusWriter, type Target } from "./status-writer.ts";

export type ClusterPorts = {
  clock: Clock;
  random: Random;
  dispatch(event: Event): void;
  snapshot(): Snapshot;
  /** Makes what runs equal to this. */
  /** Resolves when all of it runs. */
  apply(loaded: LoadResult): Promise<void>;
  interpretOptions(id: string, metadata: ObjectMeta): InterpretOptions;
  /** Lets others run. */
  breathe(): Promise<void>;
};

export type ClusterOptions = {
  api: KubeClient;
  /** Milo: the control planes of its projects, in place of this one. */
  milo?: Discovery | undefined;
  /** Remove the finalizer of the operator before. */
  adopt: boolean;
  /** Empty: all. */
  namespaces: readonly string[];
  maxPolicySize: number;
  /** The host or pod, for Events. */
  instance: string;
};

/** A burst of changes is one load. */
const GATHER_MS = 100;
const SLICE_MS = 10;
const SECRETS_WITHIN_MS = 5_000;

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #ports: ClusterPorts;
  readonly #health: Health;
  readonly #objects: PolicyObjects;
  readonly #lookups: SecretLookups;
  readonly #writer: StatusWriter;
  readonly #events: EventWriter;
  readonly #adoption: Adoption | undefined;
  readonly #projects: Projects | undefined;
  readonly #planes = new Map<string, Plane>();
  readonly #watches: Watches;
  /** As the API server has them. */
  readonly #live = new Map<string, Target>();
  readonly #failures = new Map<string, ApiFailure>();
  /** Policies that were read since the last load. */
  readonly #changed = new Set<string>();
  #none = false;
  #loading = false;
  #again = false;
  #signal: AbortSignal = new AbortController().signal;

  constructor(options: ClusterOptions, ports: ClusterPorts) {
    this.#options = options;
    this.#ports = ports;
    const { clock, dispatch } = ports;
    this.#watches = new Watches(clock, ports.random);
    this.#health = new Health(options.api.server, () => clock.now(), dispatch);
    this.#objects = new PolicyObjects({
      interpretOptions: ports.interpretOptions,
      maxPolicySize: options.maxPolicySize,
      missingHint: () => this.#missingHint(),
    });
    this.#lookups = new SecretLookups({
      clock,
      needed: () => this.#unwatched(this.#objects.neededSecrets()),
      apiOf: (id) => this.#placeOf(id),
      onSecret: (id, object) => this.#objects.setSecret(id, object) && this.#schedule(),
      onFailure: (failure) => this.#fails("named secrets", failure),
    });
    this.#writer = new StatusWriter({
      clock,
      target: (id) => this.#live.get(id),
      seen: (id, object) => this.#seen(id, object),
      desired: (id) => this.#desired(id),
      onFailure: (failure) => this.#fails("status", failure),
    });
    if (options.adopt)
      this.#adoption = new Adoption({
        clock,
        target: (id) => this.#live.get(id),
        seen: (id, object) => this.#seen(id, object),
        onAdopted: (id) =>
          dispatch({
            type: "notice",
            at: clock.now(),
            level: "info",
            message: `${id}: the finalizer of the operator before outflow was removed.`,
          }),
        onFailure: (failure) => this.#fails("adoption", failure),
      });
    if (options.milo !== undefined)
      this.#projects = new Projects({
        api: options.api,
        discovery: options.milo,
        watches: this.#watches,
        clock,
        random: ports.random,
        onProject: (name, server) => this.#addPlane(`${name}:`, options.api.at(server)),
        onGone: (name) => this.#removePlane(`${name}:`),
        onSynced: () => this.#projectsKnown(),
        onFailure: (failure) => this.#fails("projects", failure),
      });
    this.#events = new EventWriter({
      clock,
      instance: options.instance,
      target: (id) => this.#live.get(id),
      onFailure: (failure) => this.#fails("events", failure),
    });
  }

  /** Until the signal; then what is to be reported is written, for a moment. */
  async run(signal: AbortSignal, lastWritesMs: number): Promise<void> {
    this.#signal = signal;
    const writing = new AbortController();
    const work = [
      this.#lookups.run(signal),
      this.#writer.run(writing.signal),
      this.#events.run(writing.signal),
      this.#adoption?.run(signal),
      this.#projects?.run(signal),
    ];
    if (this.#projects === undefined) this.#addPlane("", this.#options.api);
    await new Promise<void>((done) => {
      if (signal.aborted) done();
      else signal.addEventListener("abort", () => done(), { once: true });
    });
    for (let left = lastWritesMs; left > 0 && !this.#writer.idle; left -= 50) await this.#ports.clock.sleep(50);
    writing.abort();
    await Promise.all([...[...this.#planes.values()].map((plane) => plane.close()), ...work]);
  }

  /** Everything is listed again. */
  relist(): void {
    this.#projects?.relist();
    for (const plane of this.#planes.values()) plane.relist();
    this.#schedule();
  }

  /** What was reported of a policy or a sink before this life of the agent. */
  reported(id: string): readonly Condition[] | undefined {
    const [policy, sink] = [policyOf(id), id.split("/")[2]];
    const target = this.#live.get(policy);
    return target && reportedBefore(target.object.status, sink);
  }

  /** Of these policies and sinks the report has changed. */
  reports(ids: Iterable<string>): void {
    for (const id of ids) this.#writer.changed(policyOf(id));
  }

  observe(event: Event, before: Snapshot, after: Snapshot): void {
    const notice = noticeOf(event, before, after);
    if (notice !== undefined) this.#events.add(notice);
  }

  #addPlane(scope: string, api: KubeApi): void {
    const { clock, random } = this.#ports;
    const plane = new Plane({
      api,
      namespaces: this.#options.namespaces,
      scope,
      watches: this.#watches,
      clock,
      random,
      onPolicy: (id, object) => this.#onPolicy(id, object, api),
      onSecret: (id, object) => this.#objects.setSecret(id, object) && this.#schedule(),
      onSettled: () => {
        this.#health.report(scope, undefined);
        this.#schedule();
      },
      onFailure: (part, failure) => this.#fails(`${scope}${part}`, failure),
    });
    this.#planes.set(scope, plane);
    plane.start();
  }

  #removePlane(scope: string): void {
    const plane = this.#planes.get(scope);
    this.#planes.delete(scope);
    void plane?.close();
    for (const part of ["policies", "secrets"]) this.#fails(`${scope}${part}`, undefined);
  }

  /** Without a project there is nothing to run, and that is known. */
  #projectsKnown(): void {
    this.#health.report("projects", undefined);
    if (this.#planes.size > 0) return;
    this.#none = true;
    this.#schedule();
  }

  #onPolicy(id: string, object: PolicyObject | undefined, api: KubeApi): void {
    if (object === undefined) {
      this.#live.delete(id);
      this.#writer.forget(id);
    } else {
      const before = this.#live.get(id);
      this.#live.set(id, { api, object: trimmed(object) });
      // Another status than ours: by somebody else, or of before a restart.
      if (before !== undefined) this.#writer.changed(id);
      this.#adoption?.look(id, object);
    }
    if (!this.#objects.setPolicy(id, object)) return;
    this.#changed.add(id);
    this.#schedule();
  }

  #seen(id: string, object: PolicyObject): void {
    const known = this.#live.get(id);
    if (known !== undefined) this.#live.set(id, { ...known, object: trimmed(object) });
  }

  #desired(id: string) {
    const target = this.#live.get(id);
    const acceptance = this.#objects.acceptance(id);
    if (target === undefined || acceptance === undefined || this.#changed.has(id)) return undefined;
    const sinks = target.object.spec?.sinks;
    const names = (Array.isArray(sinks) ? sinks : []).map((sink: { name?: unknown }) => String(sink?.name ?? ""));
    return desiredStatus(this.#ports.snapshot(), id, acceptance, names, this.#ports.clock.now());
  }

  #fails(part: string, failure: ApiFailure | undefined): void {
    const before = this.#failures.get(part);
    if (failure === undefined) this.#failures.delete(part);
    else this.#failures.set(part, failure);
    this.#health.report(part, failure);
    if (!part.endsWith("secrets") || before?.message === failure?.message) return;
    // What a refusal says of Secrets that cannot be read.
    if (this.#objects.retryMissing()) this.#schedule();
  }

  #missingHint(): string {
    const [, failure] = [...this.#failures].find(([part]) => part.endsWith("secrets")) ?? [];
    return failure === undefined
      ? "create it in the namespace of the policy"
      : `Secrets cannot be read: ${failure.message.replace(/\.$/, "")}`;
  }

  *#unwatched(secrets: Iterable<{ id: string; basicAuth: boolean }>): Generator<string> {
    for (const { id, basicAuth } of secrets)
      if (!basicAuth || !this.#planes.get(scopeOf(id))?.knowsSecret(id)) yield id;
  }

  #placeOf(id: string): { api: KubeApi; namespace: string; name: string } | undefined {
    const scope = scopeOf(id);
    const [namespace = "", name = ""] = id.slice(scope.length).split("/");
    const plane = this.#planes.get(scope);
    return plane && { api: plane.api, namespace, name };
  }

  #schedule(): void {
    this.#again = true;
    if (this.#loading || this.#signal.aborted) return;
    // Before all of the first control planes are known nothing is loaded: sinks would come, go and come.
    if (!this.#none && ![...this.#planes.values()].some((plane) => plane.settled)) return;
    this.#loading = true;
    void this.#load().finally(() => {
      this.#loading = false;
      if (this.#again) this.#schedule();
    });
  }

  async #load(): Promise<void> {
    const { clock, apply, breathe } = this.#ports;
    if (!(await clock.sleep(GATHER_MS, this.#signal))) return;
    this.#again = false;
    do {
      while (this.#objects.pending) {
        const startedMs = clock.monotonicMs();
        this.#objects.readSome(() => clock.monotonicMs() - startedMs > SLICE_MS);
        await breathe();
      }
      const unread = [...this.#unwatched(this.#objects.newSecrets())];
      await Promise.race([this.#lookups.readNew(unread, this.#signal), clock.sleep(SECRETS_WITHIN_MS, this.#signal)]);
      if (this.#signal.aborted) return;
      await breathe();
    } while (this.#objects.pending);
    const changed = [...this.#changed];
    this.#changed.clear();
    await apply(this.#objects.load());
    this.reports(changed);
    for (const id of changed) {
      const acceptance = this.#objects.acceptance(id);
      if (acceptance?.ok === false)
        this.#events.add({
          policy: id,
          type: "Warning",
          reason: acceptance.reason,
          about: "",
          note: acceptance.message,
        });
    }
  }
}

/** What nobody here reads takes more than half of an object. */
function trimmed(object: PolicyObject): PolicyObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

const policyOf = (id: string): string => id.split("/").slice(0, 2).join("/");
const scopeOf = (id: string): string => id.slice(0, id.indexOf(":") + 1);
