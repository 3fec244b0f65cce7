// What the terminal sends is sorted into keys, mouse reports and its answer about the background, however it is cut into pieces.
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, test } from "node:test";
import fc from "fast-check";
import { hitOf, line, seg, selected } from "../../tui/drawing/line.ts";
import { heard, type Mouse, terminalInput } from "../../tui/terminal-input.ts";

describe("one text of the terminal", () => {
  test("keys stay as they are", () => {
    for (const keys of ["q", "\x1b[A", "\x1bOP", "äö🚀", "\x1b[1;5C", "a\x1b[Bb"])
      assert.deepEqual(heard(keys).keys, keys);
  });
  test("mouse reports are taken out", () => {
    const { keys, mice } = heard("j\x1b[<0;12;5Mk\x1b[<0;12;5m\x1b[<65;1;1Ml");
    assert.equal(keys, "jkl");
    assert.deepEqual(mice, [
      { button: 0, column: 11, row: 4, pressed: true },
      { button: 0, column: 11, row: 4, pressed: false },
      { button: 65, column: 0, row: 0, pressed: true },
    ]);
  });
  test("the background, as terminals write it", () => {
    for (const [reply, wanted] of [
      ["\x1b]11;rgb:0000/0000/0000\x07", "dark"],
      ["\x1b]11;rgb:ffff/ffff/ffff\x1b\\", "light"],
      ["\x1b]11;rgb:1c/1c/1c\x1b\\", "dark"],
      ["\x1b]11;rgba:fdfd/f6f6/e3e3/ffff\x07", "light"],
    ] as const) {
      assert.equal(heard(reply).background, wanted, reply);
      assert.equal(heard(reply).keys, "");
    }
  });
  test("another answer of the terminal is not a key", () =>
    assert.equal(heard("a\x1b]10;rgb:ff/ff/ff\x07b").keys, "ab"));
  test("the beginning of a report waits, and a long one is not a report", () => {
    for (const begun of ["\x1b", "\x1b[", "\x1b[<", "\x1b[<0;1", "\x1b]11;rgb:ff", "\x1b]11;rgb:ff/ff/ff\x1b"])
      assert.deepEqual(heard(begun), { keys: "", mice: [], rest: begun });
    assert.equal(heard(`\x1b]${"x".repeat(500)}`).rest, "", "nothing is held forever");
  });
});

describe("however it is cut into pieces", () => {
  const whole = "jk\x1b[<64;3;4M\x1b]11;rgb:ffff/ffff/ffff\x1b\\q\x1b[<0;100;50M\x1b[A!";
  test("the same keys and reports come out", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(whole.length), { maxLength: 6 }), async (cuts) => {
        const stdin = Object.assign(new PassThrough(), { isTTY: true }) as unknown as NodeJS.ReadStream;
        const mice: Mouse[] = [];
        const backgrounds: string[] = [];
        const input = terminalInput(stdin, { mouse: (m) => mice.push(m), background: (b) => backgrounds.push(b) });
        const at = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
        for (const [i, end] of at.slice(1).entries()) stdin.emit("data", Buffer.from(whole.slice(at[i], end)));
        let keys = "";
        input.keys.on("data", (piece) => {
          keys += String(piece);
        });
        await new Promise((done) => setImmediate(done));
        input.end();
        assert.deepEqual([keys, mice.map((m) => m.button), backgrounds], ["jkq\x1b[A!", [64, 0], ["light"]]);
      }),
      { numRuns: 200 },
    );
  });
  test("esc alone is a key, a moment later", async () => {
    const stdin = Object.assign(new PassThrough(), { isTTY: true }) as unknown as NodeJS.ReadStream;
    const input = terminalInput(stdin, { mouse: () => {}, background: () => {} });
    stdin.emit("data", Buffer.from("\x1b"));
    const [key] = await new Promise<unknown[]>((done) => input.keys.once("data", (...all) => done(all)));
    assert.equal(String(key), "\x1b");
    input.end();
  });
});

describe("a click on a line", () => {
  const open = { type: "open" } as const;
  const row = selected({ segments: [seg("ab"), { ...seg("cd"), hit: { type: "mark" } }], hit: open }, 10, "…");
  test("on a piece of its own, on the row, behind its text", () => {
    assert.deepEqual(hitOf(row, 1), open);
    assert.deepEqual(hitOf(row, 2), { type: "mark" });
    assert.deepEqual(hitOf(row, 9), open);
    assert.deepEqual(hitOf(row, 40), open);
  });
  test("a function is told the column of its piece; wide characters count twice", () => {
    const hit = (column: number) => ({ type: "cursor" as const, at: column });
    assert.deepEqual(hitOf(line(seg("観x"), { ...seg("12345"), hit }), 5), { type: "cursor", at: 2 });
    assert.equal(hitOf(line(seg("観x")), 1), undefined);
  });
});
