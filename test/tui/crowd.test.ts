// What helps with many sinks, and with the same thing again: rows that stay, groups that show all causes, ranges of marks, commands from
// before, the clipboard, a source that hangs.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keyName, keyOf } from "../../tui/input/key-names.ts";
import { shownSinks } from "../../tui/input/order.ts";
import { initialUi, type UiState } from "../../tui/input/ui-state.ts";
import { Session } from "../../tui/session.ts";
import { toClipboard } from "../../tui/terminal-input.ts";
import { rateLimited, Story, serverError, sinkInfo } from "../status/scenes.ts";
import { crowd, EDGE, frame, oneFails, readable } from "./frames.tsx";

const ids = ["default/a/one", "default/a/two", "default/a/three"] as const;
const [ONE, TWO, THREE] = ids;
const three = () =>
  new Story(ids.map((id) => sinkInfo(id)))
    .sourceAnswers()
    .wait(1_000)
    .flows(
      ids.map((id) => ({ id, samples: 100 })),
      30_000,
    );

function at(story: Story, ui: Partial<UiState> = {}) {
  const copies: string[] = [];
  const session = new Session(
    {
      store: { snapshot: story.snapshot, subscribe: () => () => {} },
      clock: { now: () => story.now, monotonicMs: () => 0, sleep: async () => false },
      past: { at: async () => undefined, forget: () => {} },
      actions: () => "off",
      save: async () => "",
      copy: (text) => copies.push(text),
      keep: async () => {},
      quit: () => {},
    },
    { ...initialUi, ...ui },
  );
  const press = (page: number, ...keys: string[]) => {
    for (const key of keys) session.press(key, page);
  };
  return { session, press, copies };
}

describe("rows stay where they are", () => {
  test("while a ready sink retries; one that is not ready comes first", () => {
    const order = (story: Story) => shownSinks(story.snapshot, initialUi, story.now).map((s) => s.id);
    const retries = three().read(THREE, 100).fails(THREE, 1, 1_000, rateLimited);
    assert.deepEqual(order(retries), [...ids]);
    const fails = three().read(THREE, 100).fails(THREE, 1, 1_000).fails(THREE, 2, 1_000).fails(THREE, 3, 30_000);
    assert.equal(order(fails.wait(20_000))[0], THREE);
  });
  test("and columns too, whether something is wrong or not", () => {
    const titles = (story: Story, columns: number) => readable(frame(story, columns, 24)).match(/^ .*sink +reason.*$/m);
    const titleOf = (story: Story, columns: number) => titles(story, columns)?.[0].replace(/ +/g, " ");
    const limited = three().read(THREE, 100).fails(THREE, 1, 1_000, rateLimited);
    for (const columns of [80, 100, 120, 200]) assert.equal(titleOf(limited, columns), titleOf(three(), columns));
  });
});

describe("groups", () => {
  const headings = (ui: UiState) => ui.folded.size;
  test("where the rows do not fit they are folded, so that all causes are seen; enter opens one", () => {
    const story = crowd(200);
    const { session, press } = at(story);
    press(20, "g");
    assert.equal(session.ui.group, "cause");
    const shown = readable(frame(story, 120, 40, session.ui));
    for (const cause of [/ServerError: /, /EndpointUnreachable: /, /RateLimited: /, /AuthenticationRejected: /])
      assert.match(shown, new RegExp(`▸ ${cause.source}`), shown);
    const before = headings(session.ui);
    press(20, "enter");
    assert.equal(headings(session.ui), before - 1);
    press(20, "g");
    assert.deepEqual([session.ui.group, headings(session.ui)], ["policy", 8]);
  });
  test("where they fit they are open", () => {
    const { session, press } = at(oneFails());
    press(20, "g");
    assert.deepEqual([session.ui.group, headings(session.ui)], ["cause", 0]);
  });
});

describe("marks over a range", () => {
  test("from the last mark to the selected row, in either direction", () => {
    const story = crowd(40);
    const { session, press } = at(story);
    const rows = shownSinks(story.snapshot, session.ui, story.now).map((s) => s.id);
    press(20, "down", "down", " ", "down", "down", "down", "ctrl-space");
    assert.deepEqual([...session.ui.marked].sort(), rows.slice(2, 7).sort());
    press(20, "escape", "up", " ", "up", "up", "up", "ctrl-space");
    assert.deepEqual([...session.ui.marked].sort(), rows.slice(3, 6).sort());
  });
  test("without a mark it is the selected row", () => {
    const { session, press } = at(three());
    press(20, "down", "ctrl-space");
    assert.deepEqual([...session.ui.marked], [TWO]);
  });
  test("a terminal sends it as a null character", () => {
    const key = { ctrl: true } as Parameters<typeof keyName>[1];
    assert.equal(keyName(" ", key), "ctrl-space");
    assert.equal(keyOf("\0"), "ctrl-space");
  });
});

describe("commands from before", () => {
  test("up and down walk through them, and back to what was being typed", () => {
    const { session, press } = at(three());
    press(20, ":", ..."sort lag", "enter", ":", ..."filter x", "enter", ":", ..."sort lag", "enter");
    assert.deepEqual(session.ui.history, ["filter x", "sort lag"], "again entered: kept once");
    press(20, ":", ..."wh");
    const walk = (key: string) => {
      press(20, key);
      return session.ui.command;
    };
    assert.deepEqual(["up", "up", "up"].map(walk), ["sort lag", "filter x", "filter x"]);
    assert.deepEqual(["down", "down", "down"].map(walk), ["sort lag", "wh", "wh"]);
    press(20, "up", "backspace");
    assert.equal(session.ui.command, "sort la");
    press(20, "escape", ":");
    assert.equal(session.ui.command, "");
  });
  test("fifty are kept", () => {
    const { session, press } = at(three());
    for (let i = 0; i < 60; i++) press(20, ":", ...`filter ${i}`, "enter");
    assert.deepEqual([session.ui.history.length, session.ui.history[0]], [50, "filter 10"]);
  });
});

