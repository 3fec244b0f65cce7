// Every document of the table with its problems as golden files, each with line, column and the line with its caret.
// UPDATE_GOLDEN=1 writes them again; look at each with a critical eye.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { queryRules } from "../../src/cli/querycheck.ts";
import type { Files } from "../../src/platform/files.ts";
import { loadPolicies } from "../../src/policy/load.ts";
import type { LoadResult } from "../../src/policy/policy.ts";
import { githubLine, jsonReport, problemText, summary } from "../../src/policy/report.ts";
import { type Case, documents } from "./documents.ts";

const DIR = new URL("golden/", import.meta.url).pathname;
const { check: checkQuery } = queryRules({ enforceFilter: [], forbidLabel: [] });

function load([, text]: Case): LoadResult {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const info = { kind: "file", size: bytes.length, mode: 0o600, version: "" } as const;
  const files: Files = {
    info: () => info,
    list: () => undefined,
    real: (path) => path,
    read: (_, maxBytes) => bytes.subarray(0, maxBytes),
  };
  return loadPolicies(["p.yaml"], { files, checkQuery, maxPolicySize: 65_536, uselessSecret: "problem" });
}

const shown = (one: Case): string => {
  const loaded = load(one);
  const lines = loaded.problems.map((p) => problemText(p, true));
  return [`## ${one[0]}`, ...lines, summary(loaded, false), ""].join("\n");
};

const all = Object.values(documents).flat();

describe("documents and their problems", () => {
  for (const [group, cases] of Object.entries(documents)) {
    test(`${group} (${cases.length})`, () => {
      const text = cases.map(shown).join("\n");
      const file = `${DIR}${group.replaceAll(" ", "-")}.txt`;
      if (process.env.UPDATE_GOLDEN === "1") {
        mkdirSync(DIR, { recursive: true });
        writeFileSync(file, text);
      }
      assert.equal(text, readFileSync(file, "utf8"));
    });
  }

  test("there are at least 120, and each has a sentence of its own", () => {
    assert.ok(all.length >= 120, `${all.length}`);
    assert.equal(new Set(all.map(([sentence]) => sentence)).size, all.length);
  });

  test("no report of any of them holds a secret, or says error where nothing is wrong", () => {
    for (const one of all) {
      const loaded = load(one);
      const text = [
        ...loaded.problems.flatMap((p) => [problemText(p, true), githubLine(p)]),
        JSON.stringify(jsonReport(loaded)),
      ].join("\n");
      assert.doesNotMatch(text, /hunter2|aHVudGVyMg/, one[0]);
      const valid = loaded.problems.every((p) => p.severity !== "problem");
      assert.ok(!valid || !/error/i.test(text), one[0]);
    }
  });

  test("each problem says where, what and what to do, in one line", () => {
    for (const one of all) {
      const { problems } = load(one);
      for (const { message, place } of problems) {
        assert.doesNotMatch(message, /\n/, one[0]);
        assert.ok(place.line >= 1 && place.column >= 1, one[0]);
      }
      for (const { message } of problems.filter((p) => p.severity === "problem"))
        assert.match(message, /.; .|must |: /, `${one[0]}: ${message}`);
    }
  });
});
