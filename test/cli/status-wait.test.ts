// Whom outflow status --wait waits for: until data arrives at all sinks, not only until none of them fails.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { waitsFor } from "../../src/cli/status/status-wait.ts";
import { Story, sinkInfo } from "../status/scenes.ts";

const ID = "default/edge/cloud";
const after = (story: Story): string | undefined => waitsFor({ ok: true, snapshot: story.snapshot }, undefined);
const quiet = (story: Story, polls = 10): Story => {
  for (let i = 0; i < polls; i++) story.wait(15_000).read(ID, 0).settled(ID);
  return story;
};
const started = () => new Story([sinkInfo(ID)]).sourceAnswers();

describe("outflow status --wait", () => {
  test("no agent, no policies, nothing of that name", () => {
    assert.equal(waitsFor({ ok: false, why: "connection refused" }, undefined), "the agent: connection refused");
    assert.equal(after(new Story()), "a policy with a sink");
    assert.equal(waitsFor({ ok: true, snapshot: started().snapshot }, "nobody"), "nobody to exist");
  });

  test("a sink that is ready since its queries select nothing: for its first batch", () => {
    const story = quiet(started());
    assert.equal(after(story), `1 of 1 sink: ${ID} (Idle: its queries select nothing)`);
    assert.equal(after(story.wait(1_000).delivers(ID, 10)), undefined);
    assert.equal(after(quiet(story)), undefined, "idle again, but data has arrived");
  });

  test("a sink that delivered before the agent restarted: for its first batch since", () => {
    const before = started().delivers(ID, 10).snapshot.sinks[0]!;
    const story = new Story();
    story.load([sinkInfo(ID)]);
    story.event({ type: "sink-started", sink: sinkInfo(ID), conditions: before.conditions });
    assert.equal(after(story), `1 of 1 sink: ${ID} (Delivering before the agent restarted)`);
    assert.equal(after(story.wait(1_000).delivers(ID, 10)), undefined);
  });

  test("a sink that fails: its reason", () => {
    assert.equal(after(started().fails(ID, 1, 1_000).fails(ID, 2, 1_000)), `1 of 1 sink: ${ID} (ServerError)`);
  });
});
