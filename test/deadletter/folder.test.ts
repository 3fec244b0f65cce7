import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { DeadLetters, folderOf, INDEX, letterFiles, sinkFolders } from "../../src/deadletter/folder.ts";
import { FrameBuilder } from "../../src/series/frame-builder.ts";
import { SeriesTable } from "../../src/series/table.ts";
import { tempDir } from "../servers/binary.ts";

const NOW = Date.parse("2026-11-25T01:55:23.123Z");

/** One series with `n` samples of values that do not compress well. */
function span(n: number, seed = 0) {
  const table = new SeriesTable();
  const builder = new FrameBuilder();
  builder.startRun(table.intern([["__name__", "m"]]));
  for (let i = 0; i < n; i++) builder.add(NOW - n + i, Math.sin(i + seed * 1000), false);
  const { frame } = builder.build(table, 0, 1);
  return { frame, firstRun: 0, endRun: 1, firstSample: 0, endSample: n };
}

function letters(dir: string, settings: { maxBytes?: number; maxAgeMs?: number } = {}) {
  const told: string[] = [];
  let now = NOW;
  const folder = new DeadLetters(
    { dir, maxBytes: settings.maxBytes ?? 1e9, maxAgeMs: settings.maxAgeMs ?? 1e9 },
    {
      clock: { now: () => now, monotonicMs: () => now, sleep: async () => true },
      tell: (level, message) => told.push(`${level}: ${message}`),
    },
  );
  return { folder, told, setNow: (ms: number) => (now = ms) };
}

const letter = (sink: string, n = 3, seed = 0) => ({
  sink,
  reason: "exhausted",
  message: "gone",
  spans: [span(n, seed)],
});

