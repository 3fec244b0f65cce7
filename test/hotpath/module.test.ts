// The WebAssembly module is built from the sources that are here, and tells label sets apart by their hash alone.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { describe, test } from "node:test";
import { Instance } from "../../src/hotpath/module.ts";
import { Keyspace } from "../../src/series/keyspace.ts";
import { SeriesTable } from "../../src/series/table.ts";

const root = resolve(import.meta.dirname, "../..");

describe("the module", () => {
  test("generated/bytes.ts is of these sources: npm run module", () => {
    const file = resolve(root, "src/hotpath/generated/bytes.ts");
    const before = [readFileSync(file, "utf8"), statSync(file).mtimeMs];
    execFileSync(process.execPath, ["src/hotpath/build.ts"], { cwd: root, stdio: "inherit" });
    assert.deepEqual([readFileSync(file, "utf8"), statSync(file).mtimeMs], before);
  });

  test("an instance without series takes little", () => {
    const { memory } = new Instance([1, 2]).exports;
    assert.ok(memory.buffer.byteLength <= 512 * 1024, `${memory.buffer.byteLength} bytes`);
  });
});

describe("label sets that differ little are different series", () => {
  const count = (of: (i: number) => Record<string, string>, n: number): number => {
    const keyspace = new Keyspace(new SeriesTable([7, 9]), undefined);
    const ids = new Set<number>();
    for (let i = 0; i < n; i++) {
      const bytes = new TextEncoder().encode(JSON.stringify(of(i)));
      ids.add(keyspace.lookup(bytes, 0, bytes.length));
    }
    return ids.size;
  };
  const letter = (n: number): string => String.fromCharCode(97 + (n % 26));

  for (const [what, of] of [
    ["in a number", (i: number) => ({ __name__: "m", pod: `pod-${i}` })],
    [
      "in letters of a pod's name, labels behind it",
      (i: number) => ({
        __name__: "kube_pod_info",
        namespace: "default",
        pod: `web-${letter(i)}7c9${letter(i / 26)}f${letter(i / 676)}-x${letter(i / 17576)}`,
        uid: "0f2c9a51-6a2b-4f04-8d0a-2f0d1f0b7a11",
        zone: "eu-west-1a",
      }),
    ],
    [
      "in one bit of a long value",
      (i: number) => ({
        __name__: "m",
        value: `${"x".repeat(i % 97)}y${"x".repeat(97 - (i % 97))}${Math.floor(i / 97)}`,
      }),
    ],
  ] as const)
    test(what, () => assert.equal(count(of, 50_000), 50_000));
});
