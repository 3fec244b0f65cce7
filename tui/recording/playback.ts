// Any moment of a recording: from the last keyframe or a moment that was looked up before, the events up to it through reduce(). In
// slices, since the data shares this thread.
import type { EpochMs } from "../../src/platform/clock.ts";
import type { Event } from "../../src/status/events.ts";
import { initialSnapshot, reduce } from "../../src/status/reduce.ts";
import type { SinkState, Snapshot } from "../../src/status/snapshot.ts";
import type { Chunk, Line } from "./chunk.ts";

export type Found = { snapshot: Snapshot; at: EpochMs; from: EpochMs; to: EpochMs };

/** A state between two events: `line` of `chunk` comes next. */
type Mark = { snapshot: Snapshot; chunk: Chunk; line: number };

const MARKS = 8;
const MARK_EVERY_MS = 5_000;
/** Work that is done before others may run. */
const SLICE_MS = 8;

export type PlaybackPorts = { pause(): Promise<void>; monotonicMs(): number };

export class Playback {
  readonly #chunks: () => readonly Chunk[];
  readonly #ports: PlaybackPorts;
  #marks: Mark[] = [];
  #sliceBegan = 0;

  constructor(chunks: () => readonly Chunk[], ports: PlaybackPorts) {
    this.#chunks = chunks;
    this.#ports = ports;
  }

  /** Where the recording begins and ends. */
  span(): { from: EpochMs; to: EpochMs } | undefined {
    const chunks = this.#chunks();
    const [first, last] = [chunks[0], chunks.at(-1)];
    return first === undefined || last === undefined ? undefined : { from: first.from, to: last.to };
  }

  /** The state at `time`, or the first that is known. */
  async at(time: EpochMs): Promise<Found | undefined> {
    const chunks = this.#chunks();
    const span = this.span();
    if (span === undefined) return undefined;
    this.#sliceBegan = this.#ports.monotonicMs();
    const found = await this.#replayed(chunks, time);
    return found === undefined ? undefined : { snapshot: found, at: Math.max(time, span.from), ...span };
  }

  /** Frees what is kept for the next step. */
  forget(): void {
    this.#marks = [];
  }

  async #replayed(chunks: readonly Chunk[], time: EpochMs): Promise<Snapshot | undefined> {
    const lastIn = Math.max(
      0,
      chunks.findLastIndex((c) => c.from <= time),
    );
    const first = Math.max(
      0,
      chunks.findLastIndex((c, i) => i <= lastIn && c.keyframe),
    );
    const near = this.#marks.findLast((m) => m.snapshot.at <= time && chunks.indexOf(m.chunk) >= first);
    let snapshot: Snapshot = near?.snapshot ?? initialSnapshot;
    let marked = snapshot.at;
    for (let i = near === undefined ? first : chunks.indexOf(near.chunk); i <= lastIn; i++) {
      const chunk = chunks[i];
      if (chunk === undefined) break;
      let line = 0;
      const from = near !== undefined && chunk === near.chunk ? near.line : 0;
      let sinks: SinkState[] | undefined;
      for (const text of chunk.texts()) {
        for (const one of text.split("\n")) {
          line++;
          if (line <= from || one === "") continue;
          const entry = JSON.parse(one) as Line;
          if ("head" in entry) {
            sinks = [];
            snapshot = { ...entry.head, sinks };
          } else if ("sinks" in entry) sinks?.push(...entry.sinks);
          else {
            if ((entry as Event).at > time) return snapshot;
            snapshot = reduce(snapshot, entry as Event);
            if (snapshot.at - marked >= MARK_EVERY_MS) {
              marked = snapshot.at;
              this.#mark({ snapshot, chunk, line });
            }
          }
          if (this.#ports.monotonicMs() - this.#sliceBegan > SLICE_MS) {
            await this.#ports.pause();
            this.#sliceBegan = this.#ports.monotonicMs();
          }
        }
      }
    }
    return snapshot;
  }

  #mark(mark: Mark): void {
    this.#marks = [...this.#marks.filter((m) => m.snapshot.at !== mark.snapshot.at), mark]
      .sort((a, b) => a.snapshot.at - b.snapshot.at)
      .slice(-4 * MARKS);
    // Those just before the moment that was looked up are the ones that the next step back needs.
    const at = this.#marks.indexOf(mark);
    this.#marks = this.#marks.slice(Math.max(0, at - MARKS + 1), at + 1);
  }
}
