// Explanations in every situation: the text is docs/troubleshooting.md, read by people and compared here; and laws that hold for each.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { readyOf } from "../../src/status/conditions.ts";
import { phaseTable } from "../../src/status/phases.ts";
import { sinkOf } from "../../src/status/sinks.ts";
import type { SinkState } from "../../src/status/snapshot.ts";
import { type Explanation, explain } from "../../src/status/text/explain.ts";
import type { Story } from "./scenes.ts";
import { all, ID } from "./situations.ts";

const sinkIn = (story: Story): SinkState => {
  const sink = sinkOf(story.snapshot, ID);
  assert.ok(sink);
  return sink;
};
const explained = (story: Story): Explanation => explain(sinkIn(story), story.snapshot.source, story.now);
const part = (e: Explanation, label: string): string => e.parts.find((p) => p.label === label)?.text ?? "";

describe("every situation", () => {
  const made = all();
  test("there are many", () => assert.ok(made.length >= 20));
  for (const [title, story] of made) {
    test(`${title}: full sentences, no holes`, () => {
      const e = explained(story);
      for (const { label, text } of e.parts) {
        assert.match(text, /[.!?]$|: (?:\{.*\}|outflow replay .*)$/, `${label}: ${text}`); // a query or a command as it is typed
        assert.doesNotMatch(text, /undefined|NaN|Infinity|\[object|null|\.\.(?!\.)| {2}/, `${label}: ${text}`);
      }
      assert.match(e.headline, /^(Ready|Not ready|Not known yet) for \S+: [A-Z][A-Za-z]+$/);
    });
    test(`${title}: the same words as the condition and the snapshot`, () => {
      const ready = readyOf(sinkIn(story));
      const e = explained(story);
      assert.ok(e.headline.endsWith(`: ${ready.reason}`));
      const { failing } = sinkIn(story);
      if (failing !== undefined) assert.ok(part(e, "Cause").includes(failing.message.replace(/\.$/, "")));
      assert.deepEqual(explain(JSON.parse(JSON.stringify(sinkIn(story))), story.snapshot.source, story.now), e);
    });
  }
  test("whoever is not ready reads what happens next and what to do", () => {
    for (const [title, story] of made.filter(([, s]) => readyOf(sinkIn(s)).status === "False")) {
      for (const label of ["Cause", "Since", "At risk", "Next", "To do"])
        assert.notEqual(part(explained(story), label), "", `${title}: ${label}`);
    }
  });
});

describe("at risk", () => {
  const risk = (title: string) => part(explained(all().find(([t]) => t === title)![1]), "At risk");
  test("nothing lost, how far behind, how long it will take", () =>
    assert.match(
      risk("Wrong password, for hours"),
      /^No data has been lost so far\. The sink is 2h\d\dm behind and its cursor is held: .* should catch up within about .* after the endpoint answers\.$/,
    ));
  test("lost: how many and since when", () =>
    assert.match(
      risk("All attempts are used up, batches are dropped"),
      /^Data is lost: 2,000 samples dropped since 2026-11-23T14:01:01Z\./,
    ));
});

describe("docs/troubleshooting.md", () => {
  test("is what outflow says", () => {
    const file = join(import.meta.dirname, "../../docs/troubleshooting.md");
    const page = `# Troubleshooting

\`outflow status\` shows which sinks are not ready; \`outflow status --explain POLICY/SINK\` shows why, in the same words as the screen
(\`w\`), the log and the conditions in the policy's status. Below is its output in each situation, with example times. This
page is generated from the code.

## outflow status

    outflow status                          one line for each sink, worst first; how many are ready, and each cause once
    outflow status edge/cloud               only this sink; a policy's name alone: all of its sinks
    outflow status --not-ready --sort lag   only sinks that are not ready; by worst, name, lag, rate or dropped
    outflow status --explain [edge/cloud]   why sinks are not ready (each cause once), or the state of this sink
    outflow status -o wide                  phase, samples per second, account, generation, endpoint
    outflow status -o yaml                  an ExportPolicyList with status, valid for outflow check (json too)
    outflow status --watch                  updated in place on a terminal; in a pipe, each change
    outflow status --wait --timeout 2m      waits until data arrives at all of them, and first for the agent; shows what it waits for

It queries the agent at \`--url\` (default http://127.0.0.1:9469; \`--token-file\` if the agent requires a token). Exit code: 0 all ready,
1 not all, 2 the agent cannot be reached or no policy or sink has that name. A sink whose queries select nothing is ready, as **Idle**; \`--wait\` waits
for its first batch too, and exits with 1 after \`--timeout\`. The fields of the YAML and JSON are in
[admin-api.md](admin-api.md#the-status-document).

**Ready** means that data is arriving. It turns False at the second failed attempt in a row, at once when a request is refused permanently
(wrong password, wrong path) or a query fails, and when data is older than \`--ready-lag\` and this does not improve; it turns True when a
batch is accepted again. A sink that fails every other request stays ready. One whose condition changes six times within five minutes is
**Flapping**, which is not ready, until nothing has changed for two minutes. A sink that is catching up is ready, as
**CatchingUp**, while its lag shrinks. After a restart the last condition stays, with its time, until there is a new one.
**Accepted** is False while the sink's configuration cannot work: nothing is read or sent then.

**Lag** is the age of the newest data that has arrived, from the first read on. A cursor that moves only because everything was dropped
does not reduce it.

${all()
  .map(([title, story]) => {
    const { headline, parts } = explained(story);
    return `## ${title}\n\n    ${headline}\n\n${parts.map(({ label, text }) => `- **${label}**: ${escaped(text)}`).join("\n")}\n`;
  })
  .join("\n")}
## Phases

The phase is what a sink is doing. Rows are triggers, columns are phases, and a cell is the phase that follows; in an
empty cell the phase stays.

${phaseTable()}
`;
    if (process.env.UPDATE_DOCS === "1") writeFileSync(file, page);
    assert.equal(readFileSync(file, "utf8"), page, "run UPDATE_DOCS=1 npm test -- test/status/explanations.test.ts");
  });
});

const escaped = (text: string): string => text.replace(/[<>|*_]/g, (c) => `\\${c}`);
