// The elements of a snappy block. Whoever writes the bytes knows which of them stood before, and where: pieces come one after the other,
// with how far back the same bytes are, and become copies where that takes less than the bytes.

/** Uncompressed bytes, all of the body from its beginning on. */
let raw: usize = 0;
/** What follows of them: a literal [from, to), then a copy. */
let from: u32 = 0;
let to: u32 = 0;
let copied: u32 = 0;
let distance: u32 = 0;
let out: usize = 0;

/** Copies of fewer bytes take as much as the bytes. */
const LEAST: u32 = 4;
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
  literal();
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
  literal();
  let n = copied;
  to += n;
  from = to;
  copied = 0;
  while (n >= 68) {
    long(64);
    n -= 64;
  }
  if (n > 64) {
    long(60);
    n -= 60;
  }
  if (n <= 11 && distance < 2048) {
    store<u8>(out, (((distance >> 8) << 5) | ((n - 4) << 2) | 1) as u8);
    store<u8>(out, distance as u8, 1);
    out += 2;
  } else long(n);
}

// @ts-ignore: decorator
@inline
function long(n: u32): void {
  store<u8>(out, (((n - 1) << 2) | 2) as u8);
  store<u16>(out, distance as u16, 1);
  out += 3;
}

function literal(): void {
  const n = to - from;
  if (n === 0) return;
  const last = n - 1;
  if (last < 60) store<u8>(out++, (last << 2) as u8);
  else if (last < 256) {
    store<u8>(out, 60 << 2);
    store<u8>(out, last as u8, 1);
    out += 2;
  } else if (last < 65536) {
    store<u8>(out, 61 << 2);
    store<u16>(out, last as u16, 1);
    out += 3;
  } else {
    store<u8>(out, 63 << 2);
    store<u32>(out, last, 1);
    out += 5;
  }
  const bytes = raw + from;
  if (n <= 16) v128.store(out, v128.load(bytes));
  else memory.copy(out, bytes, n as usize);
  out += n;
  from = to;
}
