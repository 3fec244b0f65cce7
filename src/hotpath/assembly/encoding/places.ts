// Where bytes stood before in a body, by a hash of eight of them: beginnings of labels, where series began to differ, values. The last
// place only, and whoever asks compares the bytes.
import { FAR } from "./snappy";

const BITS: u32 = 12;
const table = memory.data((1 << BITS) * 4, 4);
/** Bytes of all bodies before this one: what was written last in another body is further away than this one is long. */
let base: u32 = 0;

// @ts-ignore: decorator
@inline
function slotOf(word: u64): usize {
  return table + ((((word * 0x9e3779b185ebca87) >> (64 - BITS)) as usize) << 2);
}

/** A body of `length` bytes is done. */
export function nextBody(length: u32): void {
  base += length + FAR;
}

// @ts-ignore: decorator
@inline
export function remember(word: u64, at: u32): void {
  store<u32>(slotOf(word), base + at);
}

/** How far before `at` the same word was remembered, perhaps; 0: nowhere near. It is remembered here. */
// @ts-ignore: decorator
@inline
export function backOf(word: u64, at: u32): u32 {
  const slot = slotOf(word);
  const back = base + at - load<u32>(slot);
  store<u32>(slot, base + at);
  return back <= at && back < FAR ? back : 0;
}
