// --watch on a terminal: redrawn in place, cut to the screen.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fitted, watch } from "../../src/cli/status/status-watch.ts";
import { FakeClock } from "../fakes/clock.ts";
import { Story, sinkInfo } from "../status/scenes.ts";

test("lines that do not fit are counted, long ones are cut, short ones erase what was there", () => {
  assert.deepEqual(fitted(["a", "bb", "ccc", "d"], 3, 3), [
    "a\u001b[K",
    "bb\u001b[K",
    "… 2", // cut to the screen's three columns
  ]);
  assert.deepEqual(fitted(["abcdef"], 3, 3), ["abc"]);
});

test("each second over the last one, and a lost agent is named", async () => {
  const clock = new FakeClock();
  const story = new Story([sinkInfo("default/edge/cloud")]).wait(1_000);
  const written: string[] = [];
  const end = new AbortController();
  let asked = 0;
  const watching = watch(story.snapshot, { name: undefined, notReady: false, sort: "worst" }, "table", true, {
    clock,
    ask: async () => {
      asked++;
      return asked === 2 ? { ok: false, why: "connection refused" } : { ok: true, snapshot: story.snapshot };
    },
    text: () => "the table\n",
    url: "http://a",
    out: { isTTY: true, rows: 10, columns: 80, write: (text: string) => written.push(text) },
    err: { write: () => assert.fail("nothing goes to stderr on a terminal") },
    signal: end.signal,
  });
  await clock.advance(2_000);
  end.abort();
  assert.deepEqual(
    (await watching).sinks.map((s) => s.id),
    ["default/edge/cloud"],
  );
  const screen = (head: string) =>
    `\u001b[Hhttp://a  2026-11-23T14:00:01Z${head}\u001b[K\n\u001b[K\nthe table\u001b[K\u001b[J`;
  assert.deepEqual(written, [`\u001b[2J${screen("")}`, screen(""), screen(", not reached since: connection refused")]);
});
