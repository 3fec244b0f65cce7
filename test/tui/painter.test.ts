// What is written to the terminal: what has changed, and never a frame for a size that the terminal no longer has.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { painter } from "../../tui/painter.ts";

/** A terminal as far as the painter uses it: erases, moves, text; a resize alone loses nothing. */
function terminal() {
  let size = "80x24";
  const written: string[] = [];
  const paint = painter(
    (text) => void written.push(text),
    () => size,
  );
  return {
    paint,
    resize(to: string) {
      size = to;
      paint.forget();
    },
    /** What was written since the last time. */
    take: () => written.splice(0).join(""),
  };
}

describe("painter", () => {
  test("the first frame is whole, then only rows that changed are written, at their places", () => {
    const { paint, take } = terminal();
    paint.draw(["one", "two", ""], "80x24");
    assert.match(take(), /\x1b\[2J.*\x1b\[1;1H\x1b\[2Kone.*\x1b\[2;1H\x1b\[2Ktwo/s);
    paint.draw(["one", "2", ""], "80x24");
    const second = take();
    assert.match(second, /\x1b\[2;1H\x1b\[2K2/);
    assert.doesNotMatch(second, /one|\x1b\[2J/);
    paint.draw(["one", "2", ""], "80x24");
    assert.equal(take(), "", "nothing changed, nothing is written");
  });
  test("a frame for the size before is not drawn, and the next one is whole: its blank rows too", () => {
    const { paint, resize, take } = terminal();
    paint.draw(["header", "", "row 1", "row 2"], "80x24");
    take();
    resize("60x20");
    paint.draw(["header of 80", "", "row 1", "row 2"], "80x24");
    assert.equal(take(), "", "it would wrap, and be taken for what is there");
    paint.draw(["header", "", "row 1"], "60x20");
    assert.match(take(), /\x1b\[2J/);
  });
  test("a size that changed without news: the same", () => {
    let size = "80x24";
    const written: string[] = [];
    const paint = painter(
      (text) => void written.push(text),
      () => size,
    );
    paint.draw(["a", "", "b"], "80x24");
    size = "60x20";
    paint.draw(["a", "", "b"], "60x20");
    assert.match(written[1] ?? "", /\x1b\[2J/);
  });
});
