import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { StateTrouble } from "../../src/state/database.ts";
import { Disk } from "../../src/state/disk.ts";
import { FakeClock } from "../fakes/clock.ts";

test("a full disk on which some writes find room is one trouble: said once, and its end once none has failed for a while", async () => {
  const clock = new FakeClock();
  const said: StateTrouble["state"][] = [];
  const disk = new Disk(new DatabaseSync(":memory:"), undefined, clock, ({ state }) => said.push(state));
  const full = () =>
    disk.write(() => {
      throw new Error("database or disk is full");
    });
  for (let i = 0; i < 5; i++) {
    assert.equal(full(), false);
    await clock.advance(1_000);
    assert.equal(
      disk.write(() => {}),
      true,
    );
  }
  assert.deepEqual(said, ["memory"]);
  await clock.advance(5_000);
  disk.write(() => {});
  assert.deepEqual(said, ["memory", "ok"]);
  full();
  assert.deepEqual(said, ["memory", "ok", "memory"]);
  disk.close();
});
