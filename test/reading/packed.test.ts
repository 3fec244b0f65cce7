import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { allEqual, BLOCK, pack, packedBytes, packedEnd, unpack } from "../../src/reading/memory/packed.ts";
import { endedAt } from "../../src/source/stale-markers.ts";

const NOW = 1_795_349_000_000;

/** Packed behind something else, and read back: the numbers, and how many bytes they took. */
function packed(numbers: readonly number[]): { back: number[]; bytes: number } {
  const buffer = new ArrayBuffer(16 + packedBytes(numbers.length));
  const end = pack(Float64Array.from(numbers), buffer, 16);
  assert.equal(end % 8, 0);
  const bytes = new Uint8Array(buffer, 8);
  assert.equal(packedEnd(bytes, 8, numbers.length), end - 8);
  return { back: [...unpack(bytes, 8, numbers.length)], bytes: end - 16 };
}

describe("pack()", () => {
  const upTo = (most: number, step = 1) => [NOW, NOW + most, ...Array.from({ length: 6 }, (_, i) => NOW + i * step)];
  const rows: [what: string, numbers: number[], bytes: number][] = [
    ["one", [NOW], 24],
    ["equal ones", Array(8).fill(NOW + 0.5), 24],
    ["a range of a byte", upTo(255), 24 + 8],
    ["more", upTo(256), 24 + 16],
    ["timestamps of the last minute", upTo(65_535), 24 + 16],
    ["more", upTo(65_536), 24 + 32],
    ["a stale marker among them", [...upTo(127).slice(1), endedAt(NOW)], 24 + 8],
    ["halves that need twice the range", [...upTo(128).slice(1), endedAt(NOW)], 24 + 16],
    ["up to 31 bits", upTo(2 ** 31 - 1), 24 + 32],
    ["a range of more", upTo(2 ** 31), 24 + 64],
    ["a marker in a range that is too large for halves", [...upTo(2 ** 30).slice(1), endedAt(NOW)], 24 + 64],
    ["other fractions", upTo(5, 0.1), 24 + 64],
    ["counts that are full", [0, 0xffff, 1, 2, 3, 4, 5, 6], 24 + 16],
  ];
  for (const [what, numbers, bytes] of rows)
    test(`${what}: ${bytes} bytes`, () => assert.deepEqual(packed(numbers), { back: numbers, bytes }));

  test("property: whatever the numbers are, they come back", () => {
    const number = fc.oneof(
      fc.nat(300),
      fc.integer({ min: NOW - 70_000, max: NOW }),
      fc.integer({ min: NOW - 600_000, max: NOW }).map((n) => n + 0.5),
      fc.double({ noNaN: true }).map((n) => n + 0), // -0 is 0
      fc.constantFrom(0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MAX_SAFE_INTEGER, 2 ** 32),
    );
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 20 }), (numbers) => {
        const { back, bytes } = packed(numbers);
        assert.deepEqual(back, numbers);
        assert.ok(bytes <= packedBytes(numbers.length));
      }),
    );
  });

  test("a whole block, and a column that differs in its last number only", () => {
    const numbers = Array.from({ length: BLOCK }, (_, i) => NOW + (i === BLOCK - 1 ? 1 : 0));
    assert.deepEqual(packed(numbers), { back: numbers, bytes: 24 + BLOCK });
    assert.equal(allEqual(Float64Array.from(numbers)), false);
    assert.equal(allEqual(Uint16Array.from([7, 7, 7])), true);
    assert.equal(allEqual(Uint16Array.from([7, 7, 8])), false);
    assert.equal(allEqual(Uint16Array.from([7, 7, 7, 8]).subarray(0, 3)), true);
  });

  test("what does not end, or has another width, is damaged", () => {
    const bytes = (...head: number[]) => new Uint8Array(Float64Array.from(head).buffer);
    assert.equal(packedEnd(bytes(0, 1), 0, 1), undefined);
    assert.equal(packedEnd(bytes(0, 1, 2), 0, 1), undefined);
    assert.equal(packedEnd(bytes(0, 1, 2, 0), 0, 4), 32);
    assert.equal(packedEnd(bytes(0, 1, 2, 0), 0, 5), undefined);
    for (const width of [3, -1, Number.NaN, 16]) assert.equal(packedEnd(bytes(0, 1, width, 0, 0), 0, 1), undefined);
  });
});
