// Policies and Secrets of the API server in, what is to run out: the same rules as for files (last good version, problems with field
// paths, Secrets), but only what has changed is looked at again, and a policy that has not is the same object as before.
import type { Condition as KubeCondition, ObjectMeta } from "kubernetes-types/meta/v1";
import { type Interpreted, type InterpretOptions, interpret, type PlacedSecret } from "../policy/interpret.ts";
import { cleanProblem, problemLine } from "../policy/load.ts";
import type { LoadResult, Policy, Problem } from "../policy/policy.ts";
import { Secrets } from "../policy/secrets/secrets.ts";
import type { KubeObject } from "./client/api.ts";
import { objectDocument } from "./object-document.ts";

type SinkStatus = { name: string; conditions?: KubeCondition[] };
/** A policy's `status` as the API server has it. */
export type StoredStatus = { conditions?: KubeCondition[]; sinks?: SinkStatus[] };
export type PolicyObject = KubeObject & { spec?: { sinks?: unknown }; status?: StoredStatus };
export type SecretObject = KubeObject & { type?: string; data?: Record<string, string> };

/** Whether outflow can run the newest version of a policy. */
export type Acceptance =
  | { ok: true; generation: number }
  | { ok: false; generation: number; reason: string; message: string };

export type PolicyObjectsOptions = {
  interpretOptions(id: string, metadata: ObjectMeta): InterpretOptions;
  /** What a refusal says of a Secret that is not known. */
  missingHint(): string;
  /** JSON characters of a spec. */
  maxPolicySize: number;
  /** How grave a Secret is that is not there, or not usable; absent: a warning. */
  missingSecret?: Problem["severity"];
  uselessSecret?: Problem["severity"];
};

type Entry = {
  uid: string;
  /** Of everything that a policy is made of; a change of status alone does not count. */
  version: string;
  /** The newest that outflow can run. */
  good: Policy | undefined;
  acceptance: Acceptance;
  problems: Problem[];
  resolved: { policy: Policy; problems: Problem[] } | undefined;
};

export class PolicyObjects {
  readonly #options: PolicyObjectsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #secrets: Secrets;
  /** Which policies name a Secret. */
  readonly #users = new Map<string, Set<string>>();
  /** Objects that are still to be read. */
  readonly #unread = new Map<string, PolicyObject>();
  /** Named again, or gone from the API server: nobody has looked since. */
  readonly #unlooked = new Set<string>();
  /** Policies that need another look at their Secrets. */
  readonly #unresolved = new Set<string>();
  /** All ids, sorted. */
  readonly #order: string[] = [];
  /** Policies that have problems or warnings. */
  readonly #troubled = new Set<string>();

  constructor(options: PolicyObjectsOptions) {
    this.#options = options;
    this.#secrets = new Secrets([], [], { ...options, files: noFiles });
  }

