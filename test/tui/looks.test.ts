// Small rules of how things look: colours, names that are cut, values that are smoothed, the config of the screen.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { smoothed, stretched } from "../../src/status/text/steady.ts";
import { plot } from "../../tui/drawing/charts.ts";
import { colourCode, parseColour } from "../../tui/drawing/colour.ts";
import { glyphsFor } from "../../tui/drawing/glyphs.ts";
import { line, plainText, seg } from "../../tui/drawing/line.ts";
import { scrollBar } from "../../tui/drawing/scroll-bar.ts";
import { nameWidth, shortened } from "../../tui/drawing/shorten.ts";
import { backgroundFrom, depthOf, paint, paletteOf } from "../../tui/drawing/theme.ts";
import { widthOf } from "../../tui/drawing/width.ts";
import { filterProblem, matcher } from "../../tui/input/filter.ts";
import { initialUi } from "../../tui/input/ui-state.ts";
import { parseScreenConfig, withChoices } from "../../tui/screen-config.ts";
import { toggled } from "../../tui/sinks/sink-columns.ts";

describe("colours", () => {
  test("as users write them", () => {
    for (const [text, code] of [
      ["red", "31"],
      ["bright-red", "91"],
      ["9", "91"],
      ["237", "38;5;237"],
      ["#ff0000", "38;2;255;0;0"],
    ] as const) {
      const colour = parseColour(text);
      assert.ok(colour);
      assert.equal(colourCode(colour, "text", "full"), code, text);
    }
    for (const bad of ["", "reddish", "256", "#fff", "-1", "#gggggg"]) assert.equal(parseColour(bad), undefined, bad);
  });
  test("fewer colours take the nearest", () => {
    const red = { rgb: [255, 0, 0] as const };
    assert.equal(colourCode(red, "text", "256"), "38;5;196");
    assert.equal(colourCode(red, "text", "16"), "31");
    assert.equal(colourCode({ index: 250 }, "background", "16"), "47");
  });
  test("the terminal's depth and background, before it was asked", () => {
    assert.equal(depthOf({ NO_COLOR: "1", COLORTERM: "truecolor" }), "none");
    assert.equal(depthOf({ TERM: "dumb" }), "none");
    assert.equal(depthOf({ COLORTERM: "truecolor" }), "full");
    assert.equal(depthOf({ TERM: "xterm-256color" }), "256");
    assert.equal(depthOf({ TERM: "xterm" }), "16");
    assert.equal(backgroundFrom({}), "dark");
    assert.equal(backgroundFrom({ COLORFGBG: "15;0" }), "dark");
    assert.equal(backgroundFrom({ COLORFGBG: "0;default;15" }), "light");
    assert.equal(backgroundFrom({ COLORFGBG: "0;7" }), "light");
  });
  test("colours of the user's own replace those of the theme; NO_COLOR is stronger", () => {
    const colours = { good: { index: 33 }, selection: { index: 24 } };
    const palette = paletteOf("dark", "dark", "256", colours);
    assert.equal(palette.styles.good, "38;5;33");
    assert.equal(palette.selection, "48;5;24");
    assert.equal(paletteOf("dark", "dark", "none", colours).styles.good, "");
  });
  test("text of others is never a command to the terminal", () => {
    const hostile = line(seg("a\x1b[2Jb\x07\x9bc\n", "bad"));
    assert.equal(paint(hostile, paletteOf("auto", "dark", "none")).replace(/\x1b\[\d+m/g, ""), "a?[2Jb??c?");
    assert.equal(plainText(hostile), "a?[2Jb??c?");
  });
});

describe("long names", () => {
  const names = [
    "default/region-north/sink-1",
    "default/region-north/sink-22",
    "default/region-north/sink-333",
    "a/b/c",
  ];
  test("lose what they share", () => {
    assert.equal(shortened(names[0]!, names, 18, "…"), "default/re…/sink-1");
    for (const name of names.slice(0, 3)) {
      const cut = shortened(name, names, 18, "…");
      assert.ok(cut.endsWith(name.slice(name.lastIndexOf("sink"))), cut);
      assert.ok(cut.startsWith("def"), cut);
    }
    assert.equal(shortened("a/b/c", names, 18, "…"), "a/b/c");
  });
  test("never wider than there is room, and different names stay different", () => {
    const label = fc.stringMatching(/^[a-z]{1,12}$/);
    fc.assert(
      fc.property(
        fc.uniqueArray(label, { minLength: 2, maxLength: 8 }),
        fc.integer({ min: 22, max: 60 }),
        (ends, width) => {
          const all = ends.map((end) => `namespace/a-very-long-policy-name-for-everything/${end}`);
          const cut = all.map((name) => shortened(name, all, width, "…"));
          for (const c of cut) assert.ok(widthOf(c) <= width, `${c} in ${width}`);
          assert.equal(new Set(cut).size, all.length, cut.join("  "));
        },
      ),
    );
  });
  test("wide characters are measured", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), fc.integer({ min: 3, max: 30 }), (name, width) => {
        assert.ok(widthOf(shortened(name, [name], width, "…")) <= width);
      }),
    );
  });
  test("one long name does not starve the others", () => {
    const usual = Array.from({ length: 30 }, (_, i) => `ns/policy/sink-${i}`);
    assert.equal(nameWidth([...usual, "x".repeat(200)], 80), "ns/policy/sink-29".length);
    assert.equal(nameWidth(["x".repeat(200)], 40), 40);
  });
});

