// What the state store keeps of a series is its fingerprint: another version of outflow has to find it again.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fingerprint } from "../../src/exporter/memory.ts";
import { SeriesTable } from "../../src/series/table.ts";

describe("fingerprint()", () => {
  test("is the same number in every version", () => {
    const table = new SeriesTable();
    const up = table.intern([["__name__", "up"]]);
    const long = table.intern([
      ["Zone", "é"],
      ["__name__", "up"],
      ["job", "x".repeat(200)],
    ]);
    assert.equal(fingerprint(table, up), 5152547614127072);
    assert.equal(fingerprint(table, long), 3443500593408985);
  });
});
