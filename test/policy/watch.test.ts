// What makes the agent look at its policies again, and what does not.
import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { systemFiles } from "../../src/platform/files.ts";
import { isPolicyFile } from "../../src/policy/paths.ts";
import { listing, Watch } from "../../src/policy/watch.ts";
import { tempDir } from "../servers/binary.ts";

let dir: { path: string; remove(): void };
const at = (...names: string[]): string => join(dir.path, ...names);
const look = (): string => listing([dir.path], systemFiles, isPolicyFile);

beforeEach(() => {
  dir = tempDir();
  writeFileSync(at("a.yaml"), "a");
});
afterEach(() => dir.remove());

describe("listing()", () => {
  const changes: [string, () => void][] = [
    ["a file is edited", () => writeFileSync(at("a.yaml"), "ab")],
    [
      "a file is replaced",
      () => {
        writeFileSync(at(".a.tmp"), "x");
        renameSync(at(".a.tmp"), at("a.yaml"));
      },
    ],
    ["a file is added", () => writeFileSync(at("b.yml"), "b")],
    [
      "a file is added below",
      () => {
        mkdirSync(at("team"));
        writeFileSync(at("team", "c.json"), "{}");
      },
    ],
    ["a file is deleted", () => rmSync(at("a.yaml"))],
    [
      "a link is swapped",
      () => {
        writeFileSync(at(".other"), "other");
        rmSync(at("a.yaml"));
        symlinkSync(".other", at("a.yaml"));
      },
    ],
  ];
  for (const [name, change] of changes) {
    test(`${name}: it changes`, () => {
      const before = look();
      change();
      assert.notEqual(look(), before);
    });
  }

  test("what is not a policy file may come, change and go: a state directory that is there is not an edit", () => {
    const before = look();
    mkdirSync(at("state"));
    for (const text of ["1", "22", "333"]) {
      writeFileSync(at("state", "state.sqlite-wal"), text);
      writeFileSync(at("a.yaml~"), text);
      assert.equal(look(), before);
    }
  });

  test("a file that is named outright counts whatever its name", () => {
    writeFileSync(at("policy"), "a");
    const before = listing([at("policy")], systemFiles, isPolicyFile);
    writeFileSync(at("policy"), "ab");
    assert.notEqual(listing([at("policy")], systemFiles, isPolicyFile), before);
  });
});

describe("Watch", () => {
  test("a change is due once it has stood still from one look to the next", () => {
    let print = "a";
    const watch = new Watch(() => print);
    assert.equal(watch.look(), false);
    print = "b";
    assert.equal(watch.look(), false, "it may be written just now");
    assert.equal(watch.look(), true);
    watch.load(() => {});
    assert.equal(watch.look(), false);
  });

  test("what never stands still is read all the same", () => {
    let n = 0;
    const watch = new Watch(() => String(n++));
    assert.deepEqual([watch.look(), watch.look(), watch.look()], [false, false, true]);
  });
});
