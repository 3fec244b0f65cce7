// The command line: what each command becomes, what is wrong with the others, and what tab makes of a beginning.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { commands, completion, parsed } from "../../tui/input/command.ts";
import type { Intent } from "../../tui/input/intents.ts";

const now = Date.UTC(2026, 10, 23, 14, 2, 11);
const order = ["default/edge/cloud", "default/edge/archive", "finance/billing/archive", "finance/billing/cloud-2"];
const of = (text: string) => parsed(text, { order }, now);

describe("commands", () => {
  const good: [text: string, intent: Intent][] = [
    ["sinks", { type: "screen", to: "sinks" }],
    ["  policies ", { type: "screen", to: "policies" }],
    ["why edge/cloud", { type: "sink", id: "default/edge/cloud", show: "why" }],
    ["why cloud-2", { type: "sink", id: "finance/billing/cloud-2", show: "why" }],
    ["log billing/archive", { type: "sink", id: "finance/billing/archive", show: "events" }],
    ["sink default/edge/archive", { type: "sink", id: "default/edge/archive", show: "detail" }],
    ["why", { type: "panel", panel: "why" }],
    ["log", { type: "events-of" }],
    ["pause", { type: "ask", action: "pause" }],
    ["resume edge/cloud", { type: "ask", action: "resume", sinks: ["default/edge/cloud"] }],
    ["reload", { type: "ask", action: "reload" }],
    ["filter a.*b c", { type: "filter-is", text: "a.*b c" }],
    ["sort la", { type: "sort", by: "lag" }],
    ["group cause", { type: "group", by: "cause" }],
    ["theme contrast", { type: "theme", name: "contrast" }],
    ["at -5m", { type: "travel", toMs: now - 300_000 }],
    ["at 14:02", { type: "travel", toMs: Date.UTC(2026, 10, 23, 14, 2) }],
    ["at 15:00:00", { type: "travel", toMs: Date.UTC(2026, 10, 22, 15) }],
    ["live", { type: "travel" }],
    ["q", { type: "quit", leaveFrame: false }],
    ["th light", { type: "theme", name: "light" }],
  ];
  for (const [text, intent] of good) test(`:${text}`, () => assert.deepEqual(of(text), { intent }));

  const wrong: [text: string, says: RegExp][] = [
    ["", /"" is not a command/],
    ["s", /"s" is not a command; tab lists them/],
    ["nonsense", /"nonsense" is not a command/],
    ["sinks all", /sinks: this command takes no argument/],
    ["why archive", /why: "archive" matches 2 sinks/],
    ["why warehouse", /why: no sink is named "warehouse"/],
    ["sort colour", /sort: one of: worst, name/],
    ["sort", /sort: one of/],
    ["at noon", /at: a time such as 14:02:11, or -5m/],
    ["at 25:00", /at: a time/],
    ["constructor", /not a command/],
    ["toString", /not a command/],
  ];
  for (const [text, says] of wrong)
    test(`:${text} is said to be wrong`, () => assert.match(of(text).wrong ?? "", says));

  test("every command answers to anything that is typed, with an intent or a sentence", () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(commands)), fc.string({ maxLength: 30 }), (name, rest) => {
        const result = of(`${name} ${rest}`);
        assert.ok((result.intent === undefined) !== (result.wrong === undefined));
      }),
    );
  });
});

describe("tab", () => {
  const line = (text: string) => completion(text, { order }).line;
  const cases: [typed: string, becomes: string][] = [
    ["wh", "why "],
    ["p", "p"],
    ["pa", "pause "],
    ["liv", "live"],
    ["why def", "why default/edge/"],
    ["why default/edge/c", "why default/edge/cloud"],
    ["why cloud-", "why finance/billing/cloud-2"],
    ["sort s", "sort samples/s"],
    ["nonsense x", "nonsense x"],
  ];
  for (const [typed, becomes] of cases) test(`:${typed}`, () => assert.equal(line(typed), becomes));
  test("it never takes away what was typed but to name the only one that is meant", () => {
    fc.assert(
      fc.property(fc.constantFrom("why ", "sort ", ""), fc.stringMatching(/^[a-z/-]{0,10}$/), (command, rest) => {
        const { line: made, candidates } = completion(command + rest, { order });
        assert.ok(candidates.length === 1 || made.startsWith(command + rest), `${command + rest} → ${made}`);
      }),
    );
  });
});
