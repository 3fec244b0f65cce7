// Cursors that travel with their shard: where a new owner begins, and what it reports of how far it is.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, test } from "node:test";
import { SharedCursors } from "../../src/fleet/cursors.ts";
import type { Shard } from "../../src/fleet/values.ts";
import { openStateStore } from "../../src/state/store.ts";
import { FakeClock } from "../fakes/clock.ts";

const LATE_MS = 30_000;
const KEY = { policy: "default/edge", sink: "cloud", source: "up", query: "up" };
const NAME = "default/edge/cloud/up";
const BEGIN = 1_795_000_000_000;

const opened: { dir: string; store: SharedCursors }[] = [];

/** An agent on a host of its own, with one shard. */
function host(): SharedCursors {
  const dir = mkdtempSync(join(tmpdir(), "outflow-cursors-"));
  const local = openStateStore(dir, new FakeClock(), (trouble) => assert.fail(JSON.stringify(trouble)));
  const store = new SharedCursors(local, 1, LATE_MS);
  opened.push({ dir, store });
  return store;
}

afterEach(() => {
  for (const { dir, store } of opened.splice(0)) {
    store.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

const shard = (epoch: number, cursors: Record<string, number>): Shard => ({
  ...{ holder: "a-1", epoch, since: BEGIN, cursors, sinks: {} },
});

describe("cursors of a fleet", () => {
  test("a new owner begins a late window before the cursor, and is not certain what was sent", () => {
    const store = host();
    store.openShard(0, shard(5, { [NAME]: BEGIN }));
    assert.deepEqual(store.cursor(KEY), { cursor: BEGIN - LATE_MS, memory: undefined, unclean: true });
  });

  test("owners that die one after the other, before they are where the first was, cost one late window and not one each", () => {
    let cursors: Record<string, number> = { [NAME]: BEGIN };
    for (let epoch = 1; epoch <= 5; epoch++) {
      const store = host();
      store.openShard(0, shard(epoch, cursors));
      const { cursor } = store.cursor(KEY)!;
      assert.equal(cursor, BEGIN - LATE_MS);
      store.saveCursor(KEY, cursor + 1_000);
      cursors = store.settled(0);
      assert.equal(cursors[NAME], BEGIN);
    }
  });

  test("a cursor that moves on is reported as it is, and so is one that is set back by more than a late window", () => {
    const store = host();
    store.openShard(0, shard(5, { [NAME]: BEGIN }));
    store.saveCursor(KEY, BEGIN + 7_000);
    assert.equal(store.settled(0)[NAME], BEGIN + 7_000);
    store.saveCursor(KEY, BEGIN - 3_600_000);
    assert.equal(store.settled(0)[NAME], BEGIN - 3_600_000);
  });

  test("what this host saved counts only where nobody else owned the shard since", () => {
    const store = host();
    store.openShard(0, shard(5, {}));
    store.saveCursor(KEY, BEGIN);
    store.closeShard(0);
    store.openShard(0, shard(6, { [NAME]: BEGIN - 10_000 }));
    assert.equal(store.cursor(KEY)?.cursor, BEGIN, "still its own");
    store.closeShard(0);
    store.openShard(0, shard(8, { [NAME]: BEGIN - 10_000 }));
    assert.equal(store.cursor(KEY)?.cursor, BEGIN - 10_000 - LATE_MS, "another one had epoch 7");
  });

  test("a shard that this host owned last is taken with what it had settled and could not write", () => {
    const store = host();
    store.openShard(0, shard(5, { [NAME]: BEGIN, "default/other/cloud/up": BEGIN }));
    store.saveCursor(KEY, BEGIN + 9_000);
    store.closeShard(0);
    const of = (epoch: number, cursor: number) => store.cursorsOf(0, shard(epoch, { [NAME]: cursor }))[NAME];
    assert.equal(of(5, BEGIN), BEGIN + 9_000);
    assert.equal(of(5, BEGIN + 20_000), BEGIN + 20_000, "a late window is sent again: that was settled before");
    assert.equal(of(5, BEGIN + 3_600_000), BEGIN + 9_000, "it was set back");
    assert.equal(of(6, BEGIN), BEGIN, "another one had it since");
    assert.deepEqual(store.cursorsOf(0, shard(5, { "default/other/cloud/up": BEGIN })), {
      "default/other/cloud/up": BEGIN,
    });
  });

  test("what is settled is of the shards that are owned; that of a policy that is not here is kept for a day", () => {
    const store = host();
    const other = "default/other/cloud/up";
    store.openShard(0, shard(5, { [NAME]: BEGIN, [other]: BEGIN }));
    const keep = (hours: number, ...policies: string[]) => store.keepOnly(new Set(policies), BEGIN + hours * 3_600_000);
    keep(0, "default/edge");
    keep(23, "default/edge");
    assert.deepEqual(store.settled(0), { [NAME]: BEGIN, [other]: BEGIN }, "the directory may be behind");
    keep(23, "default/edge", "default/other");
    keep(25, "default/edge");
    assert.deepEqual(store.settled(0), { [NAME]: BEGIN, [other]: BEGIN }, "it was here meanwhile");
    keep(49, "default/edge");
    assert.deepEqual(store.settled(0), { [NAME]: BEGIN });
    store.closeShard(0);
    assert.deepEqual(store.settled(0), {});
  });
});
