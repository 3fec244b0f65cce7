// Writes the status of policies: only what differs from what is stored, guarded by resourceVersion, at most once a second a policy.
// While the API server is away what is to be written waits; a write whose outcome is not known is looked at before it is repeated.
import type { Clock } from "../platform/clock.ts";
import { withAny } from "../platform/signals.ts";
import { type ApiFailure, type KubeApi, POLICIES } from "./client/api.ts";
import type { PolicyObject, StoredStatus } from "./policy-objects.ts";
import { statusUpdate } from "./status.ts";

/** A policy as the API server has it. */
export type Target = { api: KubeApi; object: PolicyObject };

export type StatusWriterPorts = {
  clock: Clock;
  /** The newest that is known; undefined: it no longer exists. */
  target(id: string): Target | undefined;
  /** What was read or written here. */
  seen(id: string, object: PolicyObject): void;
  /** Undefined: nothing to say yet. */
  desired(id: string): StoredStatus | undefined;
  /** Undefined: it works again. */
  onFailure(failure: ApiFailure | undefined): void;
};

const AT_ONCE = 4;
const SPACING_MS = 1_000;
const FIRST_BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 1_600;
const FORBIDDEN_BACKOFF_MS = 30_000;
const LONGEST_WAIT_MS = 30_000;

export class StatusWriter {
  readonly #ports: StatusWriterPorts;
  /** Policies to look at, each once, the oldest first. */
  readonly #dirty = new Set<string>();
  readonly #busy = new Set<string>();
  /** When a policy may be written next (monotonic). */
  readonly #notBefore = new Map<string, number>();
  /** A write was sent, and nobody knows whether it arrived; or there was a conflict. */
  readonly #suspect = new Set<string>();
  #wake = new AbortController();
  #pauseUntilMs = 0;
  #failures = 0;
  #failing = false;

  constructor(ports: StatusWriterPorts) {
    this.#ports = ports;
  }

  /** The report of a policy, or what is stored of it, may have changed. */
  changed(id: string): void {
    this.#dirty.add(id);
    this.#wake.abort();
  }

  forget(id: string): void {
    this.#dirty.delete(id);
    this.#notBefore.delete(id);
    this.#suspect.delete(id);
  }

  get idle(): boolean {
    return this.#dirty.size === 0 && this.#busy.size === 0;
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.#work(signal)));
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    while (!signal.aborted) {
      const next = this.#next();
      if (typeof next === "string") {
        this.#busy.add(next);
        await this.#write(next, signal);
        this.#busy.delete(next);
      } else {
        if (this.#wake.signal.aborted) this.#wake = new AbortController();
        await withAny([signal, this.#wake.signal], (either) => clock.sleep(next, either));
      }
    }
  }

  /** A policy whose time has come, or how long there is none, ms. */
  #next(): string | number {
    const now = this.#ports.clock.monotonicMs();
    if (now < this.#pauseUntilMs) return this.#pauseUntilMs - now;
    let soonest = now + 60_000;
    for (const id of this.#dirty) {
      if (this.#busy.has(id)) continue;
      const due = this.#notBefore.get(id) ?? 0;
      if (due <= now) {
        this.#dirty.delete(id);
        return id;
      }
      soonest = Math.min(soonest, due);
    }
    return soonest - now;
  }

  async #write(id: string, signal: AbortSignal): Promise<void> {
    const { clock, target, seen, desired } = this.#ports;
    if (this.#suspect.has(id) && !(await this.#readAgain(id, signal))) return;
    const known = target(id);
    const wanted = known && desired(id);
    const status = wanted && statusUpdate(known.object.status, wanted);
    if (known === undefined || status === undefined) return;
    const { namespace, name = "", resourceVersion } = known.object.metadata;
    const patched = await known.api.patch<PolicyObject>(
      POLICIES,
      { namespace, name, subresource: "status" },
      { metadata: { resourceVersion }, status },
      signal,
    );
    this.#notBefore.set(id, clock.monotonicMs() + SPACING_MS);
    if (patched.ok) {
      seen(id, patched.value);
      return this.#well();
    }
    this.#failed(id, patched.failure);
  }

  /** True: what is stored is known again. */
  async #readAgain(id: string, signal: AbortSignal): Promise<boolean> {
    const known = this.#ports.target(id);
    if (known === undefined) return false;
    const { namespace, name = "", uid } = known.object.metadata;
    const read = await known.api.get<PolicyObject>(POLICIES, { namespace, name }, signal);
    if (!read.ok) {
      this.#failed(id, read.failure);
      return false;
    }
    this.#suspect.delete(id);
    // Deleted and made again: the watch will tell, and then there is a status for the new one.
    if (read.value.metadata.uid !== uid) return false;
    this.#ports.seen(id, read.value);
    return true;
  }

  #failed(id: string, failure: ApiFailure): void {
    const { clock, onFailure } = this.#ports;
    switch (failure.kind) {
      case "aborted":
        return;
      case "not-found":
        // Deleted: the watch tells. A kind without a status subresource is found at the next change.
        this.#suspect.delete(id);
        return;
      case "conflict":
        this.#suspect.add(id);
        this.#notBefore.delete(id);
        this.#dirty.add(id);
        return;
      case "invalid":
        this.#failing = true;
        onFailure(failure);
        return;
      default: {
        this.#failures++;
        this.#suspect.add(id);
        this.#dirty.add(id);
        const backoff = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (this.#failures - 1));
        const waitMs = Math.max(
          failure.kind === "forbidden" ? FORBIDDEN_BACKOFF_MS : backoff,
          Math.min(failure.retryAfterMs ?? 0, LONGEST_WAIT_MS),
        );
        this.#pauseUntilMs = clock.monotonicMs() + waitMs;
        this.#failing = true;
        onFailure(failure);
      }
    }
  }

  #well(): void {
    this.#failures = 0;
    if (!this.#failing) return;
    this.#failing = false;
    this.#ports.onFailure(undefined);
  }
}
