// The hashes of everything but series, whose own is in the module and seeded (hotpath/assembly/hash.ts): the same in every process and
// version.
import { createHash } from "node:crypto";

/** As hexadecimal digits. */
export const sha256 = (data: Uint8Array | string): string => createHash("sha256").update(data).digest("hex");

/** 32 bits of a text, well mixed (FNV-1a, then the finalizer of MurmurHash3): for spreading, where nobody gains by a collision. */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
