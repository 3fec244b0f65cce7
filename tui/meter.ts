// How long one drawing takes, from the view to the bytes on the terminal, smoothed.
import type { Clock } from "../src/platform/clock.ts";

export class Meter {
  costMs = 0;
  readonly #clock: Pick<Clock, "monotonicMs">;
  #began: number | undefined;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  begin(): void {
    this.#began ??= this.#clock.monotonicMs();
  }

  end(): void {
    if (this.#began === undefined) return;
    const tookMs = this.#clock.monotonicMs() - this.#began;
    this.#began = undefined;
    this.costMs = this.costMs === 0 ? tookMs : this.costMs * 0.8 + tookMs * 0.2;
  }
}
