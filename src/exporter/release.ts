// What a sink cannot send is given back where others need the memory: it is forgotten, and read again later.
import type { Delivery } from "../delivery/delivery.ts";
import type { Sealed } from "../delivery/jobs.ts";
import type { Clock } from "../platform/clock.ts";
import type { Pressure } from "../reading/subscription.ts";
import type { OpenBatches } from "./open-batches.ts";
import type { Settlement } from "./settlement.ts";
import type { ReadSource, Sources } from "./sources.ts";

export type ReleasePorts = {
  clock: Clock;
  /** batch.timeout, ms. */
  timeoutMs(): number;
  returned(samples: number): void;
};

export class Release {
  readonly #ports: ReleasePorts;
  readonly #sources: Sources;
  readonly #open: OpenBatches;
  readonly #delivery: Delivery;
  readonly #settlement: Settlement;

  constructor(ports: ReleasePorts, sources: Sources, open: OpenBatches, delivery: Delivery, settlement: Settlement) {
    this.#ports = ports;
    this.#sources = sources;
    this.#open = open;
    this.#delivery = delivery;
    this.#settlement = settlement;
  }

  under(pressure: Pressure, source: ReadSource): void {
    if (pressure.kind === "others-ahead") {
      const { open: oldest } = this.#settlement.unsettled(source)[0] ?? {};
      if (oldest?.shared !== true) return;
      const { from, to } = oldest.window;
      // A slow sink sees through what it has begun: a receiver that has a part of a window refuses it, series by series, when it comes again.
      if (pressure.to > to + 2 * (to - from)) this.#release(1, !this.#delivery.failing);
      return;
    }
    if (!this.#delivery.failing && !this.#delivery.paused) this.#open.flush(); // sooner than its age asks for
    if (!this.#isStuck(pressure.patienceMs)) return;
    this.#release(0.5, false);
    this.#delivery.queue.compact();
  }

  /** It cannot send, or has not sent for so long. */
  #isStuck(patienceMs: number): boolean {
    if (this.#delivery.failing || this.#delivery.paused) return true;
    const oldest = this.#delivery.queue.oldestMs;
    return oldest !== undefined && this.#ports.clock.monotonicMs() - oldest > patienceMs + this.#ports.timeoutMs();
  }

  /**
   * What was never attempted; with `keepStarted` but for windows that were attempted in part. `shorter`: its windows are read again at
   * this share of their length.
   */
  #release(shorter: number, keepStarted: boolean): void {
    const back = this.#delivery.queue.release(keepStarted);
    for (const batch of back) this.#settlement.left(batch);
    const kept = windowsOf(this.#delivery.queue.batches());
    const given = windowsOf(back);
    // The last few samples of a window that is attempted already are cheaper to keep than to send the window twice.
    const open = this.#open.clear((window) => kept.has(window) && !given.has(window));
    const windows = new Set([...given, ...open.windows]);
    if (windows.size === 0) return;
    this.#settlement.fellBehind = true;
    this.#ports.returned(open.samples + back.reduce((n, batch) => n + batch.samples, 0));
    for (const source of [...this.#sources]) this.#readAgain(source, windows, shorter);
  }

  /** From the first window that was given back in part or whole; older ones are seen through. */
  #readAgain(source: ReadSource, givenBack: ReadonlySet<number>, shorter: number): void {
    const first = this.#settlement.unsettled(source).find(({ number }) => givenBack.has(number));
    if (first === undefined) return;
    const { window, before } = first.open;
    this.#settlement.abandon(source, first.number);
    this.#sources.readAgain(source, window.from, before, (window.to - window.from) * shorter);
  }
}

const windowsOf = (batches: Iterable<Sealed>): ReadonlySet<number> =>
  new Set([...batches].flatMap((batch) => batch.windows.map(({ window }) => window)));
