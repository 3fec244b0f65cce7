// The transition table: all phases, all triggers; and all events on sinks in all phases.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nextPhase, phaseNames, phaseTable, type Trigger, triggers } from "../../src/status/phases.ts";
import { sinkOf } from "../../src/status/sinks.ts";
import type { PhaseName } from "../../src/status/snapshot.ts";
import { rejected, Story, serverError, sinkInfo } from "./scenes.ts";

const ID = "default/p/s";
const working: readonly PhaseName[] = ["starting", "flowing", "idle", "backing-off", "holding", "catching-up"];

describe("the table", () => {
  test("is read by its columns: each cell is the phase that its trigger leads to", () => {
    const [head, , ...rows] = phaseTable()
      .split("\n")
      .map((line) => line.slice(2, -2).split(" | "));
    assert.deepEqual(head, ["", ...phaseNames]);
    assert.deepEqual(
      rows.map(([trigger]) => trigger),
      triggers.map((trigger) => `\`${trigger}\``),
    );
    for (const [trigger = "", ...cells] of rows) {
      assert.equal(cells.length, phaseNames.length, trigger);
      cells.forEach((cell, i) => {
        const from = phaseNames[i]!;
        const to = nextPhase(from, trigger.slice(1, -1) as Trigger);
        assert.equal(to, cell === "" ? from : cell, `${trigger} in ${from}`);
      });
    }
  });
  test("a trigger that names a phase leads there from wherever it leads anywhere", () => {
    for (const trigger of ["refused", "paused", "draining", "stopped", "backing-off", "holding"] as const)
      for (const from of phaseNames)
        assert.ok([trigger, from].includes(nextPhase(from, trigger)), `${trigger} in ${from}`);
    for (const [trigger, to] of [
      ["behind", "catching-up"],
      ["delivered-behind", "catching-up"],
      ["quiet", "idle"],
      ["started", "starting"],
      ["resumed", "starting"],
      ["crashed", "starting"],
      ["answered", "flowing"],
      ["delivered", "flowing"],
      ["caught-up", "flowing"],
      ["samples-read", "flowing"],
    ] as const)
      for (const from of phaseNames) assert.ok([to, from].includes(nextPhase(from, trigger)), `${trigger} in ${from}`);
  });
  test("only a start leaves refused and stopped (a stopped sink can also turn out refused)", () => {
    for (const trigger of triggers) {
      const leaves = trigger === "started" ? "starting" : undefined;
      assert.equal(nextPhase("refused", trigger), leaves ?? "refused");
      assert.equal(nextPhase("stopped", trigger), leaves ?? (trigger === "refused" ? "refused" : "stopped"));
    }
  });
  test("a paused sink stays paused whatever its last requests bring", () => {
    const leave = triggers.filter((t) => nextPhase("paused", t) !== "paused");
    assert.deepEqual(leave, ["refused", "resumed", "draining", "stopped"]);
  });
  test("a draining sink stays so until it stops", () => {
    const leave = triggers.filter((t) => nextPhase("draining", t) !== "draining");
    assert.deepEqual(leave, ["started", "refused", "stopped"]);
  });
  test("an end is obeyed in every phase", () => {
    for (const from of phaseNames) {
      assert.equal(nextPhase(from, "refused"), "refused", from);
      assert.equal(nextPhase(from, "stopped"), from === "refused" ? "refused" : "stopped", from);
      assert.equal(nextPhase(from, "draining"), from === "refused" || from === "stopped" ? from : "draining", from);
    }
  });
  test("a working sink is paused, and starts again after a crash", () => {
    for (const from of working) {
      assert.equal(nextPhase(from, "paused"), "paused", from);
      assert.equal(nextPhase(from, "crashed"), "starting", from);
    }
    for (const from of phaseNames) {
      const ended = from === "refused" || from === "draining" || from === "stopped";
      assert.equal(nextPhase(from, "resumed"), from === "paused" ? "starting" : from, from);
      assert.equal(nextPhase(from, "started"), ended ? "starting" : from, from);
      if (ended || from === "paused") assert.equal(nextPhase(from, "crashed"), from, from);
      if (ended) assert.equal(nextPhase(from, "paused"), from, from);
    }
  });
  test("what data says about a working sink: from where to where, and from nowhere else", () => {
    const moves: Partial<Record<Trigger, [from: PhaseName[], to: PhaseName]>> = {
      "samples-read": [["idle"], "flowing"],
      quiet: [["starting", "flowing"], "idle"],
      delivered: [["starting", "idle", "backing-off", "holding"], "flowing"],
      answered: [["backing-off", "holding"], "flowing"],
      behind: [["flowing", "idle"], "catching-up"],
      "caught-up": [["catching-up"], "flowing"],
    };
    for (const [trigger, [froms, to]] of Object.entries(moves))
      for (const from of phaseNames)
        assert.equal(nextPhase(from, trigger as Trigger), froms.includes(from) ? to : from, `${trigger} in ${from}`);
  });
  test("from every working phase a failure leads to backing-off, a refusal to holding, a delivery out of both", () => {
    for (const from of working) {
      assert.equal(nextPhase(from, "backing-off"), "backing-off");
      assert.equal(nextPhase(from, "holding"), "holding");
      assert.ok(["flowing", "catching-up"].includes(nextPhase(from, "delivered")));
      assert.equal(nextPhase(from, "delivered-behind"), "catching-up");
    }
  });
});

