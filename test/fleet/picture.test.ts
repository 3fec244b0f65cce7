// What an agent knows of the register: lists that were asked for before the watch reported something newer change nothing.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Picture } from "../../src/fleet/picture.ts";
import type { Entry } from "../../src/fleet/register.ts";

const TTL_MS = 15_000;

const picture = (writing = () => false) => new Picture(TTL_MS, 1, writing, () => assert.fail("damaged"));

const member = (beat: number, more: object = {}): Entry => ({
  key: "members/b-2",
  value: JSON.stringify({ id: "b-2", name: "b", since: 1, beat, ...more }),
  revision: `m${beat}`,
});

const shard = (holder: string, epoch: number, revision: string): Entry => ({
  key: "shards/0",
  value: JSON.stringify({ holder, epoch, since: 1, cursors: {} }),
  revision,
});

describe("what is known of the register", () => {
  test("a member that leaves does not stay for an older entry", () => {
    const known = picture();
    known.heard("members/b-2", member(7), 1_000);
    known.heard("members/b-2", member(8, { leaving: true }), 2_000);
    known.listed([member(7), shard("b-2", 5, "1")], 1_500, 2_500);
    assert.deepEqual(known.members.candidates(2_500).ids, []);
    assert.equal(known.members.silentMs("b-2", 2_500), 500);
  });

  test("a shard that was freed since a list was asked for is free", () => {
    const known = picture();
    known.heard("shards/0", shard("b-2", 5, "1"), 1_000);
    known.heard("shards/0", shard("", 5, "2"), 2_000);
    known.listed([shard("b-2", 5, "1")], 1_500, 2_500);
    assert.equal(known.values.get(0)?.holder, "");
    assert.equal(known.revisions.get(0), "2");
    known.listed([shard("c-3", 6, "3")], 2_600, 2_700);
    assert.equal(known.values.get(0)?.holder, "c-3");
  });

  test("a shard that has another owner since this agent wrote it, reported before the response came", () => {
    let writing = true;
    const known = picture(() => writing);
    known.heard("shards/0", shard("a-1", 5, "1"), 1_000); // its own earlier write
    known.wrote(0, { holder: "a-1", epoch: 5, since: 1, cursors: {}, sinks: {} }, "2", 1_100);
    assert.equal(known.revisions.get(0), "2");
    known.heard("shards/0", shard("b-2", 6, "4"), 1_200);
    assert.equal(known.values.get(0)?.holder, "a-1");
    known.wrote(0, { holder: "a-1", epoch: 5, since: 1, cursors: {}, sinks: {} }, "3", 1_300);
    assert.equal(known.values.get(0)?.holder, "b-2");
    assert.equal(known.revisions.get(0), "4");
    writing = false;
  });

  test("a watch that lags behind what was read changes nothing; a list that was asked for later does, whatever its epoch", () => {
    const known = picture();
    known.shardIs(0, shard("", 6, "4"), 1_000);
    known.heard("shards/0", shard("b-2", 5, "2"), 1_100);
    known.heard("shards/0", shard("c-3", 6, "3"), 1_200);
    assert.equal(known.values.get(0)?.holder, "");
    known.heard("shards/0", shard("a-1", 7, "5"), 1_300);
    assert.equal(known.values.get(0)?.holder, "a-1");
    known.listed([shard("d-4", 2, "9")], 1_400, 1_500); // the register was restored from a backup
    assert.equal(known.values.get(0)?.holder, "d-4");
    assert.ok(known.nextEpoch(0, 1_600) > 7);
  });
});
