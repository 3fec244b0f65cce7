// Series are told apart by the hash of their labels alone: keys that differ little must not collide, whatever the seed.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hashBytes, lanes } from "../../src/series/hash.ts";

function hashOf(bytes: Uint8Array, from = 0, to = bytes.length, seed = 7): number {
  hashBytes(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), from, to, seed, 9);
  return lanes[0]! * 0x200000 + (lanes[1]! & 0x1fffff);
}

const hash = (key: string): number => hashOf(Buffer.from(key));

describe("hashBytes()", () => {
  test("is of the bytes alone, wherever they lie, of all of them, and of the seed", () => {
    for (let length = 1; length < 70; length++) {
      const key = Buffer.from("abcdefghij".repeat(7).slice(0, length));
      const other = Buffer.concat([Buffer.from("xyz"), key, Buffer.from("more")]);
      assert.equal(hashOf(other, 3, 3 + length), hashOf(key));
      assert.notEqual(hashOf(other, 3, 4 + length), hashOf(key));
      assert.notEqual(hashOf(key, 0, length, 8), hashOf(key));
    }
  });

  for (const length of [5, 16, 23, 40])
    test(`no two keys of ${length} bytes are the same that differ in up to four bits`, () => {
      for (const seed of [7, -99]) {
        const key = new Uint8Array(length).fill(0x61);
        const flip = (bit: number) => {
          key[bit >> 3]! ^= 1 << (bit & 7);
        };
        const bits = 8 * Math.min(length, 24);
        const seen = new Set([hashOf(key, 0, length, seed)]);
        for (let p = 0; p < bits; p++) {
          flip(p);
          seen.add(hashOf(key, 0, length, seed));
          for (let q = 0; q < p; q++) {
            flip(q);
            seen.add(hashOf(key, 0, length, seed));
            flip(q);
          }
          flip(p);
        }
        assert.equal(seen.size, 1 + bits + (bits * (bits - 1)) / 2);
      }
    });

  test("nor 100,000 pods with names as Kubernetes gives them, wherever the name stands", () => {
    const letters = "bcdfghjklmnpqrstvwxz2456789";
    const names = new Set<string>();
    let n = 1;
    const letter = () => {
      n = (Math.imul(n, 1_103_515_245) + 12_345) >>> 0;
      return letters[(n >>> 8) % letters.length];
    };
    while (names.size < 100_000) names.add(Array.from({ length: 5 }, letter).join(""));
    for (let offset = 0; offset < 8; offset++) {
      const hashes = new Set<number>();
      for (const name of names)
        hashes.add(hash(`{"__name__":"up",${" ".repeat(offset)}"pod":"web-7d9f8b6c5-${name}","zone":"x"}`));
      assert.equal(hashes.size, names.size, `${offset} spaces before it`);
    }
  });
});
