// What 1,000 sinks cost in memory, as bench/status.ts measures it (which also measures time: no test does).
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

test("1,000 sinks with full histories: under 30 MB", () => {
  const bench = join(import.meta.dirname, "../../bench/status.ts");
  let out = "";
  try {
    out = execFileSync(process.execPath, [bench, "--events", "2000"], { encoding: "utf8" });
  } catch (error) {
    out = (error as { stdout: string }).stdout; // it may say that the machine was busy
  }
  const mb = Number(/^state +([\d.]+) MB/m.exec(out)?.[1]);
  assert.ok(mb > 1 && mb < 30, out);
});