describe("DeadLetters", () => {
  test("what others put there stops nothing: a link to nowhere is told, a name of their own is left alone", () => {
    const dir = tempDir();
    const { folder, told } = letters(dir.path);
    assert.equal(folder.keep(letter("default/p/vm")), true);
    symlinkSync("/nowhere", join(folderOf(dir.path, "default/p/vm"), "a.jsonl.gz"));
    mkdirSync(join(dir.path, "by", "hand", "100%"), { recursive: true });
    folder.prune();
    assert.equal(told.length, 1);
    assert.match(told[0]!, /^error: /);
    dir.remove();
  });

  test("one private folder a sink; several drops go into one file, as gzip members; the index says when and why", () => {
    const dir = tempDir();
    const { folder, told } = letters(join(dir.path, "letters"));
    assert.equal(folder.keep(letter("default/p/vm")), true);
    assert.equal(folder.keep({ ...letter("default/p/vm", 2), reason: "rejected", message: "bad" }), true);
    assert.equal(folder.keep(letter("default/p/other")), true);
    const path = folderOf(join(dir.path, "letters"), "default/p/vm");
    const files = letterFiles(path);
    assert.equal(files.length, 1);
    assert.match(files[0]!, /^20261125T015523123Z-\d+-0\.jsonl\.gz$/);
    const lines = gunzipSync(readFileSync(join(path, files[0]!)))
      .toString()
      .trim()
      .split("\n");
    assert.deepEqual(
      lines.map((l) => JSON.parse(l).timestamps),
      [
        [NOW - 3, NOW - 2, NOW - 1],
        [NOW - 2, NOW - 1],
      ],
    );
    const index = readFileSync(join(path, INDEX), "utf8")
      .trim()
      .split("\n")
      .map((l) => JSON.parse(l));
    assert.deepEqual(index[1], {
      at: "2026-11-25T01:55:23.123Z",
      reason: "rejected",
      message: "bad",
      samples: 2,
      series: 1,
      from: new Date(NOW - 2).toISOString(),
      to: new Date(NOW - 1).toISOString(),
      file: files[0],
    });
    for (const private_ of [join(dir.path, "letters"), path]) assert.equal(statSync(private_).mode & 0o777, 0o700);
    for (const name of readdirSync(path)) assert.equal(statSync(join(path, name)).mode & 0o777, 0o600);
    assert.deepEqual(
      sinkFolders(join(dir.path, "letters")).map((s) => s.sink),
      ["default/p/other", "default/p/vm"],
    );
    assert.deepEqual(told, []);
    dir.remove();
  });

  test("a sink's name cannot leave the folder", () => {
    assert.equal(folderOf("/d", "default/p/.."), "/d/default/p/%2E%2E");
    assert.equal(folderOf("/d", "a b/p/x"), "/d/a%20b/p/x");
  });

  test("a sink keeps no more than its size, and says what it removed", () => {
    const dir = tempDir();
    const { folder, told } = letters(dir.path, { maxBytes: 80_000 });
    const path = folderOf(dir.path, "default/p/vm");
    let largest = 0;
    for (let i = 0; i < 60; i++) {
      folder.keep(letter("default/p/vm", 500, i));
      const bytes = letterFiles(path).reduce((n, f) => n + statSync(join(path, f)).size, 0);
      largest = Math.max(largest, bytes);
    }
    assert.ok(largest > 50_000 && largest <= 90_000, `${largest} bytes`);
    assert.match(told[0]!, /^warn: Removed 1 file of dead letters of default\/p\/vm \(--dead-letter-max-size\)/);
    dir.remove();
  });

  test("what is too old goes, also of sinks that drop nothing more", () => {
    const dir = tempDir();
    const first = letters(dir.path, { maxAgeMs: 3_600_000 });
    first.folder.keep(letter("default/p/vm"));
    const path = folderOf(dir.path, "default/p/vm");
    const [file] = letterFiles(path);
    utimesSync(join(path, file!), NOW / 1000, NOW / 1000);
    const { folder, told, setNow } = letters(dir.path, { maxAgeMs: 3_600_000 });
    setNow(NOW + 3_600_000);
    folder.prune();
    assert.equal(letterFiles(path).length, 1, "not a moment too early");
    setNow(NOW + 3_600_001);
    folder.prune();
    assert.deepEqual(letterFiles(path), []);
    assert.match(told[0]!, /--dead-letter-max-age/);
    dir.remove();
  });

  test("a folder that cannot be written: said once, and the caller knows", () => {
    const dir = tempDir();
    writeFileSync(join(dir.path, "file"), "");
    const { folder, told } = letters(join(dir.path, "file"));
    assert.equal(folder.keep(letter("default/p/vm")), false);
    assert.equal(folder.keep(letter("default/p/vm")), false);
    assert.equal(told.length, 1);
    assert.match(told[0]!, /^error: Cannot write dead letters to .*: dropped samples are counted, but not kept/);
    dir.remove();
  });

  test("a folder of another process is never appended to", () => {
    const dir = tempDir();
    const path = folderOf(dir.path, "default/p/vm");
    mkdirSync(path, { recursive: true });
    const old = `20261125T015523123Z-${process.pid + 1}-0.jsonl.gz`;
    writeFileSync(join(path, old), "torn");
    letters(dir.path).folder.keep(letter("default/p/vm"));
    assert.equal(readFileSync(join(path, old), "utf8"), "torn");
    assert.equal(letterFiles(path).length, 2);
    chmodSync(path, 0o700);
    dir.remove();
  });

  test("series that are only named: each once, in the index, and not without end", () => {
    const dir = tempDir();
    const { folder } = letters(dir.path);
    const named = (n: number) =>
      Array.from({ length: n }, (_, i) => ({ lost: `a.${i}`, message: `a.${i} is dropped.` }));
    folder.name("default/p/s", "name_collision", named(2));
    folder.name("default/p/s", "name_collision", named(3));
    const index = () =>
      readFileSync(join(folderOf(dir.path, "default/p/s"), INDEX), "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
    const at = "2026-11-25T01:55:23.123Z";
    const entry = (i: number) => ({ at, reason: "name_collision", message: `a.${i} is dropped.`, lost: `a.${i}` });
    assert.deepEqual(index(), [0, 1, 2].map(entry));
    folder.name("default/p/s", "name_collision", named(1_500));
    assert.equal(index().length, 1_001);
    assert.match(index().at(-1).message, /^More than 1000 series/);
    assert.deepEqual(letterFiles(folderOf(dir.path, "default/p/s")), []);
    dir.remove();
  });
});
