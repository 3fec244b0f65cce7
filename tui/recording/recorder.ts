// Records an agent: each event as it comes, and from time to time the whole state, compressed, for the last hour or until the memory
// for it is full. A state is kept when the events since the last one take as much room as that did, so that they take at most half
// of it, and looking up a moment never means replaying more than a few minutes.
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { EpochMs } from "../../src/platform/clock.ts";
import type { Event } from "../../src/status/events.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { type Chunk, keyframeLines } from "./chunk.ts";

export const KEEP_MS = 3_600_000;
export const MEMORY_BYTES = 64 * 1024 * 1024;

/** A chunk ends when it is as long as this. */
const CHUNK_CHARS = 768 * 1024;
const CHUNK_MS = 30_000;
const KEYFRAME_AFTER_MS = 60_000;

export type RecorderOptions = {
  keepMs?: number;
  memoryBytes?: number;
  /** Lets others run between two slices of work. */
  pause(): Promise<void>;
};

export class Recorder {
  readonly #chunks: Stored[] = [];
  readonly #keepMs: number;
  readonly #memoryBytes: number;
  readonly #pause: () => Promise<void>;
  #open: Stored;
  #sinceKeyframe = { bytes: 0, at: 0, of: 0 };

  constructor(snapshot: Snapshot, { keepMs = KEEP_MS, memoryBytes = MEMORY_BYTES, pause }: RecorderOptions) {
    this.#keepMs = keepMs;
    this.#memoryBytes = memoryBytes;
    this.#pause = pause;
    this.#open = this.#begin(snapshot);
  }

  /** What is kept now, oldest first; the first one is a keyframe. None before an agent has said anything. */
  get chunks(): readonly Chunk[] {
    return this.#open.isNothing ? [] : [...this.#chunks, this.#open];
  }

  get bytes(): number {
    return this.#chunks.reduce((n, c) => n + c.bytes, this.#open.bytes);
  }

  note(event: Event, after: Snapshot): void {
    const open = this.#open;
    open.add(JSON.stringify(event), event.at);
    if (open.chars < CHUNK_CHARS && event.at - open.from < CHUNK_MS) return;
    this.#seal();
    this.#open = this.#wantsKeyframe(event.at) ? this.#begin(after) : new Stored(after.at, undefined);
    this.#forget(event.at);
  }

  /** The state was replaced: events that were missed lie between. */
  restart(snapshot: Snapshot): void {
    if (!this.#open.isNothing) this.#seal();
    this.#open = this.#begin(snapshot);
  }

  #seal(): void {
    this.#open.seal();
    this.#sinceKeyframe.bytes += this.#open.eventBytes;
    this.#chunks.push(this.#open);
  }

  #wantsKeyframe(at: EpochMs): boolean {
    const { bytes, at: last, of } = this.#sinceKeyframe;
    return at - last >= KEYFRAME_AFTER_MS && bytes >= of;
  }

  #begin(snapshot: Snapshot): Stored {
    const chunk = new Stored(snapshot.at, snapshot);
    const since = { bytes: 0, at: snapshot.at, of: 0 };
    this.#sinceKeyframe = since;
    void chunk.compress(this.#pause).then(() => {
      since.of = chunk.bytes;
    });
    return chunk;
  }

  /** From one keyframe to the next at once: what is left begins with one. */
  #forget(now: EpochMs): void {
    for (;;) {
      const next = this.#chunks.findIndex((c, i) => i > 0 && c.keyframe);
      if (next < 0) return;
      const tooOld = (this.#chunks[next]?.from ?? now) <= now - this.#keepMs;
      if (!tooOld && this.bytes <= this.#memoryBytes) return;
      this.#chunks.splice(0, next);
    }
  }
}

/** First as it is, then compressed: the state in slices, the events when there are no more. */
class Stored implements Chunk {
  from: EpochMs;
  to: EpochMs;
  readonly keyframe: boolean;
  #state: Snapshot | undefined;
  readonly #stateBytes: Uint8Array[] = [];
  #lines: string[] = [];
  #events: Uint8Array | undefined;
  #any = false;
  chars = 0;

  constructor(from: EpochMs, state: Snapshot | undefined) {
    this.from = from;
    this.to = from;
    this.keyframe = state !== undefined;
    this.#state = state;
  }

  get eventBytes(): number {
    return this.#events?.length ?? this.chars;
  }

  get bytes(): number {
    return this.#stateBytes.reduce((n, b) => n + b.length, this.eventBytes);
  }

  /** The state before an agent said anything, and no event: no moment at all. */
  get isNothing(): boolean {
    return this.from === 0 && !this.#any;
  }

  add(line: string, at: EpochMs): void {
    // A state was there before the first event after it, unless it is the one before all events.
    if (!this.#any && (!this.keyframe || this.from === 0)) this.from = at;
    this.#any = true;
    this.#lines.push(line);
    this.chars += line.length + 1;
    this.to = Math.max(this.to, at);
  }

  seal(): void {
    this.#events = packed(this.#lines.join("\n"));
    this.#lines = [];
  }

  async compress(pause: () => Promise<void>): Promise<void> {
    if (this.#state === undefined) return;
    const pieces: Uint8Array[] = [];
    for (const line of keyframeLines(this.#state)) {
      await pause();
      pieces.push(packed(line));
    }
    this.#stateBytes.push(...pieces);
    this.#state = undefined;
  }

  *texts(): Iterable<string> {
    if (this.#state !== undefined) yield* keyframeLines(this.#state);
    else for (const piece of this.#stateBytes) yield unpacked(piece);
    yield this.#events === undefined ? this.#lines.join("\n") : unpacked(this.#events);
  }
}

/** In a third of the room that deflate takes for the same work: events repeat over more than its 32 kB. */
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const packed = (text: string): Uint8Array => new Uint8Array(zstdCompressSync(text, LEVEL));
const unpacked = (bytes: Uint8Array): string => zstdDecompressSync(bytes).toString("utf8");
