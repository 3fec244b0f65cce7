// Whether there is a screen: by the terminal, the environment and the flags; one line says why not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { wantsTui } from "../../src/cli/terminal.ts";

const here = { stdin: true, stdout: true, env: { TERM: "xterm-256color" }, tui: true };

test("a terminal has a screen", () => assert.deepEqual(wantsTui(here), { tui: true }));
test("--no-tui: none, and nothing is said", () => assert.deepEqual(wantsTui({ ...here, tui: false }), { tui: false }));
for (const [name, change, why] of [
  ["stdout is a pipe", { stdout: false }, /^stdout is not a terminal/],
  ["stdin is a pipe", { stdin: false }, /^stdin is not a terminal/],
  ["TERM=dumb", { env: { TERM: "dumb" } }, /^TERM is dumb/],
  ["CI=true", { env: { CI: "true" } }, /^CI is set/],
  ["CI=1", { env: { CI: "1" } }, /^CI is set/],
] as const) {
  test(`${name}: headless, and says why`, () => {
    const { tui, why: said } = wantsTui({ ...here, ...change });
    assert.equal(tui, false);
    assert.match(said ?? "", why);
  });
}
test("a screen reader needs no more than lines", () => {
  assert.deepEqual(wantsTui({ ...here, env: { TERM: "dumb" }, screenReader: true }), { tui: true });
  assert.equal(wantsTui({ ...here, stdout: false, screenReader: true }).tui, false);
});
