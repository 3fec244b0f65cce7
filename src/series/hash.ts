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
  const words = to - 3;
  let i = from;
  for (; i < words; i += 4) {
    const word = view.getInt32(i, true);
    a = Math.imul(a ^ word, 0x2c1b3c6d);
    a ^= a >>> 15;
    b = Math.imul(b + word, 0x297a2d39);
    b = (b << 13) | (b >>> 19);
  }
  for (; i < to; i++) {
    a = Math.imul(a ^ bytes[i]!, 0x2c1b3c6d);
    a ^= a >>> 15;
    b = Math.imul(b + bytes[i]!, 0x297a2d39);
    b = (b << 13) | (b >>> 19);
  }
  a = Math.imul(a ^ (a >>> 16), 0x45d9f3b);
  b = Math.imul(b ^ (b >>> 16), 0x119de1f3);
  lanes[0] = a ^ (a >>> 13);
  lanes[1] = b ^ (b >>> 15);
}
