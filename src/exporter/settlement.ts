// The end of the path: windows of one sink from their arrival until their last sample is settled, when the cursor moves and is saved.
import type { Batch } from "../batch/batch.ts";
import type { Origin } from "../delivery/batch-splitter.ts";
import type { Sealed } from "../delivery/jobs.ts";
import { Ledger } from "../delivery/ledger.ts";
import type { EpochMs } from "../platform/clock.ts";
import type { Memory } from "../reading/memory/memory.ts";
import type { Window } from "../source/window.ts";
import type { SinkId } from "../status/events.ts";
import type { ReadWindow } from "./attempts.ts";
import type { ExporterPorts } from "./ports.ts";
import type { ReadSource, Sources } from "./sources.ts";

/** A window that is not settled. */
export type OpenWindow = {
  source: ReadSource;
  window: ReadWindow;
  maxSize: number;
  before: Memory;
  /** The reader's after it; undefined: it ends earlier than that, since the source's clock was set back. */
  memory: Memory | undefined;
  shared: boolean;
  /** It may have been sent before; the receiver has all samples of a series of it, or none. */
  sent: boolean;
  together: boolean;
  /** So many batches with samples of it wait or are in flight. */
  batches: number;
  /** That it is attempted, and how it is cut, is saved. */
  recorded: boolean;
};

export type SettlementPorts = Pick<ExporterPorts, "clock" | "dispatch" | "save" | "saveAttempted">;

export class Settlement {
  readonly #id: SinkId;
  readonly #ports: SettlementPorts;
  readonly #sources: Sources;
  readonly #ledger = new Ledger<OpenWindow | undefined>();
  /** The sink gave back what it could not send: it reads again when something of what it kept is settled. */
  fellBehind = false;

  constructor(id: SinkId, ports: SettlementPorts, sources: Sources) {
    this.#id = id;
    this.#ports = ports;
    this.#sources = sources;
  }

  cursor(source: string): EpochMs | undefined {
    return this.#ledger.cursor(source);
  }

  /** Where a source begins. */
  begin(source: string, cursor: EpochMs): void {
    this.#ledger.reset(source, cursor);
  }

  /** A window has arrived with `samples` to settle. Returns its window number. */
  open(window: Omit<OpenWindow, "batches" | "recorded">, samples: number): number {
    const { from, to } = window.window;
    return this.#ledger.open(window.source.name, from, to, samples, { ...window, batches: 0, recorded: false });
  }

  /** Time that is never read: there is nothing to settle, and no memory of it to save. */
  skipped(source: ReadSource, { from, to }: Window): void {
    this.#ledger.open(source.name, from, to, 0, undefined);
  }

  /** Oldest first. */
  unsettled(source: ReadSource): { number: number; open: OpenWindow }[] {
    return this.#ledger
      .unsettled(source.name)
      .flatMap(({ window: number, of: open }) => (open?.source === source ? [{ number, open }] : []));
  }

  /** A series that is longer than a batch may be cut at two sizes now. */
  resized(maxSize: number): void {
    for (const open of this.#ledger.all())
      if (open !== undefined && open.maxSize !== maxSize) {
        open.together = false;
        open.recorded = false;
      }
  }

  /** What is known of a batch's samples before it is sent. */
  originOf(batch: Batch, late: boolean): Pick<Origin, "sent" | "together"> {
    const windows = this.#windowsOf(batch);
    return {
      sent: late || windows.some(({ sent }) => sent),
      together: !late && windows.every(({ together }) => together),
    };
  }

  /** A batch waits to be sent. */
  sealed(batch: Batch): void {
    for (const open of this.#windowsOf(batch)) if (open.batches++ === 0) open.source.sealed++;
  }

  /** Saved before the request is sent: a process that follows a kill must know. `cut`: parts of one series are sent. */
  attempting(batch: Sealed, cut: boolean): void {
    const windows = this.#windowsOf(batch);
    if (!cut && windows.every(({ recorded }) => recorded)) return;
    for (const source of new Set(windows.map((open) => open.source))) {
      const mine = windows
        .filter((open) => open.source === source)
        .map(({ window, maxSize, together }) => ({ ...window, maxSize, together: together && !cut }));
      const cursor = this.#ledger.cursor(source.name) ?? 0;
      const attempted = source.attempts.record(mine, cursor);
      if (attempted !== undefined) this.#ports.saveAttempted(source.name, attempted);
    }
    for (const open of windows) open.recorded = true;
  }

  /** All samples of the batch are delivered or dropped. */
  settled(batch: Sealed): void {
    this.fellBehind = false;
    this.left(batch);
    let last = false;
    for (const { window, samples } of batch.windows) if (this.#ledger.settle(window, samples)) last = true;
    if (last) this.moveCursors();
  }

  /** A batch waits no longer. */
  left(batch: Sealed): void {
    for (const open of this.#windowsOf(batch)) if (--open.batches === 0) open.source.sealed--;
  }

  /** Gives up a source's windows from window `first` on. What is still sent of them moves no cursor. */
  abandon(source: ReadSource, first: number): void {
    for (const { window, of } of this.#ledger.unsettled(source.name))
      if (window >= first && of !== undefined && of.batches > 0) of.source.sealed--;
    this.#ledger.abandon(source.name, first);
  }

  /**
   * Everything after `to` is read again. What waits of it is sent all the same, and moves no cursor: it would be ahead again. What is
   * before is not read again, so the cursor waits until it is settled.
   */
  setBack(source: ReadSource, to: EpochMs): void {
    const { name } = source;
    const attempted =
      this.#ledger.cursor(name) === undefined ? undefined : source.attempts.readAgain(this.waiting(name));
    if (attempted !== undefined) this.#ports.saveAttempted(name, attempted);
    const first = this.#ledger.unsettled(name).find(({ from }) => from >= to);
    if (first !== undefined) this.abandon(source, first.window);
    const last = this.#ledger.unsettled(name).at(-1);
    if (last === undefined) {
      this.#ledger.reset(name, to);
      this.#ports.save(name, to, undefined);
    } else {
      this.#ledger.cut(last.window, to);
      if (last.of !== undefined) last.of.memory = undefined;
    }
  }

  /** The end of the last window of which samples wait or are in flight; 0: there is none. */
  waiting(source: string): EpochMs {
    return Math.max(0, ...this.#ledger.unsettled(source).map(({ to, samples }) => (samples > 0 ? to : 0)));
  }

  /** To the end of the oldest unbroken run of settled windows. */
  moveCursors(): void {
    const { clock, dispatch, save } = this.#ports;
    for (const { source, cursor, last } of this.#ledger.advance()) {
      save(source, cursor, last?.memory);
      const { lastNow: sourceNow } = this.#sources;
      dispatch({ type: "cursor-moved", at: clock.now(), id: this.#id, source, cursor, sourceNow });
    }
  }

  #windowsOf(batch: Sealed | Batch): OpenWindow[] {
    return batch.windows.map(({ window }) => this.#ledger.of(window)).filter((open) => open !== undefined);
  }
}
