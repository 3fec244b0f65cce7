// A 64-bit hash in two 32-bit lanes over raw bytes, with a new seed in each process. Keys are told apart by it alone: with 64 bits a
// million series collide by accident with a chance of 3·10^-8, and without the seed nobody can make a collision beforehand.
//
// A lane takes a word by x -> (lane ^ lane >>> n ^ word) * odd. Each word goes into two lanes with different n and factors: what a
// change of one word leaves behind in both can hardly be undone by the words that follow, and of a change in the highest bits, which a
// product does not spread, it is certain: they would have to be different words for the two lanes.

/** The lanes of the last hashBytes(): two numbers are returned without an object. */
export const lanes = new Int32Array(2);

/** Byte by byte: a DataView of each body is four times slower here, since the engine makes a call of each of its reads. */
export const wordAt = (bytes: Uint8Array, i: number): number =>
  bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);

/** Of `bytes[from, to)`. */
export function hashBytes(bytes: Uint8Array, from: number, to: number, seedA: number, seedB: number): void {
  let a = seedA ^ (to - from);
  let b = seedB ^ (to - from);
  // Words in turn into two pairs of lanes, so that the processor need not wait for one product to begin the next.
  let c = ~b;
  let d = ~a;
  const pairs = to - 7;
  let i = from;
  for (; i < pairs; i += 8) {
    const x = wordAt(bytes, i);
    const y = wordAt(bytes, i + 4);
    a = Math.imul(a ^ (a >>> 15) ^ x, 0x2c1b3c6d);
    b = Math.imul(b ^ (b >>> 13) ^ x, 0x297a2d39);
    c = Math.imul(c ^ (c >>> 15) ^ y, 0x45d9f3b5);
    d = Math.imul(d ^ (d >>> 13) ^ y, 0x119de1f3);
  }
  for (; i < to; i++) {
    a = Math.imul(a ^ (a >>> 15) ^ bytes[i]!, 0x2c1b3c6d);
    b = Math.imul(b ^ (b >>> 13) ^ bytes[i]!, 0x297a2d39);
  }
  a = Math.imul(a ^ (a >>> 15) ^ c, 0x2c1b3c6d);
  b = Math.imul(b ^ (b >>> 13) ^ c, 0x297a2d39);
  a = Math.imul(a ^ (a >>> 15) ^ d, 0x2c1b3c6d);
  b = Math.imul(b ^ (b >>> 13) ^ d, 0x297a2d39);
  a = Math.imul(a ^ (a >>> 16), 0x45d9f3b);
  b = Math.imul(b ^ (b >>> 16), 0x119de1f3);
  lanes[0] = a ^ (a >>> 13);
  lanes[1] = b ^ (b >>> 15);
}
