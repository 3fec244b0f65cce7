// The agent's trouble as a whole: each cause is one headline, however many sinks have it.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ProblemInfo } from "../../src/status/events.ts";
import { alikeProblems, headlineText, overview, readyText } from "../../src/status/text/overview.ts";
import { Story, serverError, sinkInfo, unauthorized } from "./scenes.ts";

const ids = Array.from({ length: 200 }, (_, i) => `default/p${i % 7}/s${String(i).padStart(3, "0")}`);
const flowing = () => {
  const story = new Story(ids.map((id) => sinkInfo(id))).sourceAnswers().wait(1_000);
  for (const id of ids) story.delivers(id, 10);
  return story;
};
const said = ({ snapshot, now }: Story) => overview(snapshot).headlines.map((h) => headlineText(h, now));
const away = { reason: "SourceUnavailable", message: "connection refused (ECONNREFUSED)" } as const;

/** The source is away: every sink's reads fail twice. */
function sourceAway(story: Story): Story {
  for (let poll = 0; poll < 2; poll++) {
    story.event({ type: "source-failed", ...away });
    for (const id of ids) story.event({ type: "read-failed", id, source: "metrics", ...away });
    story.wait(15_000);
  }
  return story;
}

describe("one cause is one headline", () => {
  test("all is well: none", () => {
    const story = flowing();
    assert.deepEqual(said(story), []);
    assert.equal(readyText(overview(story.snapshot)), "all 200 sinks are ready");
  });
  test("the source is away: its sinks are folded under it, and keep their own trouble only where it is another", () => {
    const story = flowing();
    story.read(ids[5]!, 1_000).holds(ids[5]!, 600_000, unauthorized);
    sourceAway(story);
    assert.deepEqual(said(story), [
      "The source cannot be read for 30s; 199 sinks wait for it: connection refused (ECONNREFUSED).",
      `${ids[5]}: AuthenticationRejected for 30s: ${unauthorized.message}`,
    ]);
    assert.equal(readyText(overview(story.snapshot)), "0 of 200 sinks ready, 200 not ready");
  });
  test("the source was never there: whoever has not read anything waits for it", () => {
    const story = new Story(ids.map((id) => sinkInfo(id))).event({ type: "source-failed", ...away });
    assert.equal(said(story).length, 1);
    assert.match(said(story)[0]!, /^The source cannot be read for 0s; 200 sinks wait for it: /);
  });
  test("200 sinks with the same trouble, told apart by numbers only: one headline with a count, the first is named", () => {
    const story = flowing();
    ids.forEach((id, i) => {
      const message = `The endpoint is unavailable (503). It said: request ${1_000 + i} refused`;
      for (const n of [1, 2]) story.read(id, 1_000).fails(id, n, 60_000, { ...serverError, message });
    });
    const [line, ...others] = said(story.wait(10_000));
    assert.deepEqual(others, []);
    assert.match(line!, /^200 sinks: ServerError for 10s: The endpoint is unavailable .* First: default\/p0\/s000\.$/);
  });
  test("worst first: who loses data before larger groups, paused ones last", () => {
    const story = flowing();
    const [a, b, c, d, e] = ids as [string, string, string, string, string];
    story.event({ type: "sink-paused", id: a });
    for (const id of [b, c]) story.read(id, 9).holds(id, 60_000, unauthorized);
    for (const n of [1, 2]) story.read(d, 1_000).fails(d, n, 60_000);
    for (const n of [1, 2]) story.read(e, 1_000).fails(e, n, 60_000, { ...serverError, message: "Other." });
    story.drops(e, "exhausted", 1_000, "Gave up.");
    assert.deepEqual(
      overview(story.snapshot).headlines.map((h) => h.sinks.map((s) => s.id)),
      [[e], [b, c], [d], [a]],
    );
  });
});

test("problems of policy files that say the same are one with the number of places", () => {
  const problem = (line: number, message: string): ProblemInfo => ({
    severity: "warning",
    file: "p.yaml",
    line,
    column: 3,
    path: `spec.sinks[${line}]`,
    message,
  });
  const many = [...Array(200).keys()].map((i) => problem(i, `drops batches after ${i + 1} attempts`));
  assert.deepEqual(
    alikeProblems([...many, problem(999, "names no source")]).map(({ first, places }) => [first.line, places]),
    [
      [0, 200],
      [999, 1],
    ],
  );
});
