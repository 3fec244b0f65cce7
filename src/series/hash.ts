// A 64-bit hash in two 32-bit lanes over raw bytes, seeded anew in each process. Keys are told apart by it alone: with 64 bits a
// million series collide by accident with a chance of 3·10^-8, and without the seed nobody can make a collision beforehand.

/** The lanes of the last hashBytes(): two numbers are returned without an object. */
export const lanes = new Int32Array(2);

/** `bytes[from, to)`; `view` covers the same bytes as `bytes`. */
export function hashBytes(
  bytes: Uint8Array,
  view: DataView,
  from: number,
  to: number,
  seedA: number,
  seedB: number,
): void {
  let a = seedA ^ (to - from);
  let b = seedB + (to - from);
  // Eight bytes a step. A step is a bijection of the 64 bits of state: keys that differ in one step only never collide.
  const pairs = to - 7;
  let i = from;
  for (; i < pairs; i += 8) {
    a = Math.imul(a ^ view.getInt32(i, true), 0x2c1b3c6d);
    b = Math.imul(b + view.getInt32(i + 4, true), 0x297a2d39);
    a ^= a >>> 15;
    b = (b << 13) | (b >>> 19);
    a = (a + b) | 0;
    b ^= a;
  }
  for (; i < to; i++) {
    a = Math.imul(a ^ bytes[i]!, 0x2c1b3c6d);
    b = Math.imul(b + bytes[i]!, 0x297a2d39);
    a ^= a >>> 15;
    b = (b << 13) | (b >>> 19);
  }
  a = Math.imul(a ^ (a >>> 16), 0x45d9f3b);
  b = Math.imul(b ^ (b >>> 16), 0x119de1f3);
  lanes[0] = a ^ (a >>> 13);
  lanes[1] = b ^ (b >>> 15);
}
