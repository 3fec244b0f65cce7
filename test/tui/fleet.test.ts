// The fleet on the screen: who is in which row, worst first; what fits in the header; keys and commands.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { glyphsFor } from "../../tui/drawing/glyphs.ts";
import { lineWidth, plainText } from "../../tui/drawing/line.ts";
import { shares } from "../../tui/fleet/fleet-header.ts";
import { fleetRows, lastHandOver, NOBODY, notReady, ranges } from "../../tui/fleet/fleet-rows.ts";
import { parsed } from "../../tui/input/command.ts";
import { intentOf } from "../../tui/input/keys.ts";
import { uiReduce } from "../../tui/input/ui-reduce.ts";
import { initialUi, type UiState } from "../../tui/input/ui-state.ts";
import type { Scene } from "../../tui/screens/scene.ts";
import { fleet, fleetInTrouble, frame, readable, threeReady, UTF8 } from "./frames.tsx";

describe("rows", () => {
  test("worst first: no owner, a silent holder, this agent fenced, leaving; with what each owns", () => {
    const rows = fleetRows(fleetInTrouble().snapshot, "");
    assert.deepEqual(
      rows.map((r) => [r.state, r.key, r.shards.length + r.missing.length, r.sinks.length]),
      [
        ["unowned", NOBODY, 27, 0],
        ["gone", "edge-3-b7756a10", 15, 4],
        ["fenced", "edge-1-9f3a77b1", 0, 3],
        ["leaving", "edge-2-0c41d2e8", 22, 5],
      ],
    );
    assert.equal(lastHandOver(rows[0]!), fleet().now - 42_000, "shards that were taken and lost again");
    assert.equal(lastHandOver(rows[2]!), undefined);
  });
  test("all is well: this agent first; its own sinks are its, others' come from the register, not ready first", () => {
    const rows = fleetRows(fleet().snapshot, "");
    assert.deepEqual(
      rows.map((r) => [r.state, notReady(r)]),
      [
        ["self", 1],
        ["member", 1],
        ["member", 0],
      ],
    );
    assert.equal(rows[1]?.sinks[0]?.id, "default/region-4/warehouse");
    assert.deepEqual(
      rows.map((r) => r.shards.length).reduce((a, b) => a + b),
      64,
    );
  });
  test("a filter is for name and state, and may be inverted", () => {
    const { snapshot } = fleetInTrouble();
    assert.deepEqual(
      fleetRows(snapshot, "leaving").map((r) => r.key),
      ["edge-2-0c41d2e8"],
    );
    assert.equal(fleetRows(snapshot, "!edge").length, 1);
  });
  test("ranges say each number once, whatever their order", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(70)), (numbers) => {
        const said = ranges(numbers, "-")
          .split(", ")
          .filter((t) => t !== "")
          .flatMap((part) => {
            const [from, to = from] = part.split("-").map(Number);
            return Array.from({ length: (to ?? 0) - (from ?? 0) + 1 }, (_, i) => (from ?? 0) + i);
          });
        assert.deepEqual(
          said,
          numbers.toSorted((a, b) => a - b),
        );
      }),
    );
  });
});

describe("header", () => {
  const scene = (story = fleet()): Scene => ({
    ...{ snapshot: story.snapshot, ui: initialUi, now: story.now, columns: 200, rows: 50 },
    ...{ glyphs: glyphsFor(UTF8), acts: true },
  });
  test("as much as fits, whole words or none", () => {
    const at = (room: number) => plainText({ segments: shares(scene(), room) }).trim();
    assert.equal(at(90), "● fleet 3 members, 24 of 64 shards, 1 sink elsewhere not ready  ● Kubernetes");
    assert.equal(at(50), "● fleet 3 members, 1 elsewhere not ready");
    assert.equal(at(33), "● fleet 3 members  ● Kubernetes");
    assert.equal(at(10), "");
    for (let room = 0; room < 100; room++) assert.ok(lineWidth({ segments: shares(scene(), room) }) <= room);
  });
  test("what is wrong has lines of its own", () => {
    const text = readable(frame(fleetInTrouble(), 140, 40));
    assert.match(text, /^✗ fleet {2}this agent may not export: etcd at \S+ does not respond: connection refused/m);
    assert.match(text, /^\? fleet {2}the policies of edge-2 differ from this agent's/m);
    assert.doesNotMatch(readable(frame(fleet(), 140, 40)), /^[✗?] fleet/m);
  });
  test("the register is away, this agent may still export: it says for how long", () => {
    const text = readable(frame(fleet({ problem: "etcd does not respond" }), 140, 40));
    assert.match(text, /^\? fleet {2}etcd does not respond; exporting continues for 11s/m);
  });
});

describe("keys and commands", () => {
  const { snapshot, now } = fleet();
  const press = (ui: UiState, ...keys: string[]): UiState =>
    keys.reduce((at, key) => {
      const intent = intentOf(key, at);
      return intent === undefined ? at : uiReduce(at, intent, snapshot, now, 10);
    }, ui);
  test("6 and :fleet open it, the arrows select a member, enter opens it, esc goes back", () => {
    assert.equal(press(initialUi, "6").screen, "fleet");
    assert.deepEqual(parsed("fleet", snapshot, now).intent, { type: "screen", to: "fleet" });
    const second = press(initialUi, "6", "down");
    assert.equal(second.selectedMember, "edge-2-0c41d2e8");
    assert.equal(press(second, "up").selectedMember, undefined, "the first, whichever it is");
    const open = press(second, "enter");
    assert.equal(open.panel, "member");
    assert.equal(press(open, "escape").panel, undefined);
    assert.equal(press(open, "escape", "escape").screen, "sinks");
  });
  test("tab comes by where there is a fleet, and not where there is none", () => {
    assert.equal(press(initialUi, "shift-tab").screen, "fleet");
    const alone = threeReady().snapshot;
    assert.equal(uiReduce(initialUi, { type: "next-screen", by: -1 }, alone, now, 10).screen, "events");
    const opened = uiReduce({ ...initialUi, screen: "fleet" }, { type: "open" }, alone, now, 10);
    assert.equal(opened.panel, undefined);
  });
  test("actions and why are off there: no sink is selected", () => {
    const ui = press(initialUi, "6");
    assert.equal(press(ui, "p").asking, undefined);
    assert.equal(press(ui, "w").panel, undefined);
  });
});
