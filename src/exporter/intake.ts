// The start of the path: what the readers have read of a source becomes an open window, and its samples join the open batches.

import { oldestOf, whole } from "../batch/batch.ts";
import type { EpochMs } from "../platform/clock.ts";
import { printable } from "../platform/printable.ts";
import { endingsOf } from "../reading/removed-source.ts";
import type { Arrival, News } from "../reading/subscription.ts";
import type { Frame } from "../series/frame.ts";
import type { Collision } from "../series/keyspace.ts";
import type { DropReason, SinkId } from "../status/events.ts";
import type { OpenBatches } from "./open-batches.ts";
import type { ExporterPorts } from "./ports.ts";
import type { Settlement } from "./settlement.ts";
import type { ReadSource, Sources } from "./sources.ts";

export type IntakePorts = Pick<ExporterPorts, "clock" | "dispatch"> & {
  maxSize(): number;
  /** The sink fails: what arrives is to try it with, now. */
  failing(): boolean;
};

const SERIES_COLUMNS = 1_000;

export class Intake {
  readonly #id: SinkId;
  readonly #ports: IntakePorts;
  readonly #sources: Sources;
  readonly #settlement: Settlement;
  readonly #open: OpenBatches;
  /** Series that are dropped since another one becomes the same, and were told of. */
  readonly #collided = new WeakSet<Collision>();

  constructor(id: SinkId, ports: IntakePorts, sources: Sources, settlement: Settlement, open: OpenBatches) {
    this.#id = id;
    this.#ports = ports;
    this.#sources = sources;
    this.#settlement = settlement;
    this.#open = open;
  }

  receive(source: ReadSource, news: News): void {
    const { clock, dispatch } = this.#ports;
    const of = { at: clock.now(), id: this.#id, source: source.name };
    switch (news.kind) {
      case "window":
        return this.#window(source, news);
      case "failed":
        dispatch({ ...of, type: "read-failed", reason: news.reason, message: news.message });
        return this.#open.flushIfAlone();
      case "skipped": {
        const { from, to, why } = news;
        dispatch({ ...of, type: "skipped", from, to, why });
        source.read = to;
        this.#settlement.skipped(source, { from, to });
        this.#open.flushIfAlone();
        return this.#settlement.moveCursors();
      }
      case "set-back":
        return this.#setBack(source, news.to);
      default:
        news satisfies never;
    }
  }

  /** A source is removed, and its series end: each that is alive gets a stale marker, so that no graph continues it for five minutes. */
  endSeries(source: ReadSource): void {
    const { read, memory } = source;
    if (read === undefined || memory === undefined) return;
    const frame = endingsOf(memory, read, source.query.kind);
    if (frame === undefined) return;
    const sourceNow = this.#sources.lastNow;
    const none = { bytes: 0, durationMs: 0, shared: false };
    this.#window(source, { from: read, to: read, frame, before: memory, memory, ...none, sourceNow });
  }

  #window(source: ReadSource, arrival: Arrival): void {
    const { frame, late, from, to, sourceNow, before, memory, shared } = arrival;
    this.#sources.saw(sourceNow);
    source.read = to;
    source.memory = memory;
    source.attempts.readUpTo(sourceNow);
    const window = { from, to, samples: frame.samples, series: frame.runs };
    const maxSize = this.#ports.maxSize();
    const { sent, together } = source.attempts.origin(window, maxSize, oldestOf(whole(frame)));
    // What may have been sent before stays apart from what was not: a receiver that refuses samples it has refuses the whole request.
    if (sent) this.#open.flush();
    const samples = frame.samples + (late?.samples ?? 0);
    const number = this.#settlement.open({ source, window, maxSize, before, memory, shared, sent, together }, samples);
    this.#tell(source, arrival, samples);
    this.#open.add(frame, number);
    if (late !== undefined) this.#open.addLate(late, number);
    if (this.#ports.failing() || sent) this.#open.flush();
    this.#open.flushIfAlone();
    this.#settlement.moveCursors();
  }

  #tell(source: ReadSource, arrival: Arrival, samples: number): void {
    const { frame, from, to, bytes, durationMs, sourceNow, settleMs } = arrival;
    const dropped: Partial<Record<DropReason, number>> = frame.dropped;
    this.#ports.dispatch({
      type: "window-read",
      at: this.#ports.clock.now(),
      id: this.#id,
      source: source.name,
      from,
      to,
      read: samples + droppedOf(frame),
      series: frame.runs,
      bytes,
      durationMs,
      sourceNow,
      dropped,
      ...this.#collisions(frame),
      ...(settleMs === undefined ? {} : { settleMs }),
    });
  }

  #collisions({ collisions = [] }: Frame): { collisions?: Collision[] } {
    const news = collisions.filter((collision) => !this.#collided.has(collision));
    for (const collision of news) this.#collided.add(collision);
    if (news.length === 0) return {};
    const text = (series: string): string => printable(series, SERIES_COLUMNS);
    return { collisions: news.map(({ lost, kept }) => ({ lost: text(lost), kept: text(kept) })) };
  }

  #setBack(source: ReadSource, to: EpochMs): void {
    const { clock, dispatch } = this.#ports;
    const cursor = this.#settlement.cursor(source.name);
    if (cursor !== undefined && cursor > to) {
      const message = `${this.#id}: the source's clock was set back; the cursor of source ${source.name} was ahead of it and moves back by ${Math.round((cursor - to) / 1000)} s: that time is read again.`;
      dispatch({ type: "notice", at: clock.now(), level: "warn", message });
    }
    if (source.read !== undefined) {
      source.read = to;
      source.memory = undefined;
    }
    this.#settlement.setBack(source, to);
  }
}

const droppedOf = ({ dropped }: Frame): number => Object.values(dropped).reduce((a, b) => a + b, 0);
