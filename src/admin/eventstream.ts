// Server-sent events: a snapshot `S`, then every event `E` after it. The ring is the log and a reader has a cursor in it, so nothing is ever
// queued for a reader: one that does not read is behind in the ring, and cut when the ring has passed it or STUCK_MS are over.
import { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";
import { EventRing } from "./eventring.ts";

export const MAX_STREAMS = 100;
const STUCK_MS = 30_000;
const HEARTBEAT_MS = 15_000;
/** One write: what is under way to a reader that does not read. */
const CHUNK_BYTES = 64 * 1024;

type Reader = {
  response: ServerResponse;
  /** Number of the last event that was written. */
  seq: number;
  /** What is left of the snapshot; readers that come at the same moment share the bytes. */
  snapshot: Uint8Array | undefined;
  stuck: ReturnType<typeof setTimeout> | undefined;
  wroteAt: number;
};

export class EventStream<E, S> {
  readonly #ring: EventRing<E>;
  readonly #readers = new Set<Reader>();
  readonly #heartbeat: ReturnType<typeof setInterval>;
  #snapshot: { of: S; bytes: Uint8Array } | undefined;
  #pumping = false;

  /** `before`, `kept`: see EventRing. */
  constructor(before: number, kept?: number) {
    this.#ring = new EventRing(before, kept);
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Number of the newest event. */
  get seq(): number {
    return this.#ring.last;
  }

  append(event: E): void {
    this.#ring.append(event);
    if (this.#pumping || this.#readers.size === 0) return;
    // What one turn brings goes out in one write.
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      for (const reader of this.#readers) this.#pump(reader);
      this.#snapshot = undefined;
    });
  }

  /** False: there are as many readers as may be. `lastEventId`: what a reader that comes back has seen. */
  add(response: ServerResponse, lastEventId: string | undefined, snapshot: S): boolean {
    if (this.#readers.size >= MAX_STREAMS) return false;
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-accel-buffering": "no",
    });
    const seen = /^\d{1,16}$/.test(lastEventId ?? "") ? Number(lastEventId) : Number.NaN;
    const resumes = this.#ring.reaches(seen);
    const reader: Reader = {
      response,
      seq: resumes ? seen : this.#ring.last,
      snapshot: resumes ? undefined : this.#message(snapshot),
      stuck: undefined,
      wroteAt: performance.now(),
    };
    this.#readers.add(reader);
    response.on("drain", () => {
      clearTimeout(reader.stuck);
      reader.stuck = undefined;
      this.#pump(reader);
    });
    response.on("close", () => this.#gone(reader));
    response.on("error", () => this.#gone(reader));
    this.#write(reader, ": outflow\n\n");
    this.#pump(reader);
    return true;
  }

  close(): void {
    clearInterval(this.#heartbeat);
    for (const reader of [...this.#readers]) this.#cut(reader);
  }

  #message(snapshot: S): Uint8Array {
    if (this.#snapshot?.of !== snapshot)
      this.#snapshot = {
        of: snapshot,
        bytes: Buffer.from(`id: ${this.#ring.last}\nevent: snapshot\ndata: ${JSON.stringify(snapshot)}\n\n`),
      };
    return this.#snapshot.bytes;
  }

  #pump(reader: Reader): void {
    if (!this.#ring.reaches(reader.seq)) return this.#cut(reader);
    while (reader.stuck === undefined && this.#readers.has(reader)) {
      if (reader.snapshot !== undefined) {
        const { snapshot } = reader;
        reader.snapshot = snapshot.length > CHUNK_BYTES ? snapshot.subarray(CHUNK_BYTES) : undefined;
        this.#write(reader, snapshot.subarray(0, CHUNK_BYTES));
        continue;
      }
      let text = "";
      while (reader.seq < this.#ring.last && text.length < CHUNK_BYTES) text += this.#ring.message(++reader.seq);
      if (text === "") return;
      this.#write(reader, text);
    }
  }

  #write(reader: Reader, piece: string | Uint8Array): void {
    reader.wroteAt = performance.now();
    if (reader.response.write(piece) || reader.stuck !== undefined) return;
    reader.stuck = setTimeout(() => this.#cut(reader), STUCK_MS);
    reader.stuck.unref();
  }

  #beat(): void {
    for (const reader of this.#readers)
      if (
        reader.stuck === undefined &&
        reader.snapshot === undefined &&
        performance.now() - reader.wroteAt >= HEARTBEAT_MS - 1_000
      )
        this.#write(reader, ": heartbeat\n\n");
  }

  #cut(reader: Reader): void {
    this.#gone(reader);
    reader.response.destroy();
  }

  #gone(reader: Reader): void {
    clearTimeout(reader.stuck);
    reader.snapshot = undefined;
    this.#readers.delete(reader);
  }
}
