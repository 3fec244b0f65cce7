// docs/tui.md shows what the screens show and what the key table says; docs/screens/*.svg are the same frames as pictures.
// UPDATE_DOCS=1 writes all of them again.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { glyphsFor } from "../../tui/drawing/glyphs.ts";
import { type Line, plainText } from "../../tui/drawing/line.ts";
import { bindings, groups } from "../../tui/input/keys.ts";
import { initialUi, type UiState } from "../../tui/input/ui-state.ts";
import { view } from "../../tui/screens/view.ts";
import type { Story } from "../status/scenes.ts";
import { busy, crowd, EDGE, fleet, manyPolicies, oneFails, threeReady, UTF8 } from "./frames.tsx";
import { svg } from "./svg.ts";

const docs = new URL("../../docs/", import.meta.url).pathname;
const COLUMNS = 100;

type Shot = {
  title: string;
  story: () => Story;
  ui?: Partial<UiState>;
  rows: number;
  columns?: number;
  /** Also as text in the page. */
  text?: boolean;
};

const screens: Record<string, Shot> = {
  sinks: { title: "outflow: the sinks, worst first", story: oneFails, rows: 14 },
  why: { title: "outflow: why a sink is not ready", story: oneFails, ui: { selected: EDGE, panel: "why" }, rows: 26 },
  detail: {
    title: "outflow: one sink with its charts",
    story: busy,
    ui: { screen: "detail", selected: EDGE, range: "hour" },
    rows: 46,
  },
  sources: { title: "outflow: sources", story: oneFails, ui: { screen: "sources" }, rows: 16 },
  policies: { title: "outflow: policies and problems", story: manyPolicies, ui: { screen: "policies" }, rows: 24 },
  wide: { title: "outflow: 200 sinks with panes", story: () => crowd(200), rows: 44, columns: 180, text: false },
  causes: {
    title: "outflow: 200 sinks, grouped by cause",
    story: () => crowd(200),
    ui: { group: "cause" },
    rows: 40,
    columns: 120,
    text: false,
  },
  travel: {
    title: "outflow: a moment that is over",
    story: oneFails,
    ui: { frozen: moment() },
    rows: 30,
    columns: 120,
    text: false,
  },
  events: { title: "outflow: events", story: oneFails, ui: { screen: "events" }, rows: 28 },
  fleet: { title: "outflow: the fleet", story: fleet, ui: { screen: "fleet" }, rows: 28 },
};

/** A minute before the end of the story with the outage. */
function moment(): NonNullable<UiState["frozen"]> {
  const { snapshot, now } = oneFails();
  const then = threeReady();
  return { snapshot: then.snapshot, at: then.now, recorded: { from: snapshot.startedAt, to: now } };
}

function lines({ story, ui = {}, rows, columns = COLUMNS }: Shot): Line[] {
  const { snapshot, now } = story();
  const shown = { ...initialUi, ...ui };
  return view({ snapshot, ui: shown, now, columns, rows, glyphs: glyphsFor(UTF8), acts: true });
}

const text = (frame: readonly Line[]): string => frame.map((l) => plainText(l).trimEnd()).join("\n");

const keyTable = (): string =>
  groups
    .map((group) => {
      const rows = bindings
        .filter((b) => b.group === group)
        .map(
          (b) =>
            `| ${b.shown
              .split(" ")
              .map((k) => `\`${k}\``)
              .join(" ")} | ${b.does} | ${b.on?.join(", ") ?? ""} |`,
        );
      return `| ${group} | | on |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
    })
    .join("\n");

/** The page with each `<!-- name -->…<!-- /name -->` filled in. */
function filled(page: string): string {
  const parts: Record<string, string> = { keys: keyTable() };
  for (const [name, screen] of Object.entries(screens).filter(([, s]) => s.text !== false))
    parts[name] = `\`\`\`text\n${text(lines(screen))}\n\`\`\`\n`;
  return Object.entries(parts).reduce((all, [name, part]) => {
    const [open, close] = [`<!-- ${name} -->\n`, `<!-- /${name} -->`];
    const [from, to] = [all.indexOf(open), all.indexOf(close)];
    assert.ok(from >= 0 && to > from, `docs/tui.md has no place for ${name}`);
    return all.slice(0, from + open.length) + part + all.slice(to);
  }, page);
}

function same(file: string, wanted: string): void {
  if (process.env.UPDATE_DOCS === "1") writeFileSync(file, wanted);
  assert.ok(existsSync(file), `${file} is missing: UPDATE_DOCS=1 npm test -- test/tui/docs.test.ts`);
  assert.equal(readFileSync(file, "utf8"), wanted, "UPDATE_DOCS=1 npm test -- test/tui/docs.test.ts");
}

test("docs/tui.md shows the screens and the key table as they are", () => {
  const file = `${docs}tui.md`;
  same(file, filled(readFileSync(file, "utf8")));
});

for (const [name, screen] of Object.entries(screens)) {
  test(`docs/screens/${name}.svg is the frame`, () =>
    same(`${docs}screens/${name}.svg`, svg(lines(screen), screen.columns ?? COLUMNS, screen.title)));
}
