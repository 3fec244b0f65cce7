// How the API server does, from all that is asked of it: one state for log, screen and status, with since when.
import type { EpochMs } from "../../platform/clock.ts";
import { printable } from "../../platform/printable.ts";
import type { Event } from "../../status/events.ts";
import type { ApiFailure } from "./api.ts";

const MESSAGE_COLUMNS = 500;

export class Health {
  readonly #server: string;
  readonly #now: () => EpochMs;
  readonly #dispatch: (event: Event) => void;
  /** What fails, the first one first. */
  readonly #failures = new Map<string, { failure: ApiFailure; since: EpochMs }>();
  #told = "none";

  constructor(server: string, now: () => EpochMs, dispatch: (event: Event) => void) {
    this.#server = server;
    this.#now = now;
    this.#dispatch = dispatch;
  }

  /** `part`: who asks. Undefined: it works. */
  report(part: string, failure: ApiFailure | undefined): void {
    const before = this.#failures.get(part);
    if (failure === undefined) this.#failures.delete(part);
    else this.#failures.set(part, { failure, since: before?.since ?? this.#now() });
    this.#tell();
  }

  #tell(): void {
    const worst = [...this.#failures.values()][0];
    const said = worst === undefined ? "ok" : `${worst.failure.kind} ${worst.failure.message}`;
    if (said === this.#told) return;
    this.#told = said;
    this.#dispatch({
      type: "cluster",
      at: this.#now(),
      server: this.#server,
      ...(worst === undefined
        ? {}
        : {
            failure: {
              kind: worst.failure.kind,
              message: printable(worst.failure.message, MESSAGE_COLUMNS),
              since: worst.since,
            },
          }),
    });
  }
}
