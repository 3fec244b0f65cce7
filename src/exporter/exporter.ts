// One sink. The path of its samples, top to bottom:
//   Intake       a window that a reader offers becomes an open window
//   OpenBatches  its samples join the open batches, until one is full, old enough, or nothing more can join it
//   Delivery     batches are sent, in order and again, until each is delivered or dropped
//   Settlement   when the last sample of a window is settled, the cursor moves and is saved
// Control goes the other way, in one word: demand. While the sink fails it takes nothing, so memory stays flat and no other sink
// notices; where others need memory, Release gives back what it cannot send.
import type { Batch } from "../batch/batch.ts";
import type { Drop } from "../delivery/batch-splitter.ts";
import { Delivery } from "../delivery/delivery.ts";
import type { Sender } from "../delivery/ports.ts";
import type { Demand, Subscriber } from "../reading/subscription.ts";
import type { Frame } from "../series/frame.ts";
import type { Condition } from "../status/condition.ts";
import type { SinkId } from "../status/events.ts";
import { Intake } from "./intake.ts";
import { OpenBatches } from "./open-batches.ts";
import { owed } from "./owed.ts";
import type { ExporterPorts, ExporterSpec } from "./ports.ts";
import { Release } from "./release.ts";
import { Settlement } from "./settlement.ts";
import { type ReadSource, Sources } from "./sources.ts";

/** More sealed windows than this wait to be sent: the source is not read further for this sink. */
const MAX_SEALED_WINDOWS = 2;

export class Exporter {
  readonly id: SinkId;
  readonly #ports: ExporterPorts;
  readonly #sources: Sources;
  readonly #intake: Intake;
  readonly #open: OpenBatches;
  readonly #delivery: Delivery;
  readonly #settlement: Settlement;
  readonly #release: Release;
  #spec: ExporterSpec;
  #stopped = false;
  /** By the account: samples that were read and are neither delivered nor dropped nor given back. */
  #owed = 0;