const ways: Record<PhaseName, (story: Story) => Story> = {
  starting: (s) => s,
  flowing: (s) => s.delivers(ID, 10),
  idle: (s) => s.read(ID, 0).wait(1_000),
  "backing-off": (s) => s.read(ID, 1_000).fails(ID, 1, 5_000),
  holding: (s) => s.read(ID, 1_000).holds(ID, 60_000),
  "catching-up": (s) => s.delivers(ID, 10).behind(ID, 600_000),
  paused: (s) => s.event({ type: "sink-paused", id: ID }),
  refused: (s) => s.event({ type: "sink-refused", sink: sinkInfo(ID), reason: "InvalidEndpoint", message: "No." }),
  draining: (s) => s.event({ type: "sink-draining", id: ID, why: "shutdown" }),
  stopped: (s) => s.event({ type: "sink-stopped", id: ID }),
};

const events: Record<string, (story: Story) => Story> = {
  "sink-started": (s) => s.event({ type: "sink-started", sink: sinkInfo(ID) }),
  "sink-refused": ways.refused,
  "sink-draining": ways.draining,
  "sink-stopped": ways.stopped,
  "sink-paused": ways.paused,
  "sink-resumed": (s) => s.event({ type: "sink-resumed", id: ID }),
  "sink-crashed": (s) => s.event({ type: "sink-crashed", id: ID, message: "x is undefined", restartAt: s.now + 1_000 }),
  "window-read": (s) => s.read(ID, 10),
  "read-failed": (s) =>
    s.event({ type: "read-failed", id: ID, source: "metrics", reason: "QueryFailed", message: "Bad." }),
  "attempt-broken-off": (s) => s.event({ type: "attempt-broken-off", id: ID, inFlight: 0 }),
  delivered: (s) => s.delivers(ID, 10),
  "backing-off": ways["backing-off"],
  holding: ways.holding,
  refusal: (s) => s.read(ID, 10).ended(ID, 1, 10, { kind: "failed", ...rejected }),
  behind: (s) => s.settled(ID, 600_000),
  "caught up": (s) => s.settled(ID, 0),
  evidence: (s) => s.event({ type: "evidence", id: ID, reason: "TLSFailure", text: "A certificate." }),
  "series-rejected": (s) => s.event({ type: "series-rejected", id: ID, series: "{}", samples: 1, message: "No." }),
  late: (s) => s.event({ type: "late", id: ID, source: "metrics", from: 0, to: 1, samples: 1, remedy: "replay" }),
  skipped: (s) => s.event({ type: "skipped", id: ID, source: "metrics", from: 0, to: 1, why: "old" }),
  dropped: (s) => s.read(ID, 5).drops(ID, "rejected", 5, "No."),
  returned: (s) => s.read(ID, 5).event({ type: "returned", id: ID, samples: 5 }),
  "cursor-moved": (s) => s.settled(ID),
  tick: (s) => s.wait(1_000),
};

const phaseOf = (story: Story) => sinkOf(story.snapshot, ID)?.phase;
const start = () => new Story([sinkInfo(ID)]).wait(1_000);

describe("all events in all phases", () => {
  for (const name of phaseNames) {
    test(`${name} is reached, and every event leads to a phase with its data`, () => {
      assert.equal(phaseOf(ways[name](start()))?.name, name);
      for (const [event, happen] of Object.entries(events)) {
        const phase = phaseOf(happen(ways[name](start())));
        assert.ok(phase !== undefined && phaseNames.includes(phase.name), `${event} in ${name}`);
        assert.deepEqual(JSON.parse(JSON.stringify(phase)), phase, `${event} in ${name}`);
      }
    });
  }
});

test("a batch that is refused while the sink backs off ends the backing off: nothing waits any more", () => {
  const story = start().read(ID, 2_000).fails(ID, 1, 5_000, serverError);
  story.ended(ID, 2, 1_000, { kind: "failed", ...rejected });
  assert.equal(phaseOf(story)?.name, "flowing");
});

test("a sink that catches up continues catching up after a failure", () => {
  const story = ways["catching-up"](start());
  story.settled(ID, 600_000).read(ID, 1_000).fails(ID, 1, 5_000);
  story.ended(ID, 2, 1_000, { kind: "delivered", status: 204 });
  assert.deepEqual(phaseOf(story), { name: "catching-up", since: story.now, behindMs: 600_000 });
});
