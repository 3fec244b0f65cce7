// What every register must do, whatever engine keeps it.
import assert from "node:assert/strict";
import type { Entry, Register } from "../../src/fleet/register.ts";
import { eventually } from "../servers/binary.ts";

export async function checkRegister(register: Register): Promise<void> {
  const { signal } = new AbortController();
  const value = async (key: string) => {
    const read = await register.get(key, signal);
    assert.ok(read.ok, read.ok ? "" : read.message);
    return read.value;
  };

  const heard = new Map<string, Entry | undefined>();
  const listening = new AbortController();
  const watching = register.watch((key, entry) => heard.set(key, entry), listening.signal);

  // A watch tells what comes after its begin, which is later on a busy machine.
  const toggle = async () => {
    const probe = await value("members/probe");
    if (probe === undefined) await register.create("members/probe", "x", signal);
    else await register.remove("members/probe", probe.revision, signal);
  };
  await eventually(
    "the watch has begun",
    async () => {
      await toggle();
      return heard.has("members/probe");
    },
    (begun) => begun,
  );
  if ((await value("members/probe")) !== undefined) await toggle();

  assert.equal(await value("members/a"), undefined);
  const made = await register.create("members/a", '{"é":"日本"}', signal);
  assert.ok(made.ok);
  assert.deepEqual(await value("members/a"), { key: "members/a", value: '{"é":"日本"}', revision: made.revision });
  assert.deepEqual(await register.create("members/a", "again", signal), { ok: false, why: "conflict" });

  const updated = await register.update("members/a", "2", made.revision, signal);
  assert.ok(updated.ok);
  assert.notEqual(updated.revision, made.revision);
  assert.deepEqual(await register.update("members/a", "3", made.revision, signal), { ok: false, why: "conflict" });
  assert.deepEqual(await register.update("members/b", "3", made.revision, signal), { ok: false, why: "conflict" });
  assert.deepEqual(await register.remove("members/a", made.revision, signal), { ok: false, why: "conflict" });
  assert.equal((await value("members/a"))?.value, "2");

  for (const key of ["shards/0", "shards/63", "config"]) assert.ok((await register.create(key, key, signal)).ok);
  const list = await register.list(signal);
  assert.ok(list.ok);
  assert.deepEqual(list.value.map((e) => [e.key, e.value]).sort(), [
    ["config", "config"],
    ["members/a", "2"],
    ["shards/0", "shards/0"],
    ["shards/63", "shards/63"],
  ]);
  assert.deepEqual(
    list.value.find((e) => e.key === "members/a"),
    await value("members/a"),
  );

  const racers = await Promise.all(
    Array.from({ length: 8 }, (_, i) => register.update("members/a", `racer ${i}`, updated.revision, signal)),
  );
  assert.equal(racers.filter((r) => r.ok).length, 1, "one wins");

  const now = await value("members/a");
  assert.ok((await register.remove("members/a", now!.revision, signal)).ok);
  assert.equal(await value("members/a"), undefined);
  await eventually(
    "the watch has seen it all",
    () => heard,
    (h) => h.get("shards/63")?.value === "shards/63" && h.has("members/a") && h.get("members/a") === undefined,
  );
  listening.abort();
  await watching;

  const aborted = new AbortController();
  aborted.abort();
  const none = await register.get("config", aborted.signal).catch(() => ({ ok: false }) as const);
  assert.equal(none.ok, false);
}
