// One timer that is moved: the next moment at which something may be due.
import { type Clock, Stop } from "../platform/clock.ts";

export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #set: { at: number; timer: Stop } | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Monotonic ms; Infinity: never. A timer that rings within the same millisecond stays: this is called at each response of each sink. */
  setTo(at: number): void {
    if (this.#set !== undefined && Math.abs(this.#set.at - at) < 1) return;
    this.stop();
    if (at === Number.POSITIVE_INFINITY) return;
    const timer = new Stop();
    const set = { at, timer };
    this.#set = set;
    void this.#clock.sleep(Math.ceil(at - this.#clock.monotonicMs()), timer).then((elapsed) => {
      if (this.#set === set) this.#set = undefined;
      if (elapsed) this.#ring();
    });
  }

  stop(): void {
    this.#set?.timer.abort();
    this.#set = undefined;
  }
}
