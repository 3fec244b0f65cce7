// docs/conformance.md names only tests that exist, and has every rule.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, test } from "node:test";

const root = resolve(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/conformance.md"), "utf8");
const rules = page.slice(page.indexOf("## The rules"), page.indexOf("## Responses"));
const rows = rules.split("\n").filter((l) => /^\| \d/.test(l));

describe("docs/conformance.md", () => {
  test("has a row for each of the rules 1 to 15", () => {
    const numbers = new Set(rows.map((r) => Number(/^\| (\d+)/.exec(r)![1])));
    assert.deepEqual([...numbers], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  });

  const named = rows.flatMap((r) =>
    [...r.matchAll(/`(test\/[^`]+)`: (.+?) \|$/g)].map(([, file, name]) => ({ file: file!, name: name! })),
  );

  test("names a test in each row but that of RW2", () => assert.equal(named.length, rows.length - 1));

  for (const { file, name } of named)
    test(`${file} has: ${name}`, () => assert.ok(readFileSync(join(root, file), "utf8").includes(name)));

  test("every file it speaks of is there", () => {
    const files = [...page.matchAll(/`((?:test|src|bench)\/[^`]+\.ts)`/g)].map(([, file]) => file!);
    assert.ok(files.length > 20);
    assert.deepEqual(
      files.filter((file) => !existsSync(join(root, file))),
      [],
    );
  });
});
