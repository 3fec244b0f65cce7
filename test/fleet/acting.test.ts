// Actions on shards: one that rejects (a bug) is a failure of its shard, not the end of the agent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Acting } from "../../src/fleet/acting.ts";
import { FakeClock } from "../fakes/clock.ts";

test("an action that rejects is reported, ends, and its shard is retried after the pause", async () => {
  const clock = new FakeClock(0);
  const crashed: string[] = [];
  let ended = 0;
  const acting = new Acting(
    clock,
    1_000,
    () => ended++,
    (message) => crashed.push(message),
  );
  acting.begin(7, () => Promise.reject(new Error("boom")));
  acting.begin(8, () => Promise.resolve(true));
  assert.equal(acting.isFree(7), false);
  await acting.end();
  assert.deepEqual(crashed, ["fleet: shard 7: a bug ended an action (Error: boom); it is retried. Please report it."]);
  assert.equal(ended, 2);
  assert.deepEqual([acting.idle, acting.isFree(7), acting.isFree(8)], [true, false, true]);
  await clock.advance(1_000);
  assert.equal(acting.isFree(7), true);
});