describe("copy", () => {
  test("the name of a sink; of an explanation its command; of a policy its YAML", () => {
    const { press, copies, session } = at(oneFails());
    press(20, "C");
    assert.deepEqual(copies, [EDGE]);
    assert.match(session.ui.notice?.text ?? "", /^Copied default\/edge\/cloud, /);
    press(20, "w", "C");
    assert.match(copies[1] ?? "", /^outflow replay --policy default\/edge --sink cloud --from \S+Z --to \S+Z$/);
    press(20, "escape", "y", "C");
    assert.match(copies[2] ?? "", /^apiVersion: /);
    press(20, "escape", "4", "C");
    assert.equal(copies[3], "default/edge");
  });
  test("where nothing is selected that is said", () => {
    const { session, press, copies } = at(new Story());
    press(20, "C");
    assert.deepEqual([copies, session.ui.notice?.text], [[], "There is nothing to copy here."]);
  });
  test("as the terminal takes it, control characters and all", () =>
    assert.equal(toClipboard("a\x1b\nü"), `\x1b]52;c;${Buffer.from("a\x1b\nü").toString("base64")}\x07`));
});

describe("the row of a sink that is ready", () => {
  const row = (story: Story, columns = 100) => /^.*default\/a\/one.*$/m.exec(readable(frame(story, columns, 24)))?.[0];
  test("says which size of requests its endpoint takes", () => {
    const story = three().event({ type: "size-learned", id: ONE, samples: 25, bytes: 330 });
    assert.match(row(story) ?? "", /Delivering .* max 25\/request$/);
    assert.match(row(story, 200) ?? "", /takes requests of up to 25 samples/);
  });
  test("says how many series were refused, for five minutes", () => {
    const refused = (n: number) =>
      three().event({ type: "series-rejected", id: ONE, series: `load{i="${n}"}`, samples: 3, message: "not here" });
    assert.match(row(refused(1)) ?? "", / 1 refused$/);
    assert.match(row(refused(1), 200) ?? "", /load\{i="1"\} is refus/);
    assert.doesNotMatch(row(refused(1).wait(301_000)) ?? "", /refused/);
  });
});

describe("the row of a sink that catches up", () => {
  const behind = (isReady: boolean) => {
    const story = new Story([sinkInfo(ONE)]).sourceAnswers().wait(1_000).catchesUp(ONE, 1_200_000, 12).wait(1_000);
    if (isReady) return story;
    const [sink] = story.snapshot.sinks;
    assert.ok(sink);
    const [accepted, ready] = sink.conditions;
    const conditions = [accepted, { ...ready, status: "False", reason: "Flapping" }] as const;
    story.snapshot = { ...story.snapshot, sinks: [{ ...sink, conditions }] };
    return story;
  };
  const row = (isReady: boolean) =>
    /^›.*default\/a\/one.*$/m.exec(readable(frame(behind(isReady), 120, 24)))?.[0] ?? "";
  test("says how far it has come; one that is not ready says why it is not, and how long it takes beside it", () => {
    assert.match(row(true), /◐.* \d+m behind, [\d.]+k?\/s, \d+s left .* \d+s left$/);
    assert.match(row(false), /✗.* Flapping .* \d+s left$/);
  });
});

describe("a source that hangs", () => {
  const said = (story: Story) => /^.*source http.*$/m.exec(readable(frame(story, 120, 40)))?.[0] ?? "";
  test("is said where a sink waits for it", () => {
    assert.doesNotMatch(said(three().wait(34_000)), /no response/);
    assert.match(said(three().wait(60_000)), /^\? source http.* no response for 1m\d\ds/);
  });
  test("not where no sink would read: all hold, fail or are full", () => {
    const held = three();
    for (const id of ids) held.read(id, 100).holds(id, 600_000);
    assert.doesNotMatch(said(held.wait(90_000)), /no response/);
    const full = three();
    for (const id of ids) full.read(id, 100);
    assert.doesNotMatch(said(full.wait(90_000)), /no response/);
  });
  test("one that has failed says why, across the whole line", () => {
    const message = "Connection refused by the source (ECONNREFUSED): is it running, and --source-url right?";
    const story = three().event({ type: "source-failed", reason: "SourceUnavailable", message }).wait(5_000);
    assert.match(said(story), /^✗ source http.*SourceUnavailable for 5s: .*is it run/);
  });
});

test("where not each cause has its count, the words behind the drops give way", () => {
  const story = three();
  for (const [id, failure] of [
    [TWO, serverError],
    [THREE, rateLimited],
  ] as const)
    story.read(id, 1_000).fails(id, 1, 5_000, failure).fails(id, 2, 30_000, failure);
  story.drops(TWO, "exhausted", 1_000, "Gave up.");
  const counts = (columns: number) => readable(frame(story, columns, 24)).split("\n")[1] ?? "";
  assert.match(counts(100), /1 ready · ✗ 1 server error · ✗ 1 rate limited .*1,000 dropped since start$/);
  assert.match(counts(72), /1 ready · ✗ 1 server error · ✗ 1 rate limited .*1,000 dropped$/);
});
