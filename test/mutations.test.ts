// bench/mutations.ts takes minutes, so it is run now and then; that each mutation still finds its line and its test is looked at here.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { fleetMutations } from "../bench/fleet-mutations.ts";
import { kubernetesMutations } from "../bench/kubernetes-mutations.ts";
import { senderMutations } from "../bench/sender-mutations.ts";

const root = resolve(import.meta.dirname, "..");
const all = [...fleetMutations, ...kubernetesMutations, ...senderMutations];

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
