// How long one drawing takes, from the view to the bytes on the terminal, smoothed.
import type { Clock } from "../src/platform/clock.ts";

export class Meter {
  costMs = 0;
  readonly #clock: Pick<Clock, "monotonicMs">;
  #began: number | undefined;
  #drawings = 0;

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
    // The first one is cold and tells nothing.
    if (this.#drawings++ > 0) this.costMs = this.costMs === 0 ? tookMs : (this.costMs + tookMs) / 2;
  }
}
