// When the screen is drawn: four times a second at most, less often where drawing is expensive, at once after a key.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { pauseAfter } from "../../tui/redraw.ts";

describe("the pause between two drawings", () => {
  test("a cheap one: 250 ms", () => assert.equal(pauseAfter(1), 250));
  test("an expensive one: no more than 1.5 % of a core", () => assert.equal(pauseAfter(9), 600));
  test("never longer than a second: countdowns continue", () => assert.equal(pauseAfter(500), 1_000));
  test("--interval is kept where it is longer", () => {
    assert.equal(pauseAfter(1, 5_000), 5_000);
    assert.equal(pauseAfter(500, 5_000), 5_000);
    assert.equal(pauseAfter(3, 100), 200);
  });
});
