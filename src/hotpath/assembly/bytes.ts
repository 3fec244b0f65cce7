// Bytes: copied, compared and searched by sixteen.

/** Writes up to fifteen bytes more. */
// @ts-ignore: decorator
@inline
export function copy(to: usize, from: usize, length: u32): void {
  for (let i: u32 = 0; i < length; i += 16) v128.store(to + i, v128.load(from + i));
}

/** The same where there are many: a step of a loop costs as much as four loads. Writes up to fifteen bytes more. */
// @ts-ignore: decorator
@inline
export function copyMany(to: usize, from: usize, length: u32): void {
  let i: u32 = 0;
  for (; i + 64 <= length; i += 64) {
    const a = v128.load(from + i);
    const b = v128.load(from + i, 16);
    const c = v128.load(from + i, 32);
    const d = v128.load(from + i, 48);
    v128.store(to + i, a);
    v128.store(to + i, b, 16);
    v128.store(to + i, c, 32);
    v128.store(to + i, d, 48);
  }
  for (; i < length; i += 16) v128.store(to + i, v128.load(from + i));
}

/** How many bytes are the same from the beginnings on, at most `most`. Reads up to fifteen more. */
// @ts-ignore: decorator
@inline
export function samePrefix(a: usize, b: usize, most: u32): u32 {
  for (let i: u32 = 0; i < most; i += 16) {
    const differ = ~i8x16.bitmask(i8x16.eq(v128.load(a + i), v128.load(b + i))) & 0xffff;
    if (differ !== 0) return min(most, i + (ctz<i32>(differ) as u32));
  }
  return most;
}

/** How many bytes are the same before two ends, at most `most`. Reads up to fifteen more. */
// @ts-ignore: decorator
@inline
export function sameSuffix(aEnd: usize, bEnd: usize, most: u32): u32 {
  for (let i: u32 = 0; i < most; i += 16) {
    const differ = ~i8x16.bitmask(i8x16.eq(v128.load(aEnd - 16 - i), v128.load(bEnd - 16 - i))) & 0xffff;
    if (differ !== 0) return min(most, i + (clz<i32>(differ << 16) as u32));
  }
  return most;
}

/** The first byte `c` in [from, end), or `end`. Reads up to fifteen more. */
// @ts-ignore: decorator
@inline
export function find(from: usize, end: usize, c: u8): usize {
  const wanted = i8x16.splat(c as i8);
  for (let p = from; p < end; p += 16) {
    const hits = i8x16.bitmask(i8x16.eq(v128.load(p), wanted));
    if (hits !== 0) return min(end, p + (ctz<i32>(hits) as usize));
  }
  return end;
}

// @ts-ignore: decorator
@inline
export function varintLength(n: u32): u32 {
  return n < 0x80 ? 1 : n < 0x4000 ? 2 : n < 0x200000 ? 3 : n < 0x10000000 ? 4 : 5;
}

/** Returns its end. */
// @ts-ignore: decorator
@inline
export function varint(to: usize, value: u64): usize {
  let n = value;
  let p = to;
  while (n >= 0x80) {
    store<u8>(p++, (n as u8) | 0x80);
    n >>= 7;
  }
  store<u8>(p, n as u8);
  return p + 1;
}
