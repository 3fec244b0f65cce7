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
  /** How grave a Secret is that is not there, or of no use; absent: a warning. */
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

/** Starting or ending one takes some milliseconds; a policy is not divided. */
const STEP_SINKS = 4;

export class PolicyObjects {
  readonly #options: PolicyObjectsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #secrets = new Map<string, PlacedSecret>();
  /** Which policies name a Secret. */
  readonly #users = new Map<string, Set<string>>();
  /** Objects that are still to be read. */
  readonly #unread = new Map<string, PolicyObject>();
  readonly #unresolved = new Set<string>();
  readonly #recreated = new Set<string>();
  #order: string[] | undefined;
  /** What the last step gave. */
  readonly #given = new Map<string, Policy>();
  #found: Secrets | undefined;

  constructor(options: PolicyObjectsOptions) {
    this.#options = options;
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
    if (before !== undefined && before.uid !== uid) {
      if (this.#given.has(id)) this.#recreated.add(id);
      this.#forget(id, before);
    } else if (before?.version === versionOf(object)) return false;
    this.#unread.set(id, object);
    return true;
  }

  /** True: a policy names it. */
  setSecret(id: string, object: SecretObject | undefined): boolean {
    if (object === undefined) this.#secrets.delete(id);
    else this.#secrets.set(id, placedSecret(id, object));
    this.#found = undefined;
    const users = this.#users.get(id) ?? [];
    for (const user of users) this.#unresolved.add(user);
    return this.#users.has(id);
  }

  /** Why a Secret is not known has changed: the policies that miss one are looked at again. True: there are such. */
  missingChanged(): boolean {
    this.#found = undefined;
    for (const [id, { resolved }] of this.#entries)
      if (resolved?.policy.sinks.some((sink) => sink.refusal?.reason === "SecretNotFound")) this.#unresolved.add(id);
    return this.#unresolved.size > 0;
  }

  get pending(): boolean {
    return this.#unread.size > 0;
  }

  /** Reads until the time is over; the others wait. */
  readSome(isOver: () => boolean): void {
    for (const [id, object] of this.#unread) {
      this.#read(id, object);
      if (isOver()) return;
    }
  }

  /** Names of Secrets that policies need, `namespace/name`. */
  *neededSecrets(): Generator<{ id: string; basicAuth: boolean }> {
    for (const [id, users] of this.#users)
      yield {
        id,
        basicAuth: [...users].every((user) => !isAnnotated(this.#entries.get(user)?.good, id)),
      };
  }

  acceptance(id: string): Acceptance | undefined {
    return this.#entries.get(id)?.acceptance;
  }

  /**
   * What is to run, in steps that start, change or end a few sinks each: a thousand at once would hold the event loop for seconds. Of
   * one that was deleted and made again the old one ends first, so that nothing of it stays. What is still to be read is not in it.
   */
  *load(): Generator<LoadResult> {
    for (;;) {
      const { more, ...step } = this.#step();
      if (!more) return void (yield step);
      yield { ...step, partial: true };
    }
  }

  /** What the last step gave, with the next few changes. */
  #step(): LoadResult & { more: boolean } {
    this.#resolveAll();
    let left = STEP_SINKS;
    let more = false;
    const fits = (policy: Policy): boolean => {
      if (left <= 0) more = true;
      else left -= Math.max(1, policy.sinks.length);
      return !more;
    };
    const ended = new Set<string>();
    for (const [id, policy] of this.#given) {
      if (this.#entries.get(id)?.resolved !== undefined && !this.#recreated.has(id)) continue;
      if (!fits(policy)) break;
      this.#given.delete(id);
      this.#recreated.delete(id);
      ended.add(id);
      this.#order = undefined;
    }
    this.#order ??= [...new Set([...this.#entries.keys(), ...this.#given.keys()])].sort();
    const policies: Policy[] = [];
    const problems: Problem[] = [];
    for (const id of this.#order) {
      const entry = this.#entries.get(id);
      const resolved = this.#recreated.has(id) ? undefined : entry?.resolved;
      if (entry !== undefined) problems.push(...entry.problems);
      if (resolved !== undefined) problems.push(...resolved.problems);
      let given = this.#given.get(id);
      if (resolved !== undefined && given !== resolved.policy) {
        if (ended.has(id)) more = true;
        else if (fits(resolved.policy)) {
          given = resolved.policy;
          this.#given.set(id, given);
        }
      }
      if (given !== undefined) policies.push(given);
    }
    return { policies, problems, files: this.#order, origin: "cluster", more };
  }

  #resolveAll(): void {
    this.#found ??= new Secrets([...this.#secrets.values()], [], {
      ...this.#options,
      files: noFiles,
      missingHint: this.#options.missingHint(),
    });
    for (const id of this.#unresolved) {
      const entry = this.#entries.get(id);
      if (entry?.good === undefined) continue;
      const { policy, problems } = this.#found.resolve(entry.good);
      entry.resolved = { policy, problems: problems.map(cleanProblem) };
    }
    this.#unresolved.clear();
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
    if (before === undefined) this.#order = undefined;
    else this.#unuse(id, before.good);
    this.#entries.set(id, entry);
    for (const secret of secretsOf(entry.good)) this.#users.set(secret, (this.#users.get(secret) ?? new Set()).add(id));
    this.#unresolved.add(id);
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
    this.#order = undefined;
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
