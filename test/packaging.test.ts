// The systemd unit: hardened as far as systemd itself can tell, and everything that it starts exists.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { runOptions } from "../src/config/settings.ts";
import { needs } from "./servers/found.ts";

const unit = join(import.meta.dirname, "../packaging/outflow.service");
const text = readFileSync(unit, "utf8");

describe("packaging/outflow.service", () => {
  test("systemd-analyze: an exposure of at most 1.5", needs("systemd-analyze"), () => {
    const out = execFileSync("systemd-analyze", ["security", "--offline=true", unit], { encoding: "utf8" });
    const level = Number(/exposure level for outflow\.service: ([\d.]+)/.exec(out)?.[1]);
    assert.ok(level > 0 && level <= 1.5, out.slice(-200));
  });

  test("systemd understands every line of it", needs("systemd-analyze"), () => {
    const { stdout, stderr } = spawnSync("systemd-analyze", ["verify", unit], { encoding: "utf8" });
    assert.doesNotMatch(stdout + stderr, /Unknown|Failed to parse|Invalid|ignoring/);
  });

  test("secrets come by LoadCredential, open files are not 1024, a failed start is tried again", () => {
    assert.match(text, /^LoadCredential=secrets:\/etc\/outflow\/secrets$/m);
    assert.match(text, /^LimitNOFILE=\d{5,}$/m);
    assert.match(text, /^Restart=on-failure$/m);
  });

  test("each flag of ExecStart exists", () => {
    const [, start] = /^ExecStart=((?:.*\\\n)*.*)$/m.exec(text)!;
    const flags = [...start!.matchAll(/--[a-z-]+/g)].map(([flag]) => flag);
    assert.ok(flags.length >= 3);
    const known = runOptions().map((o) => o.long);
    assert.deepEqual(
      flags.filter((flag) => !known.includes(flag)),
      [],
    );
  });
});
