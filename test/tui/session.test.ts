// A person at the keyboard, without a terminal: what goes beyond the screen goes through ports.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Actions, Outcome } from "../../src/status/actions.ts";
import { askFor } from "../../tui/ask.ts";
import { Session } from "../../tui/session.ts";
import { EDGE, oneFails, phases, threeReady } from "./frames.tsx";

function at(story = oneFails(), answer: () => Promise<Outcome> = async () => ({ ok: true, message: `${EDGE} done.` })) {
  const done: string[] = [];
  const saved: [name: string, text: string][] = [];
  const quits: boolean[] = [];
  const actions: Actions = {
    act: (sink, action) => {
      done.push(`${action} ${sink}`);
      return answer();
    },
    reload: () => {
      done.push("reload");
      return answer();
    },
  };
  let allowed: Actions | string = actions;
  const session = new Session({
    store: { snapshot: story.snapshot, subscribe: () => () => {} },
    clock: { now: () => story.now, monotonicMs: () => 0, sleep: async () => false },
    actions: () => allowed,
    save: async (name, text) => {
      saved.push([name, text]);
      return `/home/me/${name}`;
    },
    quit: (leave) => quits.push(leave),
  });
  const press = async (...keys: string[]) => {
    for (const key of keys) session.press(key, 20);
    await new Promise((done) => setImmediate(done));
  };
  return { session, press, done, saved, quits, forbid: (why: string) => (allowed = why) };
}

describe("actions", () => {
  test("nothing is done before yes, and only a plain yes is one", async () => {
    const { session, press, done } = at();
    for (const no of ["n", "escape", "enter", " ", "p", "q"]) {
      await press("p", no);
      assert.equal(session.ui.asking, undefined, no);
    }
    assert.deepEqual(done, []);
    assert.equal(session.ui.quitting, undefined, "q was an answer, not a quit");
    await press("p");
    assert.equal(session.ui.asking?.question, "Pause edge/cloud?");
    await press("y");
    assert.deepEqual(done, [`pause ${EDGE}`]);
    assert.deepEqual(session.ui.notice && { ...session.ui.notice, until: 0 }, {
      text: "edge/cloud done.",
      ok: true,
      until: 0,
    });
  });
  test("retry and reload", async () => {
    const { press, done } = at();
    await press("R", "y", "ctrl-r", "y");
    assert.deepEqual(done, [`retry ${EDGE}`, "reload"]);
  });
  test("where they are off nothing is asked, and the reason is said", async () => {
    const { session, press, done, forbid } = at();
    forbid("Off: --read-only.");
    await press("p", "y");
    assert.equal(session.ui.asking, undefined);
    assert.equal(session.ui.notice?.text, "Off: --read-only.");
    assert.deepEqual(done, []);
  });
  test("forbidden between question and yes: not done", async () => {
    const { session, press, done, forbid } = at();
    await press("p");
    forbid("The agent is not reached at present.");
    await press("y");
    assert.deepEqual(done, []);
    assert.equal(session.ui.notice?.ok, false);
  });
  test("one that fails says so", async () => {
    const { session, press } = at(oneFails(), () => Promise.reject(new Error("no way")));
    await press("R", "y");
    assert.equal(session.ui.notice?.text, "That did not work: no way");
  });
});

describe("what is asked, in each phase", () => {
  const wanted: Record<string, [pause: string, retry: string]> = {
    flowing: ["Pause edge/cloud?", "edge/cloud waits for nothing: there is nothing to retry."],
    "backing-off": ["Pause edge/cloud?", "Retry edge/cloud now?"],
    holding: ["Pause edge/cloud?", "Retry edge/cloud now?"],
    paused: ["Resume edge/cloud?", "edge/cloud is paused: p resumes it."],
    refused: Array(2).fill("edge/cloud does not run: its configuration was refused.") as [string, string],
    draining: Array(2).fill("edge/cloud has ended.") as [string, string],
    stopped: Array(2).fill("edge/cloud has ended.") as [string, string],
  };
  for (const [phase, expected] of Object.entries(wanted)) {
    test(phase, () => {
      const story = phases()[phase];
      assert.ok(story);
      const said = (["pause-or-resume", "retry"] as const).map((action) => {
        const asked = askFor(action, story.snapshot.sinks[0], story.now);
        return asked?.ask?.question ?? asked?.why;
      });
      assert.deepEqual(said, expected);
    });
  }
});

describe("the saved state", () => {
  test("is the snapshot as JSON, named by the time", async () => {
    const story = threeReady();
    const { session, press, saved } = at(story);
    await press("ctrl-s");
    assert.equal(saved[0]?.[0], "outflow-2026-11-23T14-01-18Z.json");
    assert.deepEqual(JSON.parse(saved[0]?.[1] ?? ""), JSON.parse(JSON.stringify(story.snapshot)));
    assert.equal(session.ui.notice?.text, "Saved as /home/me/outflow-2026-11-23T14-01-18Z.json.");
  });
  test("has no address and no label value while privacy is on", async () => {
    const { press, saved } = at(oneFails());
    await press("P", "ctrl-s");
    assert.doesNotMatch(saved[0]?.[1] ?? "", /127\.0\.0\.1|example\.com|"node/);
    assert.match(saved[0]?.[1] ?? "", /ServerError/);
  });
  test("is what the screen shows: the frozen one", async () => {
    const { session, press, saved } = at();
    await press(" ");
    const frozen = session.ui.frozen?.snapshot;
    await press("ctrl-s");
    assert.equal(JSON.parse(saved[0]?.[1] ?? "").at, frozen?.at);
  });
});

test("quitting is told once", async () => {
  const { press, quits } = at();
  await press("Q", "q", "ctrl-c");
  assert.deepEqual(quits, [true]);
});
