// Golden frames: what the screen looks like, as text. UPDATE_GOLDEN=1 writes them again; look at each with a critical eye.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { Link } from "../../src/status/link.ts";
import { widthOf } from "../../tui/drawing/width.ts";
import { askFor } from "../../tui/input/ask.ts";
import type { UiState } from "../../tui/input/ui-state.ts";
import type { Shown } from "../../tui/screens/view.ts";
import type { Story } from "../status/scenes.ts";
import {
  busy,
  crowd,
  EDGE,
  empty,
  fleet,
  fleetInTrouble,
  frame,
  hardNames,
  manyPolicies,
  oneFails,
  palettes,
  phases,
  readable,
  threeReady,
} from "./frames.tsx";

const DIR = new URL("golden/", import.meta.url).pathname;
const SIZES = [
  [60, 20],
  [80, 24],
  [100, 30],
  [120, 40],
  [160, 40],
  [200, 50],
  [300, 100],
] as const;

const compared = new Set<string>();

function golden(name: string, text: string): void {
  compared.add(`${name}.txt`);
  const file = `${DIR}${name}.txt`;
  if (process.env.UPDATE_GOLDEN === "1") {
    mkdirSync(DIR, { recursive: true });
    writeFileSync(file, text);
  }
  assert.ok(existsSync(file), `${file} is missing: run with UPDATE_GOLDEN=1 and look at it`);
  assert.equal(text, readFileSync(file, "utf8"), name);
}

/** No frame may be wider or higher than it is allowed to. */
function fits(text: string, columns: number, rows: number): void {
  const lines = text.split("\n").slice(0, -1);
  assert.ok(lines.length <= rows - 1, `${lines.length} lines in ${rows} rows`);
  for (const l of lines) assert.ok(widthOf(l) <= columns, `${widthOf(l)} of ${columns} columns: ${l}`);
}

const detail: Partial<UiState> = { screen: "detail", selected: EDGE };
const others: Partial<UiState>[] = (["sources", "events", "policies", "fleet"] as const).map((screen) => ({ screen }));
const thousand = crowd(1000);

function ask(story: Story, action: "pause-or-resume" | "retry"): NonNullable<UiState["asking"]> {
  const asked = askFor(action, [EDGE], story.snapshot, story.now)?.ask;
  assert.ok(asked);
  return asked;
}

const lost = ({ now }: Story): Link => ({
  url: "http://127.0.0.1:9469",
  state: "lost",
  since: now - 12_000,
  why: "connection refused (ECONNREFUSED)",
  retryAt: now + 2_000,
});

const scenes: Record<string, () => { story: Story; ui?: Partial<UiState>; more?: Partial<Shown> }> = {
  "sinks-0": () => ({ story: empty() }),
  "sinks-3": () => ({ story: threeReady() }),
  "sinks-3-one-fails": () => ({ story: oneFails() }),
  "sinks-1000": () => ({ story: thousand }),
  detail: () => ({ story: oneFails(), ui: detail }),
  "detail-hour": () => ({ story: busy(), ui: { ...detail, range: "hour" } }),
  why: () => ({ story: oneFails(), ui: { selected: EDGE, panel: "why" } }),
  yaml: () => ({ story: oneFails(), ui: { selected: EDGE, panel: "yaml" } }),
  help: () => ({ story: threeReady(), ui: { panel: "help" } }),
  "ask-pause": () => ({ story: threeReady(), ui: { asking: ask(threeReady(), "pause-or-resume") } }),
  "ask-retry": () => ({ story: oneFails(), ui: { selected: EDGE, asking: ask(oneFails(), "retry") } }),
  "lost-connection": () => ({ story: oneFails(), more: { link: lost(oneFails()) } }),
  events: () => ({ story: oneFails(), ui: { screen: "events" } }),
  sources: () => ({ story: oneFails(), ui: { screen: "sources" } }),
  policies: () => ({ story: manyPolicies(), ui: { screen: "policies" } }),
  fleet: () => ({ story: fleet(), ui: { screen: "fleet" } }),
  "fleet-trouble": () => ({ story: fleetInTrouble(), ui: { screen: "fleet" } }),
  "fleet-none": () => ({ story: threeReady(), ui: { screen: "fleet" } }),
  "fleet-member": () => ({
    story: fleet(),
    ui: { screen: "fleet", panel: "member", selectedMember: "edge-2-0c41d2e8" },
  }),
  "fleet-home": () => ({ story: fleet() }),
  "fleet-home-trouble": () => ({ story: fleetInTrouble() }),
  "hard-names": () => ({ story: hardNames() }),
};

