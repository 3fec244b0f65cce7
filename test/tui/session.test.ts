// A person at the keyboard, without a terminal: what goes beyond the screen goes through ports.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Actions, Outcome } from "../../src/status/actions.ts";
import { askFor } from "../../tui/input/ask.ts";
import { Session } from "../../tui/session.ts";
import { EDGE, oneFails, phases } from "./frames.tsx";

function at(story = oneFails(), answer: () => Promise<Outcome> = async () => ({ ok: true, message: `${EDGE} done.` })) {
  const done: string[] = [];
  const saved: [name: string, privacy: boolean][] = [];
  const quits: boolean[] = [];
  const copies: string[] = [];
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
    past: { at: async () => undefined, forget: () => {} },
    save: async (name, privacy) => {
      saved.push([name, privacy]);
      return `/home/me/${name}`;
    },
    copy: (text) => copies.push(text),
    keep: async () => {},
    quit: (leave) => quits.push(leave),
  });
  const press = async (...keys: string[]) => {
    for (const key of keys) session.press(key, 20);
    await new Promise((done) => setImmediate(done));
  };
  return { session, press, done, saved, quits, copies, forbid: (why: string) => (allowed = why) };
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
    assert.equal(session.ui.asking?.question, `Pause ${EDGE}?`);
    await press("y");
    assert.deepEqual(done, [`pause ${EDGE}`]);
    assert.deepEqual(session.ui.notice && { ...session.ui.notice, until: 0 }, {
      text: `${EDGE} done.`,
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
    forbid("The agent cannot be reached at present.");
    await press("y");
    assert.deepEqual(done, []);
    assert.equal(session.ui.notice?.ok, false);
  });
  test("one that fails says so", async () => {
    const { session, press } = at(oneFails(), () => Promise.reject(new Error("no way")));
    await press("R", "y");
    assert.equal(session.ui.notice?.text, "The action failed: no way");
  });
});

describe("what is asked, in each phase", () => {
  const wanted: Record<string, [pause: string, retry: string]> = {
    flowing: [`Pause ${EDGE}?`, `${EDGE} is not waiting: there is nothing to retry.`],
    "backing-off": [`Pause ${EDGE}?`, `Retry ${EDGE} now?`],
    holding: [`Pause ${EDGE}?`, `Retry ${EDGE} now?`],
    paused: [`Resume ${EDGE}?`, `${EDGE} is paused: p resumes it.`],
    refused: Array(2).fill(`${EDGE} does not run: its configuration was refused.`) as [string, string],
    draining: Array(2).fill(`${EDGE} has ended.`) as [string, string],
    stopped: Array(2).fill(`${EDGE} has ended.`) as [string, string],
  };
  for (const [phase, expected] of Object.entries(wanted)) {
    test(phase, () => {
      const story = phases()[phase];
      assert.ok(story);
      const said = (["pause-or-resume", "retry"] as const).map((action) => {
        const asked = askFor(action, story.snapshot.order.slice(0, 1), story.snapshot, story.now);
        return asked?.ask?.question ?? asked?.why;
      });
      assert.deepEqual(said, expected);
    });
  }
});

describe("keys of the user's own", () => {
  const own = (keys: Record<string, string>) => {
    const all = at();
    all.session.ui = { ...all.session.ui, keys };
    return all;
  };
  test("run a command on what is selected, also where the key had a meaning; actions still ask", async () => {
    const { session, press, done } = own({ x: "pause", w: "filter cloud", "ctrl-e": "why" });
    await press("ctrl-e");
    assert.equal(session.ui.panel, "why");
    await press("escape", "w");
    assert.equal(session.ui.filters.sinks, "cloud");
    await press("escape", "x");
    assert.equal(session.ui.asking?.question, `Pause ${EDGE}?`);
    await press("x");
    assert.deepEqual([session.ui.asking, done], [undefined, []], "any other key is no");
    await press("x", "y");
    assert.deepEqual(done, [`pause ${EDGE}`]);
  });
  test("are letters where a text is typed", async () => {
    const { session, press } = own({ x: "pause" });
    await press("/", "x");
    assert.equal(session.ui.filters.sinks, "x");
    await press("escape", ":", "x");
    assert.deepEqual([session.ui.command, session.ui.asking], ["x", undefined]);
  });
});

test("a moment that took long to find: the timeline comes in the place of the notice", async () => {
  const { session } = at();
  session.do({ type: "told", text: "Looking up 14:01:00Z.", ok: true }, 20);
  session.do({ type: "moment", snapshot: oneFails().snapshot, at: 2, from: 1, to: 3 }, 20);
  assert.deepEqual([session.ui.notice, session.ui.frozen?.recorded], [undefined, { from: 1, to: 3 }]);
});

test("a column moves among those that are shown, and stays the chosen one", async () => {
  const { session, press } = at();
  await press("c", "down", "down", "down", "down", "K");
  const shown = session.ui.columns ?? [];
  assert.deepEqual(shown.slice(0, 5), ["state", "sink", "reason", "lag", "dropped"]);
  await press(" ");
  assert.ok(!session.ui.columns?.includes("lag"));
  await press(" ");
  assert.ok(session.ui.columns?.includes("lag"), "the same one is put back");
  for (let i = 0; i < 20; i++) await press("K");
  assert.equal(session.ui.columns?.[0], "lag");
  for (let i = 0; i < 20; i++) await press("J");
  assert.equal(session.ui.columns?.at(-1), "lag");
});

test("quitting is told once", async () => {
  const { press, quits } = at();
  await press("Q", "q", "ctrl-c");
  assert.deepEqual(quits, [true]);
});
