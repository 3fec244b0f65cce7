// The elements of a snappy block. Whoever writes the bytes knows which of them stood before, and where: pieces come one after the other,
// with how far back the same bytes are, and become copies where that takes less than the bytes.
import { copy } from "../bytes";

/** Uncompressed bytes, all of the body from its beginning on. */
let raw: usize = 0;
/** What follows of them: a literal [from, to), then a copy. */
let from: u32 = 0;
let to: u32 = 0;
let copied: u32 = 0;
let distance: u32 = 0;
/** Where the next element goes. */
export let out: usize = 0;

/** Copies of fewer bytes take as much as the bytes. */
export const LEAST: u32 = 4;
/** Copies reach back this far, less than which two bytes say. */
export const FAR: u32 = 65536;

export function startBlock(rawBytes: usize, to_: usize): void {
  raw = rawBytes;
  out = to_;
  from = 0;
  to = 0;
  copied = 0;
  distance = 0;
}

/** Returns where the block ends. */
export function endBlock(): usize {
  settle();
  writePending();
  return out;
}

/** `n` bytes that are the same as those `back` bytes before. */
// @ts-ignore: decorator
@inline
export function same(n: u32, back: u32): void {
  if (n === 0) return;
  if (back >= FAR) return fresh(n);
  if (back === distance && copied > 0) copied += n;
  else {
    settle();
    copied = n;
    distance = back;
  }
}

/** `n` bytes of which nothing is known. */
// @ts-ignore: decorator
@inline
export function fresh(n: u32): void {
  if (n === 0) return;
  settle();
  to += n;
}

/** How far back the last piece was that was the same. */
// @ts-ignore: decorator
@inline
export function lastBack(): u32 {
  return distance;
}

/**
 * From here on elements are written by literal() and copies(), from `out` on, until resume(). Returns how many bytes before this are a
 * copy from `back` that is not written yet, since it may become longer.
 */
export function suspend(back: u32): u32 {
  let n = copied;
  if (distance === back && n > 0) copied = 0;
  else {
    settle();
    n = 0;
  }
  writePending();
  return n;
}

/** Elements end at `next` and say all before byte `at` but the last `n`, which are the same as those `back` before. */
export function resume(next: usize, at: u32, n: u32, back: u32): void {
  out = next;
  from = at - n;
  to = at - n;
  copied = n;
  distance = back;
}

// @ts-ignore: decorator
@inline
function settle(): void {
  if (copied === 0) return;
  if (copied < LEAST) {
    to += copied;
    copied = 0;
  } else emit();
}

function emit(): void {
  writePending();
  to += copied;
  from = to;
  out = copies(out, copied, distance);
  copied = 0;
}

function writePending(): void {
  if (to > from) out = literal(out, raw + from, to - from);
  from = to;
}

/** Writes copies of `n` bytes, four at least; returns their end. */
// @ts-ignore: decorator
@inline
export function copies(at: usize, n: u32, back: u32): usize {
  let p = at;
  let left = n;
  while (left >= 68) {
    p = copyElement(p, 64, back);
    left -= 64;
  }
  if (left > 64) {
    p = copyElement(p, 60, back);
    left -= 60;
  }
  if (left > 11 || back >= 2048) return copyElement(p, left, back);
  store<u8>(p, (((back >> 8) << 5) | ((left - 4) << 2) | 1) as u8);
  store<u8>(p, back as u8, 1);
  return p + 2;
}

// @ts-ignore: decorator
@inline
function copyElement(p: usize, n: u32, back: u32): usize {
  store<u32>(p, (((n - 1) << 2) | 2) | (back << 8));
  return p + 3;
}

/** Writes a literal of `n` bytes, one at least, and up to fifteen bytes more; returns its end. */
// @ts-ignore: decorator
@inline
export function literal(at: usize, bytes: usize, n: u32): usize {
  let p = at;
  const last = n - 1;
  if (last < 60) store<u8>(p++, (last << 2) as u8);
  else if (last < 256) {
    store<u8>(p, 60 << 2);
    store<u8>(p, last as u8, 1);
    p += 2;
  } else if (last < 65536) {
    store<u8>(p, 61 << 2);
    store<u16>(p, last as u16, 1);
    p += 3;
  } else {
    store<u8>(p, 63 << 2);
    store<u32>(p, last, 1);
    p += 5;
  }
  copy(p, bytes, n);
  return p + n;
}