  /** `id`: namespace/name. True: something is to be loaded. */
  setPolicy(id: string, object: PolicyObject | undefined): boolean {
    const before = this.#entries.get(id);
    // What is being deleted is gone for its users, whatever finalizers others have.
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) {
      this.#unread.delete(id);
      if (before === undefined) return false;
      this.#forget(id, before);
      return true;
    }
    const { uid = "" } = object.metadata;
    if (before !== undefined && before.uid !== uid) this.#forget(id, before);
    else if (before?.version === versionOf(object)) return false;
    this.#unread.set(id, object);
    return true;
  }

  /** True: a policy names it. */
  setSecret(id: string, object: SecretObject | undefined): boolean {
    if (object === undefined) {
      this.#secrets.remove(id);
      this.#unlooked.add(id);
    } else this.#secrets.put(placedSecret(id, object));
    const users = this.#users.get(id) ?? [];
    for (const user of users) this.#unresolved.add(user);
    return this.#users.has(id);
  }

  /** Why a Secret is not known has changed: the policies that miss one are looked at again. True: there are such. */
  retryMissing(): boolean {
    for (const [id, { resolved }] of this.#entries)
      if (resolved?.policy.sinks.some((sink) => sink.refusal?.reason === "SecretNotFound")) this.#unresolved.add(id);
    return this.#unresolved.size > 0;
  }

  /** Something is to be read before the next load(). */
  get pending(): boolean {
    return this.#unread.size > 0 || this.#unresolved.size > 0;
  }

  /** Reads until the time is over; the others wait. */
  readSome(isOver: () => boolean): void {
    for (const [id, object] of this.#unread) {
      this.#read(id, object);
      if (isOver()) return;
    }
    for (const id of this.#unresolved) {
      this.#resolve(id);
      if (isOver()) return;
    }
  }

  /** Names of Secrets that policies need, `namespace/name`. */
  *neededSecrets(): Generator<{ id: string; basicAuth: boolean }> {
    for (const id of this.#users.keys()) yield* this.#needed(id);
  }

  /** The same, of those that came or went since the last call: one edit of a thousand policies names one. */
  newSecrets(): { id: string; basicAuth: boolean }[] {
    const unlooked = [...this.#unlooked].flatMap((id) => [...this.#needed(id)]);
    this.#unlooked.clear();
    return unlooked;
  }

  *#needed(id: string): Generator<{ id: string; basicAuth: boolean }> {
    const users = this.#users.get(id);
    if (users === undefined) return;
    yield { id, basicAuth: [...users].every((user) => !isAnnotated(this.#entries.get(user)?.good, id)) };
  }

  acceptance(id: string): Acceptance | undefined {
    return this.#entries.get(id)?.acceptance;
  }

  /** What is to run, in the order of names. What is still to be read is not in it. */
  load(): LoadResult {
    const policies: Policy[] = [];
    for (const id of this.#order) {
      const policy = this.#entries.get(id)?.resolved?.policy;
      if (policy !== undefined) policies.push(policy);
    }
    const problems = [...this.#troubled].sort().flatMap((id) => {
      const entry = this.#entries.get(id);
      return [...(entry?.problems ?? []), ...(entry?.resolved?.problems ?? [])];
    });
    return { policies, problems, files: this.#order.slice(), origin: "cluster" };
  }

  #resolve(id: string): void {
    this.#unresolved.delete(id);
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    if (entry.good !== undefined) {
      const { policy, problems } = this.#secrets.resolve(entry.good);
      entry.resolved = { policy, problems: problems.map(cleanProblem) };
    }
    this.#look(id, entry);
  }

  #look(id: string, { problems, resolved }: Entry): void {
    if (problems.length + (resolved?.problems.length ?? 0) > 0) this.#troubled.add(id);
    else this.#troubled.delete(id);
  }

  #read(id: string, object: PolicyObject): void {
    this.#unread.delete(id);
    const before = this.#entries.get(id);
    const { metadata } = object;
    const { policy, problems } = this.#interpreted(id, object);
    const bad = problems.filter((p) => p.severity === "problem");
    const generation = metadata.generation ?? 0;
    const entry: Entry = {
      uid: metadata.uid ?? "",
      version: versionOf(object),
      good: policy ?? before?.good,
      acceptance:
        bad[0] === undefined
          ? { ok: true, generation }
          : { ok: false, generation, reason: reasonOf(bad[0]), message: messageOf(bad) },
      problems: problems.map(cleanProblem),
      // Where the edit cannot be used, what runs keeps running.
      resolved: policy === undefined ? before?.resolved : undefined,
    };
    if (before === undefined) this.#order.splice(placeIn(this.#order, id), 0, id);
    else this.#unuse(id, before.good);
    this.#entries.set(id, entry);
    for (const secret of secretsOf(entry.good)) {
      this.#users.set(secret, (this.#users.get(secret) ?? new Set()).add(id));
      this.#unlooked.add(secret);
    }
    if (entry.resolved === undefined) this.#unresolved.add(id);
    else this.#look(id, entry);
  }

  #interpreted(id: string, object: PolicyObject): Interpreted {
    const document = objectDocument(id, object);
    // Not what an attacker can make large: managedFields and status are not read.
    const size = JSON.stringify([object.spec, object.metadata.annotations]).length;
    if (size > this.#options.maxPolicySize) {
      const message = `is larger than --max-policy-size (${this.#options.maxPolicySize} bytes); split it, or raise the limit`;
      return { problems: [{ severity: "problem", place: document.place([]), path: "spec", message }] };
    }
    const [first] = interpret(document, this.#options.interpretOptions(id, object.metadata));
    const problems = (first?.problems ?? []).map(({ excerpt: _, ...problem }) => problem);
    const policy = first?.policy;
    // Its place among others: a project's namespace is not the namespace of the same name in another one.
    return {
      problems,
      ...(policy === undefined ? {} : { policy: scoped(policy, id, object.metadata.uid) }),
    };
  }

  #forget(id: string, entry: Entry): void {
    this.#entries.delete(id);
    this.#unuse(id, entry.good);
    this.#unresolved.delete(id);
    this.#troubled.delete(id);
    this.#order.splice(placeIn(this.#order, id), 1);
  }

  #unuse(id: string, policy: Policy | undefined): void {
    for (const secret of secretsOf(policy)) {
      const users = this.#users.get(secret);
      users?.delete(id);
      if (users?.size === 0) this.#users.delete(secret);
    }
  }
}

