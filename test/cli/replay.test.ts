import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Progress, progressLine } from "../../src/cli/replay/progress.ts";
import { resumeFile } from "../../src/cli/replay/resume.ts";
import { parseTime } from "../../src/cli/replay/times.ts";
import { tempDir } from "../servers/binary.ts";

const NOW = Date.parse("2026-11-25T02:00:00Z");

describe("parseTime", () => {
  const cases: [string, string | undefined][] = [
    ["2026-11-25T01:00:00Z", "2026-11-25T01:00:00.000Z"],
    ["2026-11-25T01:00:00.250Z", "2026-11-25T01:00:00.250Z"],
    ["2026-11-25T03:00:00+02:00", "2026-11-25T01:00:00.000Z"],
    ["2026-11-25", "2026-11-25T00:00:00.000Z"],
    ["1795572000", "2026-11-25T02:00:00.000Z"],
    ["1795572000.5", "2026-11-25T02:00:00.500Z"],
    ["1795572000500", "2026-11-25T02:00:00.500Z"],
    ["now", "2026-11-25T02:00:00.000Z"],
    ["1h30m", "2026-11-25T00:30:00.000Z"],
    ["2026-11-25T01:00:00", undefined],
    ["2026-13-45", undefined],
    ["yesterday", undefined],
    ["", undefined],
    ["-1h", undefined],
  ];
  for (const [text, want] of cases)
    test(`${JSON.stringify(text)} is ${want ?? "refused"}`, () => {
      const at = parseTime(text, NOW);
      assert.equal(at === undefined ? undefined : new Date(at).toISOString(), want);
    });
});

describe("progress", () => {
  test("a bar, what was read, how fast, how long it will take", () => {
    assert.equal(
      progressLine({ name: "default/p/vm", done: 0.25, samples: 40_000, elapsedMs: 2_000 }, 200),
      "default/p/vm [#####---------------]  25 %  40,000 samples  20,000/s  6s left",
    );
    assert.equal(progressLine({ name: "x", done: 1, samples: 0, elapsedMs: 0 }, 30).length, 30);
    assert.match(progressLine({ name: "x", done: 7, samples: 0, elapsedMs: 0 }, 200), /100 % {2}0 samples$/);
  });

  test("on a terminal one line is drawn again, five times a second at most, and taken away; elsewhere a line every ten seconds", () => {
    for (const [isTTY, at, want] of [
      [true, [0, 199, 200, 399, 400], 2],
      [false, [0, 9_999, 10_000, 19_999, 20_000], 2],
    ] as const) {
      let now = 0;
      const written: string[] = [];
      const progress = new Progress({ isTTY, columns: 80, write: (text) => written.push(text) }, () => now);
      for (const ms of at) {
        now = ms;
        progress.show({ name: "x", done: 0.5, samples: 1 });
      }
      assert.equal(written.length, want);
      assert.equal(written[0]!.startsWith("\r"), isTTY);
      assert.equal(written[0]!.endsWith("\n"), !isTTY);
      progress.end();
      assert.equal(written.length, want + (isTTY ? 1 : 0));
    }
  });
});

describe("resume", () => {
  test("the same replay continues where it was; another one, or one that is done, starts over", () => {
    const dir = tempDir();
    const file = (...what: unknown[]) => resumeFile(dir.path, what, assert.fail);
    const first = file("default/p/vm", 1, 2);
    assert.equal(first.cursor("a"), undefined);
    first.moved("a", 5);
    first.moved("b", 6);
    assert.equal(file("default/p/vm", 1, 2).cursor("a"), 5);
    assert.equal(file("default/p/vm", 1, 3).cursor("a"), undefined);
    first.done();
    assert.equal(file("default/p/vm", 1, 2).cursor("a"), undefined);
    dir.remove();
  });

  test("where nothing can be written: an error before the start; later one line, and the replay continues", () => {
    const dir = tempDir();
    const told: string[] = [];
    const below = join(dir.path, "file");
    writeFileSync(below, "");
    const resume = resumeFile(join(below, "state"), [], (message) => told.push(message));
    assert.throws(() => resume.open(), /cannot write in .*replays \(ENOTDIR\), .* choose another with --state-dir/);
    resume.moved("a", 5);
    resume.moved("a", 6);
    assert.equal(told.length, 1);
    assert.match(told[0]!, /cannot save the progress of the replay in .* \(ENOTDIR\)/);
    assert.equal(resume.cursor("a"), 6);
    dir.remove();
  });
});