  constructor(spec: ExporterSpec, sender: Sender, outer: ExporterPorts) {
    this.id = spec.info.id;
    this.#spec = spec;
    const ports: ExporterPorts = {
      ...outer,
      dispatch: (event) => {
        this.#owed += owed(event);
        outer.dispatch(event);
      },
    };
    this.#ports = ports;
    const { id } = this;
    const { clock, random, dispatch, bug, keep } = ports;
    const { maxSize, timeoutMs } = spec.info.batch;
    const sources = new Sources(ports, (source) => this.#subscriber(source));
    const settlement = new Settlement(id, ports, sources);
    const delivery = new Delivery(id, sender, spec.delivery, {
      clock,
      random,
      dispatch,
      ...(keep === undefined ? {} : { keep: (drop: Drop) => keep(id, drop) }),
      sourceNow: () => sources.now,
      attempting: (batch, cut) => settlement.attempting(batch, cut),
      suspect: (table, series, refused) => open.suspect(table, series, refused),
      suspects: (table) => open.suspects(table),
      settled: (batch) => settlement.settled(batch),
      changed: () => sources.wake(),
      bug,
    });
    const open: OpenBatches = new OpenBatches(maxSize, timeoutMs, {
      clock,
      nextReadMs: () => sources.nextReadMs(),
      sealed: (batch, of) => this.#sealed(batch, of),
      bug,
    });
    this.#intake = new Intake(
      id,
      { clock, dispatch, maxSize: () => this.#spec.info.batch.maxSize, failing: () => delivery.failing },
      sources,
      settlement,
      open,
    );
    this.#release = new Release(
      { clock, timeoutMs: () => this.#spec.info.batch.timeoutMs, returned: (samples) => this.#returned(samples) },
      sources,
      open,
      delivery,
      settlement,
    );
    this.#sources = sources;
    this.#settlement = settlement;
    this.#delivery = delivery;
    this.#open = open;
  }

  /** `conditions`: what was reported before a restart of the agent. */
  start(conditions: readonly Condition[]): void {
    this.#ports.dispatch({ type: "sink-started", at: this.#ports.clock.now(), sink: this.#spec.info, conditions });
    for (const { name, query } of this.#spec.sources) this.#add(name, query);
  }

  /** The policy changed: what is the same continues as it is, the rest takes effect at once. `sender` only if it changed. */
  update(spec: ExporterSpec, sender: Sender | undefined): void {
    this.#spec = spec;
    this.#ports.dispatch({ type: "sink-started", at: this.#ports.clock.now(), sink: spec.info });
    const { maxSize, timeoutMs } = spec.info.batch;
    this.#open.update(maxSize, timeoutMs);
    this.#settlement.resized(maxSize);
    this.#delivery.update(sender, spec.delivery);
    for (const source of [...this.#sources]) {
      const now = spec.sources.find((s) => s.name === source.name);
      if (now === undefined) {
        this.#intake.endSeries(source);
        this.#sources.remove(source);
      } else if (JSON.stringify(now.query) !== JSON.stringify(source.query))
        this.#sources.changeQuery(source, now.query);
    }
    for (const { name, query } of spec.sources) if (this.#sources.find(name) === undefined) this.#add(name, query);
  }

  pause(): void {
    this.#delivery.pause();
    this.#ports.dispatch({ type: "sink-paused", at: this.#ports.clock.now(), id: this.id });
  }

  resume(): void {
    this.#ports.dispatch({ type: "sink-resumed", at: this.#ports.clock.now(), id: this.id });
    this.#delivery.resume();
  }

  retryNow(): void {
    this.#delivery.retryNow();
  }

  /**
   * Stops reading, gives each batch a last attempt within `timeoutMs` and until `hurry` aborts, gives the rest back; true: there was no
   * rest.
   */
  async drain(timeoutMs: number, why: "shutdown" | "removed", hurry?: AbortSignal): Promise<boolean> {
    this.#stopReading();
    const { clock, dispatch } = this.#ports;
    if (why === "removed") for (const source of this.#sources) this.#intake.endSeries(source);
    dispatch({ type: "sink-draining", at: clock.now(), id: this.id, why });
    this.#open.flush();
    const returned = await this.#delivery.drain(timeoutMs, hurry);
    this.#returned(returned);
    dispatch({ type: "sink-stopped", at: clock.now(), id: this.id });
    return returned === 0;
  }

  /** Ends at once; nothing is lost: cursors have not moved past what was not settled. */
  abort(): void {
    this.#stopReading();
    this.#returned(this.#open.clear().samples + this.#delivery.abort());
    this.#ports.dispatch({ type: "sink-stopped", at: this.#ports.clock.now(), id: this.id });
  }

  /** Samples in memory: neither delivered nor dropped nor given back. */
  get pending(): number {
    return this.#open.samples + this.#delivery.queue.samples;
  }

  /** Ends after a bug: what it should have in memory counts as given back, whatever it has. */
  crash(): void {
    try {
      this.#stopReading();
      this.#open.clear();
      this.#delivery.abort();
    } finally {
      this.#returned(this.#owed);
    }
  }

  #add(name: string, query: ExporterSpec["sources"][number]["query"]): void {
    this.#sources.add(name, query, this.#settlement.waiting(name), (cursor) => this.#settlement.begin(name, cursor));
  }

  /** What is thrown in here is this exporter's bug: the reader, which others share, continues. */
  #subscriber(source: ReadSource): Subscriber {
    const guarded =
      <A extends unknown[]>(act: (...args: A) => void) =>
      (...args: A): void => {
        try {
          if (!this.#stopped) act(...args);
        } catch (error) {
          this.#ports.bug(error);
        }
      };
    const demand = () => this.#demand(source);
    return {
      id: this.id,
      source: source.name,
      get demand() {
        return demand();
      },
      receive: guarded((news) => this.#intake.receive(source, news)),
      release: guarded((pressure) => this.#release.under(pressure, source)),
      frames: () => this.#frames(),
    };
  }

  #demand(source: ReadSource): Demand {
    if (this.#stopped || this.#delivery.paused) return "none";
    if (this.#settlement.fellBehind && this.#delivery.queue.size > 0) return "none";
    if (this.#delivery.failing) return this.#delivery.wantsProbe ? "small" : "none";
    return source.sealed < MAX_SEALED_WINDOWS ? "any" : "none";
  }

  /** What this sink keeps in memory. */
  *#frames(): Iterable<Frame> {
    yield* this.#open.frames();
    yield* this.#delivery.queue.frames();
  }

  #sealed(batch: Batch, of: "ordinary" | "suspects" | "late"): void {
    this.#settlement.sealed(batch);
    this.#delivery.enqueue(batch, {
      ...this.#settlement.originOf(batch, of === "late"),
      suspects: of === "suspects",
    });
  }

  #stopReading(): void {
    this.#stopped = true;
    this.#open.stop();
    this.#sources.stop();
  }

  #returned(samples: number): void {
    if (samples > 0) this.#ports.dispatch({ type: "returned", at: this.#ports.clock.now(), id: this.id, samples });
  }
}
