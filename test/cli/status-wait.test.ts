// outflow status --wait: whom it waits for, and what it says of sinks that are ready since there is nothing to send.
import assert from "node:assert/strict";
import { test } from "node:test";
import { untilReady } from "../../src/cli/status/status-wait.ts";
import { FakeClock } from "../fakes/clock.ts";
import { Story, sinkInfo, unauthorized } from "../status/scenes.ts";

const [A, B] = ["default/edge/archive", "default/edge/cloud"];
const story = () => new Story([sinkInfo(A), sinkInfo(B)]).sourceAnswers();

async function said(s: Story): Promise<string[]> {
  const lines: string[] = [];
  const { snapshot } = s;
  const loaded = { ...snapshot, reloads: { ...snapshot.reloads, lastAt: s.now } };
  await untilReady(undefined, 0, {
    clock: new FakeClock(),
    ask: async () => ({ ok: true, snapshot: loaded }),
    say: (line) => lines.push(line),
    signal: new AbortController().signal,
  });
  return lines;
}

test("all deliver: it has nothing to say", async () => {
  assert.deepEqual(await said(story().delivers(A, 10).delivers(B, 10)), []);
});

test("it says whom it waits for, and why", async () => {
  const s = story().delivers(A, 10).read(B, 1_000).holds(B, 5_000, unauthorized);
  assert.deepEqual(await said(s), [`waiting for 1 of 2 sinks: ${B} (AuthenticationRejected)`]);
});

test("sinks whose sources return nothing are ready, and named", async () => {
  const s = story().delivers(A, 10).read(B, 0).settled(B).wait(2_000);
  assert.deepEqual(await said(s), [`ready, but nothing to send so far: ${B}`]);
});
