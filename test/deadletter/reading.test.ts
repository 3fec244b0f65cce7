import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { claim, delivered, readLetters } from "../../src/deadletter/reading.ts";
import { tempDir } from "../servers/binary.ts";

const line = (i: number, n = 3) =>
  `{"metric":{"__name__":"m","i":"${i}"},"values":[${Array.from({ length: n }, (_, k) => k)}],"timestamps":[${Array.from({ length: n }, (_, k) => k + 10)}]}\n`;

describe("a file of dead letters", () => {
  test("several gzip members are one frame", () => {
    const dir = tempDir();
    writeFileSync(join(dir.path, "a.jsonl.gz"), Buffer.concat([gzipSync(line(1)), gzipSync(line(2) + line(3))]));
    const { frame, broken, illegal, torn } = readLetters(dir.path, "a.jsonl.gz");
    assert.deepEqual([frame.samples, frame.runs, frame.from, frame.to], [9, 3, 10, 12]);
    assert.deepEqual([broken, illegal, torn], [0, 0, false]);
    dir.remove();
  });

  test("what was not written to its end is read as far as it goes", () => {
    const dir = tempDir();
    const whole = gzipSync(line(1));
    writeFileSync(join(dir.path, "a.jsonl.gz"), Buffer.concat([whole, gzipSync(line(2)).subarray(0, 20)]));
    const { frame, torn } = readLetters(dir.path, "a.jsonl.gz");
    assert.deepEqual([frame.samples, torn], [3, true]);
    writeFileSync(join(dir.path, "b.jsonl.gz"), "no gzip at all");
    assert.deepEqual([readLetters(dir.path, "b.jsonl.gz").frame.samples, torn], [0, true]);
    dir.remove();
  });

  test("lines that are none, and series without a name, are counted", () => {
    const dir = tempDir();
    writeFileSync(
      join(dir.path, "a.jsonl.gz"),
      gzipSync(`${line(1)}what?\n{"metric":{"i":"1"},"values":[1,2],"timestamps":[1,2]}\n`),
    );
    const { frame, broken, illegal } = readLetters(dir.path, "a.jsonl.gz");
    assert.deepEqual([frame.samples, broken, illegal], [3, 1, 2]);
    dir.remove();
  });

  test("a file that is claimed is another one for the agent, which appends by name", () => {
    const dir = tempDir();
    writeFileSync(join(dir.path, "a.jsonl.gz"), "x");
    const name = claim(dir.path, "a.jsonl.gz", "7");
    assert.equal(name, "a.claimed-7.jsonl.gz");
    assert.equal(existsSync(join(dir.path, "a.jsonl.gz")), false);
    assert.equal(claim(dir.path, name, "8"), name, "once");
    delivered(dir.path, name, "now");
    assert.deepEqual(readdirSync(dir.path), ["index.jsonl"]);
    assert.equal(readFileSync(join(dir.path, "index.jsonl"), "utf8"), `{"at":"now","replayed":"${name}"}\n`);
    dir.remove();
  });
});
