// outflow licenses: every package of the binary is there, with the text of its licence; the file is what the build would write.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import { buildBinary } from "../servers/binary.ts";

const root = join(import.meta.dirname, "../..");

describe("outflow licenses", () => {
  test("the notices are up to date: run bun packaging/notices.ts", () => {
    execFileSync(process.execPath, [join(root, "packaging/notices.ts"), "--check"], { stdio: "pipe" });
  });

  test("the binary and the source print every dependency with its licence", () => {
    for (const text of [
      execFileSync(buildBinary(), ["licenses"], { encoding: "utf8" }),
      execFileSync(process.execPath, [join(root, "src/main.ts"), "licenses"], { encoding: "utf8" }),
    ]) {
      for (const name of [
        "commander",
        "re2js",
        "ink",
        "protobufjs",
        "re2js",
        "react",
        "valibot",
        "yaml",
        "yoga-layout",
      ])
        assert.match(text, new RegExp(`^${name} [0-9.]+ \\([\\w.-]+\\)$`, "m"));
      assert.doesNotMatch(text, /^fast-check /m, "only what is in the binary");
      assert.match(text, /Permission is hereby granted/);
      assert.match(text, /Bun runtime/);
    }
  });
});
