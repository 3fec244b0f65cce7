// What is in memory, and what the next windows are expected to bring: memory is bounded by counting samples. Pure.
import type { Frame } from "../series/frame.ts";
import type { Window } from "../source/window.ts";
import type { Reader } from "./reader.ts";
import type { Subscriber } from "./subscription.ts";

/** Samples that a window of the reader is expected to bring, as many a millisecond as its last one. */
export const expected = ({ density }: { density: number }, window: Window | undefined): number =>
  window === undefined ? 0 : density * (window.to - window.from);

/** Samples in memory, shared frames counted once, and those that reads under way are expected to bring. */
export function buffered(readers: Iterable<Reader<Subscriber>>): number {
  const frames = new Set<Frame>();
  let samples = 0;
  for (const reader of readers) {
    if (reader.busy) samples += reader.expects;
    for (const member of reader.members) for (const frame of member.frames()) frames.add(frame);
  }
  for (const frame of frames) samples += frame.samples;
  return samples;
}
