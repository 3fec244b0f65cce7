// One series of 50 that the receiver always refuses, and a backlog of three hours: only its samples are dropped, and it costs few
// requests. The receiver is Prometheus as it refuses: the whole request for one sample.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ReceiverModel, type ReceiverOptions } from "../fakes/receiver-model.ts";
import { steady, World } from "../fakes/world.ts";

const HOUR = 3_600_000;

async function backlog(refused: string[], options: Partial<ReceiverOptions>, everyMs: number, kill = false) {
  const w = new World({ lateMs: 0, pollMs: 15_000, startMs: 0, sinks: { s: { onExhausted: "hold", maxSize: 500 } } });
  const model = new ReceiverModel(
    {
      order: "strict",
      partial: false,
      status: 400,
      tooOldMs: undefined,
      names: false,
      refuses: (series) => refused.includes(series),
      ...options,
    },
    () => w.source.now(),
  );
  w.sink().model = model;
  const wrong: string[] = [];
  w.dropped = ({ series, ts, reason }) => {
    if (!model.has(series, ts) && !model.never(series, ts)) wrong.push(`${series} ${ts} ${reason}`);
  };
  const start = w.source.now();
  w.source.samples = Array.from({ length: 50 }, (_, n) => steady(`m${n}`, start, start + 3 * HOUR, everyMs)).flat();
  w.sink().fault = "refused";
  await w.clock.advance(3 * HOUR + 60_000);
  const before = model.requests;
  w.sink().fault = "none";
  await w.clock.advance(400_000);
  if (kill) {
    await w.restart();
    await w.clock.advance(60_000);
  }
  await w.clock.advance(120_000);
  assert.deepEqual(
    w.events.filter((e) => e.type === "sink-crashed"),
    [],
  );
  const missing = w.source.samples.filter(({ series, ts }) => !model.has(series, ts));
  return { requests: model.requests - before, missing, drops: w.drops, world: w, wrong };
}

describe("one refused series in a backlog of three hours", () => {
  for (const everyMs of [15_000, 5_000])
    test(`a sample every ${everyMs / 1_000} s: its samples are dropped, no other, with at most 40 requests more`, async () => {
      const without = await backlog([], {}, everyMs);
      assert.equal(without.missing.length, 0);
      const one = await backlog(["m42"], {}, everyMs);
      assert.ok(one.missing.every(({ series }) => series === "m42"));
      assert.equal(one.missing.length, (3 * HOUR) / everyMs);
      assert.equal(one.drops.length, one.missing.length);
      assert.deepEqual([...new Set(one.drops.map(({ reason }) => reason))], ["rejected"]);
      assert.ok(one.requests - without.requests <= 40, `${one.requests} requests, ${without.requests} without it`);
      if (everyMs === 15_000)
        assert.ok(
          one.requests - without.requests <= 25,
          "batches that were sealed before are not searched again for it",
        );
      console.log(
        `every ${everyMs / 1_000} s: ${one.requests} requests, ${without.requests} without the refused series`,
      );
    });

  test("also with a kill, and where the good part of a refused request is stored", async () => {
    for (const partial of [false, true]) {
      const { missing, drops, world } = await backlog(["m42"], { partial }, 15_000, true);
      assert.ok(
        missing.every(({ series }) => series === "m42"),
        "nothing else is missing",
      );
      assert.ok(drops.every(({ series }) => partial || series === "m42"));
      assert.notEqual(world.stateOf().conditions[1].status, "False", "the others arrive");
    }
  });

  test("too old for the receiver: the two hours that it refuses are dropped, the last one arrives", async () => {
    const { missing, drops, requests, wrong } = await backlog([], { tooOldMs: HOUR }, 15_000);
    assert.deepEqual(wrong, [], "dropped though it would have been taken");
    assert.ok(missing.length > 0 && missing.length < 50 * 4 * 60 * 2.1, `${missing.length} of 36,000`);
    assert.equal(drops.length, missing.length);
    console.log(`too old: ${requests} requests for ${missing.length} refused samples`);
  });
});
