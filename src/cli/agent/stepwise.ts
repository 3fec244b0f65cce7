// Loads on their way to the supervisor, in steps of a few sinks (policy/steps.ts): the event loop turns between two of them. A newer load
// takes the place of what is still to come of the one before.
import type { LoadResult, Policy } from "../../policy/policy.ts";
import { inSteps } from "../../policy/steps.ts";

export class Stepwise {
  readonly #apply: (loaded: LoadResult) => void;
  readonly #breathe: () => Promise<void>;
  #running: readonly Policy[] = [];
  #wanted: LoadResult | undefined;
  #stepping = false;
  #done: Promise<void> = Promise.resolve();

  constructor(apply: (loaded: LoadResult) => void, breathe: () => Promise<void>) {
    this.#apply = apply;
    this.#breathe = breathe;
  }

  /** The first step is done when this returns; one is enough where few sinks change. Resolves when all of it, or of a later load, is done. */
  apply(loaded: LoadResult): Promise<void> {
    this.#wanted = loaded;
    if (!this.#stepping) this.#done = this.#step();
    return this.#done;
  }

  /** Policies that are handed over or lost, by `namespace/name`: no step that is still to come starts one. */
  leave(of: (policy: string) => boolean): void {
    const stays = ({ namespace, name }: Policy) => !of(`${namespace}/${name}`);
    this.#running = this.#running.filter(stays);
    if (this.#wanted !== undefined) this.#wanted = { ...this.#wanted, policies: this.#wanted.policies.filter(stays) };
  }

  async #step(): Promise<void> {
    this.#stepping = true;
    try {
      for (let wanted = this.#wanted; wanted !== undefined; wanted = this.#wanted) {
        for (const step of inSteps(this.#running, wanted)) {
          this.#apply(step);
          this.#running = step.policies;
          if (step !== wanted) await this.#breathe();
          else if (this.#wanted === wanted) this.#wanted = undefined;
          if (this.#wanted !== wanted) break;
        }
      }
    } finally {
      this.#stepping = false;
    }
  }
}
