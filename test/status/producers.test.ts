// Nothing is declared that nobody produces: every event, reason and phase of the status has a place in src/ or tui/ that makes it. A
// state that is only ever reached in tests is a promise to users that is not kept.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, test } from "node:test";
import { dropReasons, failureReasons, notAcceptedReasons, readFailureReasons } from "../../src/status/events.ts";
import { nextPhase, phaseNames, triggers } from "../../src/status/phases.ts";

const root = resolve(import.meta.dirname, "../..");
const text = (file: string) => readFileSync(join(root, file), "utf8");
/** Code without comments: a name in a comment produces nothing. */
const code = (file: string) =>
  text(file)
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|\s)\/\/.*$/gm, "");
const files = globSync("src/**/*.ts", { cwd: root });
/** Rooms that make events; the rooms that read them are src/status, src/admin and the screen. */
const producers = files.filter((file) => !/^src\/(status|admin)\//.test(file)).map(code);
const produced = (pattern: RegExp): boolean => producers.some((source) => pattern.test(source));
const status = (file: string) => code(`src/status/${file}`);

const events = [...text("src/status/events.ts").matchAll(/\btype: "([a-z-]+)"/g)].map(([, type]) => type!);

describe("has a producer in src/", () => {
  test("the lists were found", () => {
    assert.ok(events.length >= 25, `${events.length} events`);
    assert.equal(new Set(events).size, events.length);
    assert.ok(!produced(/type: "behind"/), "the check sees what is missing");
  });
  for (const type of events)
    test(`event ${type}`, () => assert.ok(produced(new RegExp(`\\btype: "${type}"`)), `nobody dispatches ${type}`));
  for (const reason of [...notAcceptedReasons, ...failureReasons, ...readFailureReasons, ...dropReasons])
    test(`reason ${reason}`, () =>
      assert.ok(
        produced(new RegExp(`(["'\`])${reason}\\1|\\b${reason}:|\\b${reason} =`)) ||
          (reason === "SamplesRejected" && /"SamplesRejected"/.test(status("attempts/attempts.ts"))),
        `nobody gives ${reason} as a reason`,
      ));
});

describe("reasons and phases that the status itself makes", () => {
  const design = text("docs/design.md");
  const table = design.slice(design.indexOf("| on | type |"), design.indexOf("## Rooms"));
  const documented = new Set([...table.matchAll(/`([A-Z][A-Za-z]+)`/g)].map(([, name]) => name!));
  const given = new Set<string>([...notAcceptedReasons, ...failureReasons, ...readFailureReasons]);
  const made = [...status("conditions.ts").matchAll(/\b(?:yes|no)\(\s*"([A-Za-z]+)"|reason: "([A-Za-z]+)"/g)].map(
    ([, a, b]) => (a ?? b)!,
  );
  test("every reason of docs/design.md is made, and every reason that is made is there", () => {
    const all = new Set([...given, ...made, "Accepted", "Ready"]);
    assert.deepEqual(
      [...documented].filter((name) => !all.has(name)),
      [],
    );
    assert.deepEqual(
      [...all].filter((name) => !documented.has(name)),
      [],
    );
  });
  const used = new Set(
    ["sink.ts", "attempts/attempts.ts", "progress.ts"].flatMap((file) =>
      // the second argument of move(): before the time
      [...status(file).matchAll(/"([a-z-]+)"(?=,\s*(?:event\.)?(?:at|now)\b|\s*:\s*")/g)].map(
        ([, trigger]) => trigger!,
      ),
    ),
  );
  for (const trigger of triggers)
    test(`trigger ${trigger} is pulled`, () => assert.ok(used.has(trigger), `no event leads to ${trigger}`));
  test("every phase is reached from the first by triggers", () => {
    const reached = new Set(["starting"] as (typeof phaseNames)[number][]);
    for (const from of reached) for (const trigger of triggers) reached.add(nextPhase(from, trigger));
    assert.deepEqual(
      phaseNames.filter((name) => !reached.has(name)),
      [],
    );
  });
});
