// What an agent does with a shard, from what it knows.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decide, type Known } from "../../src/fleet/decide.ts";

const TTL_MS = 15_000;
const known = (of: Partial<Known>): Known => ({
  self: "a-1",
  nowMs: 100_000,
  ttlMs: TTL_MS,
  shards: 1,
  values: new Map(),
  missingSinceMs: new Map(),
  owned: new Set(),
  candidates: ["a-1"],
  settledAtMs: 0,
  isDead: () => false,
  ...of,
});

describe("a shard without an entry", () => {
  for (const [name, forMs, actions] of [
    ["was deleted just now: its owner writes it again", 0, []],
    ["a millisecond before its owner has had a TTL for that", TTL_MS - 1, []],
    ["for a TTL: it has no owner", TTL_MS, [{ kind: "take", shard: 0 }]],
  ] as const)
    test(name, () => {
      assert.deepEqual(decide(known({ missingSinceMs: new Map([[0, 100_000 - forMs]]) })), actions);
    });

  test("nobody knows since when", () => {
    assert.deepEqual(decide(known({})), []);
  });
});
