// Secrets that no watch shows: those that annotations name, and those named for basic auth that are of another type. Each is
// requested separately, when it is first needed and then from time to time.
import type { Clock } from "../platform/clock.ts";
import { type ApiFailure, type KubeApi, SECRETS } from "./client/api.ts";
import type { SecretObject } from "./policy-objects.ts";

export type SecretLookupsPorts = {
  clock: Clock;
  /** Names that policies need and no watch shows, `namespace/name`. */
  needed(): Iterable<string>;
  /** Undefined: its control plane is gone. `id` without the scope is asked for there. */
  apiOf(id: string): { api: KubeApi; namespace: string; name: string } | undefined;
  onSecret(id: string, object: SecretObject | undefined): void;
  onFailure(failure: ApiFailure | undefined): void;
};

/** Each is looked at this often; at most a hundred requests a minute in all. */
const EVERY_MS = 30_000;
const SPACING_MS = 600;
const AT_ONCE = 8;

export class SecretLookups {
  readonly #ports: SecretLookupsPorts;
  /** The resourceVersion that was read last; empty: there is none. */
  readonly #read = new Map<string, string>();

  constructor(ports: SecretLookupsPorts) {
    this.#ports = ports;
  }

  /** Asks for those of them that nobody has asked for yet. */
  async readNew(ids: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#readAll(
      ids.filter((id) => !this.#read.has(id)),
      signal,
    );
  }

  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      const needed = new Set(this.#ports.needed());
      for (const id of this.#read.keys()) if (!needed.has(id)) this.#read.delete(id);
      if (!(await this.#ports.clock.sleep(Math.max(EVERY_MS, needed.size * SPACING_MS), signal))) return;
      await this.#readAll([...this.#ports.needed()], signal);
    }
  }

  async #readAll(ids: readonly string[], signal: AbortSignal): Promise<void> {
    const left = ids.slice();
    const work = async () => {
      for (let id = left.shift(); id !== undefined && !signal.aborted; id = left.shift())
        await this.#readOne(id, signal);
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, left.length) }, work));
  }

  async #readOne(id: string, signal: AbortSignal): Promise<void> {
    const { apiOf, onSecret, onFailure } = this.#ports;
    const at = apiOf(id);
    if (at === undefined) return;
    const found = await at.api.get<SecretObject>(SECRETS, { namespace: at.namespace, name: at.name }, signal);
    if (!found.ok && found.failure.kind !== "not-found") {
      // What was read before still counts; it is asked for again.
      if (found.failure.kind !== "aborted") onFailure(found.failure);
      return;
    }
    onFailure(undefined);
    const version = found.ok ? `${found.value.metadata.resourceVersion}` : "";
    const before = this.#read.get(id);
    this.#read.set(id, version);
    if (before === version || (before === undefined && version === "")) return;
    onSecret(id, found.ok ? found.value : undefined);
  }
}