describe("smoothed over a poll", () => {
  test("a batch every 15 s is a line", () => {
    const comb = Array.from({ length: 60 }, (_, i) => (i % 15 === 3 ? 300 : 0));
    assert.deepEqual(new Set(smoothed(comb, 15)), new Set([20]));
  });
  test("nothing is lost and nothing invented", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(1000), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 60 }),
        (values, window) => {
          const means = smoothed(values, window);
          assert.equal(means.length, values.length);
          const most = Math.max(...values);
          for (const m of means) assert.ok(m >= 0 && m <= most + 1e-9);
        },
      ),
    );
  });
});

describe("charts", () => {
  test("in braille and in blocks: as wide and as high as asked, above the threshold in the colour of trouble", () => {
    const values = [1, 2, 3, 40, 50, 60, 2, 1];
    for (const env of [{ LANG: "C.UTF-8" }, { LANG: "C" }]) {
      const rows = plot(
        [{ values, style: "accent", above: 30 }],
        { width: 16, height: 3, max: 60, fill: true },
        glyphsFor(env),
      );
      assert.equal(rows.length, 3);
      for (const row of rows)
        assert.equal(
          row.reduce((n, s) => n + widthOf(s.text), 0),
          16,
        );
      const top = rows[0] ?? [];
      assert.ok(top.filter((s) => s.text.trim() !== "").every((s) => s.style === "bad"));
      assert.ok((rows[2] ?? []).some((s) => s.style === "accent"));
    }
  });
  test("stretched keeps the largest", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(99), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 120 }),
        (values, width) => {
          assert.equal(Math.max(...stretched(values, width)), Math.max(...values));
        },
      ),
    );
  });
  test("the scroll bar covers the list from end to end", () => {
    const glyphs = glyphsFor({ LANG: "C.UTF-8" });
    const at = (top: number) => scrollBar(200, top, 20, glyphs).map((s) => s.text === glyphs.thumb);
    assert.equal(at(0)[0], true);
    assert.equal(at(180).at(-1), true);
    assert.equal(at(90).filter(Boolean).length, 2);
  });
});

describe("the filter", () => {
  test("one that is not a regular expression is said, and taken as text", () => {
    assert.match(filterProblem("[a") ?? "", /missing closing \]/);
    assert.match(filterProblem("!(x") ?? "", /missing closing \)/);
    assert.equal(filterProblem("a.*b"), undefined);
    assert.equal(matcher("[a")("x[A"), true);
    assert.equal(matcher("![a")("x[A"), false);
  });
  test("^ and $ are the ends of a name, and a pattern may reach from the name to the reason", () => {
    const row = ["default/edge/cloud", "ServerError"] as const;
    for (const filter of ["^default/", "cloud$", "^server", "error$", "cloud server", "!cloud-2$"])
      assert.equal(matcher(filter)(...row), true, filter);
    for (const filter of ["edge$", "^cloud", "!cloud$", "!^server"])
      assert.equal(matcher(filter)(...row), false, filter);
  });
});

