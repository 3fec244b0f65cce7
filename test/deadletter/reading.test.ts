import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { claim, delivered, readLetters } from "../../src/deadletter/reading.ts";
import type { NameEscaping } from "../../src/series/names.ts";
import { tempDir } from "../servers/binary.ts";

const line = (i: number, n = 3) =>
  `{"metric":{"__name__":"m","i":"${i}"},"values":[${Array.from({ length: n }, (_, k) => k)}],"timestamps":[${Array.from({ length: n }, (_, k) => k + 10)}]}\n`;

describe("a file of dead letters", () => {
  test("several gzip members are one frame", () => {
    const dir = tempDir();
    writeFileSync(join(dir.path, "a.jsonl.gz"), Buffer.concat([gzipSync(line(1)), gzipSync(line(2) + line(3))]));
    const { frame, broken, illegal, torn } = readLetters(dir.path, "a.jsonl.gz", "underscores");
    assert.deepEqual([frame.samples, frame.runs, frame.from, frame.to], [9, 3, 10, 12]);
    assert.deepEqual([broken, illegal, torn], [0, 0, false]);
    dir.remove();
  });

  test("what was not written to its end is read as far as it goes", () => {
    const dir = tempDir();
    const whole = gzipSync(line(1));
    writeFileSync(join(dir.path, "a.jsonl.gz"), Buffer.concat([whole, gzipSync(line(2)).subarray(0, 20)]));
    const { frame, torn } = readLetters(dir.path, "a.jsonl.gz", "underscores");
    assert.deepEqual([frame.samples, torn], [3, true]);
    writeFileSync(join(dir.path, "b.jsonl.gz"), "no gzip at all");
    assert.deepEqual([readLetters(dir.path, "b.jsonl.gz", "underscores").frame.samples, torn], [0, true]);
    dir.remove();
  });

  test("lines that are not valid, and series without a name, are counted", () => {
    const dir = tempDir();
    writeFileSync(
      join(dir.path, "a.jsonl.gz"),
      gzipSync(`${line(1)}what?\n{"metric":{"i":"1"},"values":[1,2],"timestamps":[1,2]}\n`),
    );
    const { frame, broken, illegal } = readLetters(dir.path, "a.jsonl.gz", "underscores");
    assert.deepEqual([frame.samples, broken, illegal], [3, 1, 2]);
    dir.remove();
  });

  test("names that were sent as they are stay so with utf8, and are escaped where the sink does not take them any longer", () => {
    const dir = tempDir();
    const letter = (name: string) => `{"metric":{"__name__":"${name}","a.b":"1"},"values":[1],"timestamps":[10]}\n`;
    writeFileSync(
      join(dir.path, "a.jsonl.gz"),
      gzipSync(["http.requests", "http_requests", "日本"].map(letter).join("")),
    );
    const namesBy = (escaping: NameEscaping) => {
      const { frame, illegal } = readLetters(dir.path, "a.jsonl.gz", escaping);
      const labels = [...frame.runSeries].map((series) => frame.table.labels(series));
      const texts = labels.map((list) =>
        list
          .map(([name, value]) => (name === "__name__" ? value : name))
          .sort()
          .join(),
      );
      return [...texts.sort(), illegal];
    };
    assert.deepEqual(namesBy("utf8"), ["a.b,http.requests", "a.b,http_requests", "a.b,日本", 0]);
    assert.deepEqual(namesBy("underscores"), ["__,a_b", "a_b,http_requests", 1], "one of two that become the same");
    assert.deepEqual(namesBy("drop"), [3]);
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
