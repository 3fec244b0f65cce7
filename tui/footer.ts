// The last line: which keys matter here, and what is chosen. Made from the key table; what does not fit is left out, never cut.
// Pure.
import { boundOn } from "./keys.ts";
import { cut, type Line, lineWidth, type Segment, seg, spread } from "./line.ts";
import { shownSinks } from "./order.ts";
import type { Scene } from "./scene.ts";

export function footer(scene: Scene): Line {
  const { ui, columns, glyphs } = scene;
  if (ui.typing) {
    const typed = [seg("filter ", "dim"), seg(`${ui.filter}_`, "strong")];
    return spread(typed, [seg("enter keeps, esc clears", "dim")], columns, glyphs.more);
  }
  const right = cut(chosen(scene), Math.floor(columns / 2), glyphs.more);
  return spread(hints(scene, columns - lineWidth({ segments: right }) - 2), right, columns, glyphs.more);
}

/** Help and quit are always there; the others come while there is room. */
function hints({ ui, glyphs }: Scene, room: number): Segment[] {
  const hinted = boundOn(ui.screen).filter((b) => b.hint !== undefined);
  const always = hinted
    .filter((b) => b.hint === "help" || b.hint === "quit")
    .map((b) => hint(b.shown.split(" ")[0], b.hint));
  const others = hinted.filter((b) => b.hint !== "help" && b.hint !== "quit").map((b) => hint(b.shown, b.hint));
  let left = room - always.reduce((n, h) => n + widthOfHint(h), 0);
  const kept = [hint(glyphs.arrows, "move"), ...others].filter((h) => {
    left -= widthOfHint(h);
    return left >= 0;
  });
  return [...kept, ...always].flat().slice(0, -1);
}

const hint = (key = "", does = ""): Segment[] => [seg(key, "accent"), seg(` ${does}`, "dim"), seg("   ")];
const widthOfHint = (segments: Segment[]): number => lineWidth({ segments });

function chosen({ snapshot, ui, now }: Scene): Segment[] {
  if (ui.screen !== "sinks" || snapshot.sinks.length === 0) return [];
  const words: string[] = [];
  if (ui.filter !== "") words.push(`/${ui.filter}`);
  if (ui.faultsOnly) words.push("faults only");
  if (ui.sort !== "worst" || ui.reverse) words.push(`by ${ui.sort}${ui.reverse ? ", reversed" : ""}`);
  const shown = ui.filter === "" && !ui.faultsOnly ? snapshot.sinks.length : shownSinks(snapshot, ui, now).length;
  if (shown < snapshot.sinks.length) words.push(`${shown} of ${snapshot.sinks.length}`);
  return words.length === 0 ? [] : [seg(words.join("  "), "warn")];
}