/** `project:namespace/name`, or without a project. */
export const projectOf = (id: string): string | undefined => {
  const colon = id.indexOf(":");
  return colon < 0 ? undefined : id.slice(0, colon);
};

function scoped(policy: Policy, id: string, uid: string | undefined): Policy {
  const project = projectOf(id);
  return {
    ...policy,
    ...(uid === undefined ? {} : { uid }),
    ...(project === undefined ? {} : { project, namespace: id.slice(0, id.lastIndexOf("/")) }),
  };
}

/** Where `id` is, or would be, in a sorted list. */
function placeIn(sorted: readonly string[], id: string): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (sorted[middle]! < id) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** What the policy says of itself; the API server counts changes of the spec alone. */
const versionOf = ({ metadata: { uid, generation, annotations, labels } }: PolicyObject): string =>
  JSON.stringify([uid, generation, annotations, labels]);

function secretsOf(policy: Policy | undefined): string[] {
  if (policy === undefined) return [];
  const { bearerSecret, headersSecret } = policy.settings;
  const names = [bearerSecret, headersSecret, ...policy.sinks.map((sink) => sink.secretName)];
  return names.filter((name) => name !== undefined).map((name) => `${policy.namespace}/${name}`);
}

const isAnnotated = (policy: Policy | undefined, id: string): boolean =>
  policy !== undefined &&
  [policy.settings.bearerSecret, policy.settings.headersSecret].some((name) => `${policy.namespace}/${name}` === id);

function placedSecret(id: string, { metadata, type, data }: SecretObject): PlacedSecret {
  const place = { file: `Secret ${id}`, line: 0, column: 0 };
  return {
    document: {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: metadata.name ?? "", namespace: id.slice(0, id.lastIndexOf("/")) },
      type,
      data,
    },
    place,
    placeOf: () => place,
  };
}

const REASONS: [path: RegExp, reason: string][] = [
  [/\.metrics\.metricsql$/, "InvalidQuery"],
  [/\.endpoint$/, "InvalidEndpoint"],
  [/^spec\.sinks\[\d+\]\.sources\[\d+\]$/, "UnknownSource"],
];

const reasonOf = ({ path }: Problem): string => REASONS.find(([pattern]) => pattern.test(path))?.[1] ?? "InvalidPolicy";

const NAMED = 5;

/** Each with its field path. */
function messageOf(problems: readonly Problem[]): string {
  const named = problems
    .slice(0, NAMED)
    .map((p) => problemLine({ ...cleanProblem(p), place: { file: "", line: 0, column: 0 } }).replace(/^: /, ""));
  const more = problems.length > NAMED ? ` (and ${problems.length - NAMED} more)` : "";
  return `${named.join(". ")}${more}.`;
}

const noFiles = {
  info: () => undefined,
  list: () => undefined,
  real: (path: string) => path,
  read: () => new Uint8Array(),
};
