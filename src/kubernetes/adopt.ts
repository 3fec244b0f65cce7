// The finalizer of the operator that outflow replaces: taken off each policy once, or policies could never be deleted any more.
import type { Clock } from "../platform/clock.ts";
import { withAny } from "../platform/signals.ts";
import { type ApiFailure, POLICIES } from "./client/api.ts";
import type { PolicyObject } from "./policy-objects.ts";
import type { Target } from "./status-writer.ts";

const FINALIZER = "exportpolicy.telemetry.miloapis.com/controller";
const AGAIN_MS = 2_000;

export type AdoptionPorts = {
  clock: Clock;
  target(id: string): Target | undefined;
  seen(id: string, object: PolicyObject): void;
  onAdopted(id: string): void;
  onFailure(failure: ApiFailure | undefined): void;
};

export class Adoption {
  readonly #ports: AdoptionPorts;
  readonly #waiting = new Set<string>();
  #wake = new AbortController();

  constructor(ports: AdoptionPorts) {
    this.#ports = ports;
  }

  look(id: string, { metadata }: PolicyObject): void {
    if (!(metadata.finalizers ?? []).includes(FINALIZER)) return;
    this.#waiting.add(id);
    this.#wake.abort();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    while (!signal.aborted) {
      let all = true;
      for (const id of this.#waiting) {
        const done = await this.#adopt(id, signal);
        if (done) this.#waiting.delete(id);
        else all = false;
      }
      if (this.#wake.signal.aborted) this.#wake = new AbortController();
      else if (all) await withAny([signal, this.#wake.signal], (either) => clock.sleep(60_000, either));
      if (!all) await clock.sleep(AGAIN_MS, signal);
    }
  }

  /** True: nothing is left to do. */
  async #adopt(id: string, signal: AbortSignal): Promise<boolean> {
    const { target, seen, onAdopted, onFailure } = this.#ports;
    const known = target(id);
    const { namespace, name = "", resourceVersion, finalizers = [] } = known?.object.metadata ?? {};
    if (known === undefined || !finalizers.includes(FINALIZER)) return true;
    const patched = await known.api.patch<PolicyObject>(
      POLICIES,
      { namespace, name },
      { metadata: { resourceVersion, finalizers: finalizers.filter((f) => f !== FINALIZER) } },
      signal,
    );
    if (patched.ok) {
      seen(id, patched.value);
      onAdopted(id);
      onFailure(undefined);
      return true;
    }
    // Deleted by the last finalizer that went, or changed meanwhile: the watch tells.
    if (patched.failure.kind === "not-found") return true;
    if (patched.failure.kind !== "conflict" && patched.failure.kind !== "aborted") onFailure(patched.failure);
    return false;
  }
}