describe("frames in every size", () => {
  for (const [name, make] of Object.entries(scenes)) {
    for (const [columns, rows] of SIZES) {
      test(`${name} ${columns}x${rows}`, () => {
        const { story, ui, more } = make();
        const text = readable(frame(story, columns, rows, ui, undefined, undefined, more));
        fits(text, columns, rows);
        golden(`${name}-${columns}x${rows}`, text);
      });
    }
  }
});

describe("each phase", () => {
  for (const [name, story] of Object.entries(phases())) {
    test(`${name}: row and detail`, () => {
      const row = readable(frame(story, 160, 14));
      const whole = readable(frame(story, 100, 52, detail));
      fits(row, 160, 14);
      fits(whole, 100, 52);
      golden(`phase-${name}`, `${row}${"~".repeat(100)}\n${whole}`);
    });
  }
});

describe("colour", () => {
  for (const [theme, palette] of Object.entries(palettes)) {
    for (const [columns, rows] of SIZES) {
      test(`${theme} ${columns}x${rows}, as codes`, () => {
        const text = frame(oneFails(), columns, rows, {}, undefined, palette);
        golden(`${theme}-${columns}x${rows}`, visible(text));
      });
      test(`${theme} ${columns}x${rows}, the fleet`, () => {
        const text = frame(fleetInTrouble(), columns, rows, { screen: "fleet" }, undefined, palette);
        golden(`${theme}-fleet-${columns}x${rows}`, visible(text));
      });
    }
  }
  test("NO_COLOR: marks and words carry the meaning, no colour code", () => {
    const text = frame(oneFails(), 100, 30, {}, undefined, palettes.none);
    assert.doesNotMatch(text, /\x1b\[[0-9;]*(3[0-8]|9[0-7]|4[0-8])m/);
    assert.match(text, /\x1b\[[0-9;]*7m/, "the selection is inverse");
    assert.match(text, /✗[\s\S]*ServerError/);
  });
  test("severity keeps its colour under the selection, in every theme that has colours", () => {
    for (const palette of [palettes.dark, palettes.light, palettes.contrast]) {
      const row = frame(oneFails(), 100, 30, {}, undefined, palette)
        .split("\n")
        .find((l) => l.includes("› "));
      assert.ok(row);
      assert.ok(row.includes(`\x1b[${palette.styles.bad};${palette.selection}mServerError`), visible(row));
    }
  });
  test("a light background takes darker warnings and accents", () => {
    const text = frame(oneFails(), 100, 30, {}, undefined, palettes.light);
    assert.doesNotMatch(text, /\x1b\[(33|36)m/);
    assert.match(text, /\x1b\[34m/);
  });
  test("ASCII: no other character", () => {
    for (const ui of [{}, detail, { panel: "help" as const }, { screen: "events" as const }]) {
      const text = readable(frame(oneFails(), 100, 30, ui, { LANG: "C" }));
      assert.match(text, /^[\x20-\x7e\n]*$/);
    }
    golden("ascii", readable(frame(oneFails(), 100, 20, {}, { LANG: "C" })));
  });
  test("privacy: no address, no query", () => {
    for (const story of [threeReady(), oneFails(), ...Object.values(phases()), manyPolicies()]) {
      for (const ui of [{}, detail, ...others]) {
        const text = frame(story, 200, 50, { ...ui, privacy: true });
        assert.doesNotMatch(text, /127\.0\.0\.1|example\.com|"node"/);
        assert.match(frame(story, 200, 50, ui), /127\.0\.0\.1/, "it would be seen without");
      }
    }
  });
});

describe("any size", () => {
  const stories = [empty(), oneFails(), crowd(60), hardNames(), fleetInTrouble()];
  const uis: Partial<UiState>[] = [
    {},
    detail,
    { panel: "help" as const },
    { screen: "events" },
    { screen: "sources" },
    { screen: "policies" },
    { screen: "fleet" },
    { screen: "fleet", panel: "member" },
    { typing: "filter", filters: { sinks: "x".repeat(80) } },
    { panel: "why", selected: EDGE },
    { panel: "yaml", selected: EDGE },
  ];
  for (let columns = 20; columns <= 300; columns += 23) {
    test(`${columns} columns wide: nothing too wide, nothing too high`, () => {
      for (const rows of [3, 12, 13, 19, 47, 100]) {
        for (const story of stories)
          for (const ui of uis) fits(readable(frame(story, columns, rows, ui)), columns, rows);
      }
    });
  }
});

test("every golden frame belongs to a scene", () => {
  assert.deepEqual(
    readdirSync(DIR).filter((f) => !compared.has(f)),
    [],
  );
});

/** Escape codes as text that a diff can show. */
const visible = (text: string): string => `${text.replace(/\x1b/g, "␛")}\n`;
