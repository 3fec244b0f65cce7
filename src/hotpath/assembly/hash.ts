// XXH64 over words that are xored with secrets (the seed): series are told apart by 64 bits of hash alone, and nobody who does not
// know the secrets can make two label sets that collide.

const P1: u64 = 0x9e3779b185ebca87;
const P2: u64 = 0xc2b2ae3d27d4eb4f;
const P3: u64 = 0x165667b19e3779f9;
const P4: u64 = 0x85ebca77c2b2ae63;
const P5: u64 = 0x27d4eb2f165667c5;

let k0: u64 = 0xb8fe6c3923a44bbe;
let k1: u64 = 0x7c01812cf721ad1c;
let k2: u64 = 0xded46de9839097db;
let k3: u64 = 0x7240a4a4b7b3671f;

/** Two random 32-bit numbers. */
export function seed(a: u32, b: u32): void {
  const s = (((a as u64) << 32) | b) * P1;
  k0 ^= s;
  k1 ^= rotl<u64>(s, 17) * P2;
  k2 ^= rotl<u64>(s, 33) * P3;
  k3 ^= rotl<u64>(s, 47) * P4;
}

// @ts-ignore: decorator
@inline
function round(lane: u64, word: u64): u64 {
  return rotl<u64>(lane + word * P2, 31) * P1;
}

// @ts-ignore: decorator
@inline
function merge(h: u64, lane: u64): u64 {
  return (h ^ round(0, lane)) * P1 + P4;
}

/** Reads up to seven bytes past the end. Never 0. */
export function hash(from: usize, length: u32): u64 {
  const end = from + length;
  let p = from;
  let h: u64;
  if (length >= 32) {
    let a = k0 + P1;
    let b = k1 + P2;
    let c = k2;
    let d = k3 - P1;
    do {
      a = round(a, load<u64>(p) ^ k0);
      b = round(b, load<u64>(p, 8) ^ k1);
      c = round(c, load<u64>(p, 16) ^ k2);
      d = round(d, load<u64>(p, 24) ^ k3);
      p += 32;
    } while (p + 32 <= end);
    h = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18);
    h = merge(merge(merge(merge(h, a), b), c), d);
  } else h = k3 + P5;
  h += length;
  for (; p + 8 <= end; p += 8) h = rotl<u64>(h ^ round(0, load<u64>(p) ^ k1), 27) * P1 + P4;
  const left = (end - p) as u64;
  if (left > 0) h = rotl<u64>(h ^ round(0, (load<u64>(p) & (((1 as u64) << (left * 8)) - 1)) ^ k2), 27) * P1 + P4;
  h ^= h >> 33;
  h *= P2;
  h ^= h >> 29;
  h *= P3;
  h ^= h >> 32;
  return h | 1;
}