describe("screen.yaml", () => {
  test("what is right is used, what is wrong is said with its line", () => {
    const text =
      "theme: dark\nlayout: around\ncolours:\n  good: reddish\n  bad: 1\ncolumns: [state, nonsense, lag]\nsize: 3\n";
    const { config, problems } = parseScreenConfig(text, "screen.yaml");
    assert.equal(config.theme, "dark");
    assert.equal(config.layout, "below");
    assert.deepEqual(config.colours, { bad: { index: 1 } });
    assert.deepEqual(config.columns, ["sink", "state", "lag"]);
    assert.equal(problems.length, 4);
    assert.match(problems[0] ?? "", /^screen\.yaml:2: layout: must be one of below, beside, off/);
    assert.match(problems[1] ?? "", /^screen\.yaml:3: colours: good: "reddish" is not a valid colour/);
    assert.match(problems[2] ?? "", /^screen\.yaml:6: columns: must be a list of state, sink/);
    assert.match(problems[3] ?? "", /^screen\.yaml:7: size: unknown setting; known are theme/);
  });
  test("keys of the user's own: a command each, never those that lead out", () => {
    const text = 'keys:\n  x: pause\n  ctrl-e: "filter edge/"\n  q: why\n  F5: why\n  z: explode\n  y: [1]\n';
    const { config, problems } = parseScreenConfig(text, "f");
    assert.deepEqual(config.keys, { x: "pause", "ctrl-e": "filter edge/" });
    assert.match(
      problems.join(),
      /^f:1: keys: q keeps its meaning; F5 is not a key; .*; z: "explode" is not a command.*; y: "1" is not a command/,
    );
    assert.equal(parseScreenConfig("keys: [x]", "f").problems.length, 1);
  });
  test("anything at all gives a config or a problem, and never throws", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        const { config } = parseScreenConfig(text, "f");
        assert.ok(["auto", "dark", "light", "contrast"].includes(config.theme));
      }),
    );
    for (const text of ["[1]", "x", "a: [", "columns: {}", "colours: 3"])
      assert.ok(parseScreenConfig(text, "f").problems.length > 0, text);
  });
  test("choices are written beside what is there, comments stay, usual ones go", () => {
    const text = "# mine\ntheme: light\nmouse: false # no\n";
    const kept = withChoices(text, { ...initialUi, theme: "auto", layout: "beside", columns: ["sink", "lag"] });
    assert.match(kept, /# mine/);
    assert.match(kept, /mouse: false # no/);
    const { config, problems } = parseScreenConfig(kept, "f");
    assert.deepEqual(problems, []);
    assert.deepEqual(
      [config.theme, config.layout, config.columns, config.mouse],
      ["auto", "beside", ["sink", "lag"], false],
    );
  });
  test("each choice alone is kept, whatever the file was: not there, empty, all comments", () => {
    const choices = [
      { theme: "dark" },
      { layout: "beside" },
      { paneSize: 2 },
      { columns: ["sink", "lag"] },
      {},
    ] as const;
    for (const text of ["", "\n", "# mine\n", "~\n", "null", "{}", "mouse: true\n"]) {
      for (const choice of choices) {
        const { config, problems } = parseScreenConfig(withChoices(text, { ...initialUi, ...choice }), "f");
        assert.deepEqual(problems, []);
        assert.deepEqual({ ...config, ...choice }, config, `${JSON.stringify(text)} ${JSON.stringify(choice)}`);
      }
    }
    assert.throws(() => withChoices("[1]\n", initialUi), /not a mapping/);
    assert.throws(() => withChoices("a: [", initialUi), /not valid YAML/);
  });
  test("columns are taken out and put back at their place; the sink's name stays", () => {
    const without = toggled(undefined, "lag");
    assert.ok(!without.includes("lag"));
    assert.deepEqual(toggled(without, "lag"), toggled(toggled(without, "lag"), "sink"));
    assert.equal(toggled(without, "lag").indexOf("lag"), 4);
  });
});
