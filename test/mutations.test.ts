// bench/mutations.ts takes minutes, so it is run now and then; that each mutation still finds its line and its test is looked at here.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { mutations as all, mutationRow } from "../bench/mutation-list.ts";

const root = resolve(import.meta.dirname, "..");

test("every mutation finds the text that it replaces, and changes it", () => {
  const lost = all.filter(
    ({ file, from, to }) => from === to || !readFileSync(join(root, file), "utf8").includes(from),
  );
  assert.deepEqual(
    lost.map(({ rule }) => rule),
    [],
  );
});

test("the test of every mutation exists, and no two have one name", () => {
  const without = all.filter(({ test: path }) => !existsSync(join(root, path)));
  assert.deepEqual(
    without.map(({ rule }) => rule),
    [],
  );
  assert.equal(new Set(all.map(({ rule }) => rule)).size, all.length);
});

test("docs/conformance.md has them all", () => {
  const file = join(root, "docs/conformance.md");
  const page = readFileSync(file, "utf8");
  const head = "| rule | the line that is broken | the test that must fail |\n|---|---|---|\n";
  const begin = page.indexOf("| rule | the line that");
  const wanted = `${page.slice(0, begin)}${head}${all.map((m) => mutationRow(m, m.test)).join("\n")}\n`;
  if (process.env.UPDATE_DOCS === "1") writeFileSync(file, wanted);
  assert.equal(page, wanted, "run UPDATE_DOCS=1 npm test -- test/mutations.test.ts");
});
