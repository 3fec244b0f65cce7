// What the real exporter makes of the status: nothing here is told to the reducer by hand but the ticks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readyOf } from "../../src/status/conditions.ts";
import { lagOf } from "../../src/status/sinks.ts";
import { steady, World } from "../fakes/world.ts";

const MINUTE = 60_000;

/** What Ready was after each event of `ms`, each once in a row: in this world a catch-up takes no time, and still has its events. */
async function seen(world: World, ms: number): Promise<string[]> {
  const said: string[] = [];
  const stop = world.status.subscribe((_, __, { sinks }) => {
    const [sink] = sinks;
    const { status, reason } = sink === undefined ? { status: "no", reason: "sink" } : readyOf(sink);
    if (said.at(-1) !== `${status} ${reason}`) said.push(`${status} ${reason}`);
  });
  for (let s = 0; s < ms / 1_000; s++) {
    await world.clock.advance(1_000);
    world.status.dispatch({ type: "tick", at: world.clock.now() });
  }
  stop();
  return said;
}

test("an outage of the sink: ready, not ready, catching up, ready, and nothing in between", async () => {
  const w = new World({ maxWindowMs: MINUTE, sinks: { s: { onExhausted: "hold", timeoutMs: 1_000 } } });
  const start = w.source.now();
  w.source.samples = steady("m0", start - MINUTE, start + 60 * MINUTE, 5_000);
  assert.deepEqual(await seen(w, 2 * MINUTE), ["Unknown Pending", "True Delivering"]);
  w.sink().fault = "refused";
  assert.deepEqual((await seen(w, 10 * MINUTE)).slice(-1), ["False EndpointUnreachable"]);
  w.sink().fault = "none";
  assert.deepEqual(await seen(w, 8 * MINUTE), ["False EndpointUnreachable", "True CatchingUp", "True Delivering"]);
  assert.ok((lagOf(w.stateOf(), w.clock.now()) ?? Number.NaN) < MINUTE);
});

test("a new sink that begins 25 minutes back: its lag is known from the first read, and it is not green before it delivers", async () => {
  const w = new World({ startMs: 25 * MINUTE, maxWindowMs: 2 * MINUTE });
  const start = w.source.now();
  w.source.samples = steady("m0", start - 30 * MINUTE, start + 60 * MINUTE, 5_000);
  w.sink().fault = "refused";
  await seen(w, 10_000);
  assert.ok((lagOf(w.stateOf(), w.clock.now()) ?? 0) >= 25 * MINUTE);
  assert.notEqual(readyOf(w.stateOf()).status, "True");
  w.sink().fault = "none";
  const said = await seen(w, 10 * MINUTE);
  assert.deepEqual(said.slice(-2), ["True CatchingUp", "True Delivering"]);
});
