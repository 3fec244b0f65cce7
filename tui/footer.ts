// The end of every screen: an action's question, else one line: what came of the last action, or which keys matter here and what
// is chosen. Hints are made from the key table; what does not fit is left out, never cut. Pure.
import type { EpochMs } from "../src/platform/clock.ts";
import { boundOn } from "./keys.ts";
import { blank, cut, type Line, line, lineWidth, type Segment, seg, spread } from "./line.ts";
import { namesIn } from "./names.ts";
import { shownSinks } from "./order.ts";
import { type Scene, shownText } from "./scene.ts";
import { wrap } from "./width.ts";

/** @param now the real one: a frozen screen still tells what came of an action */
export function footer(scene: Scene, now: EpochMs): Line[] {
  const { ui, columns, glyphs } = scene;
  if (ui.asking !== undefined) return question(scene, ui.asking);
  if (ui.typing) {
    const typed = [seg("filter ", "dim"), seg(`${ui.filters[ui.screen] ?? ""}_`, "strong")];
    return [spread(typed, [seg("enter keeps, esc clears", "dim")], columns, glyphs.more)];
  }
  if (ui.notice !== undefined && now < ui.notice.until) {
    const { text, ok } = ui.notice;
    const mark = ok ? seg(`${glyphs.ready} `, "good") : seg(`${glyphs.notReady} `, "bad");
    return [line(...cut([mark, seg(shownText(namesIn(text), scene))], columns, glyphs.more))];
  }
  const right = cut(chosen(scene), Math.floor(columns / 2), glyphs.more);
  return [spread(hints(scene, columns - lineWidth({ segments: right }) - 2), right, columns, glyphs.more)];
}

function question({ columns, glyphs }: Scene, ask: NonNullable<Scene["ui"]["asking"]>): Line[] {
  return [
    line(seg(glyphs.rule.repeat(columns), "warn")),
    line(...cut([seg(ask.question, "strong")], columns, glyphs.more)),
    ...wrap(ask.does, Math.min(columns, 110)).map((t) => line(seg(t))),
    blank,
    line(seg("y", "accent"), seg(" yes", "dim"), seg("   any other key", "accent"), seg(" no", "dim")),
  ];
}

/** Help and quit are always there; the others come while there is room. */
function hints({ ui, glyphs, acts, snapshot }: Scene, room: number): Segment[] {
  if (ui.panel !== undefined)
    return [
      ...hint(glyphs.arrows, "scroll"),
      ...hint("esc", "close"),
      ...(ui.panel === "help" ? [] : hint("?", "help")),
      ...hint("q", "quit"),
    ].slice(0, -1);
  const noSink = snapshot.sinks.length === 0 || (ui.screen === "events" && ui.eventsOf === undefined);
  const hinted = boundOn(ui.screen).filter(
    (b) =>
      b.hint !== undefined &&
      (acts || b.group !== "Actions") &&
      !(noSink && (b.on ?? []).includes("sinks") && (b.hint !== "filter" || ui.screen === "sinks")),
  );
  const always = hinted
    .filter((b) => b.hint === "help" || b.hint === "quit")
    .map((b) => hint(b.shown.split(" ")[0], b.hint));
  const back = ui.screen === "sinks" ? [] : [hint("esc", "back")];
  const others = hinted.filter((b) => b.hint !== "help" && b.hint !== "quit").map((b) => hint(b.shown, b.hint));
  let left = room - always.reduce((n, h) => n + widthOfHint(h), 0);
  const kept = [hint(glyphs.arrows, "move"), ...back, ...others].filter((h) => {
    left -= widthOfHint(h);
    return left >= 0;
  });
  return [...kept, ...always].flat().slice(0, -1);
}

const hint = (key = "", does = ""): Segment[] => [seg(key, "accent"), seg(` ${does}`, "dim"), seg("   ")];
const widthOfHint = (segments: Segment[]): number => lineWidth({ segments });

function chosen({ snapshot, ui, now }: Scene): Segment[] {
  const words: string[] = [];
  const filter = ui.filters[ui.screen] ?? "";
  if (filter !== "") words.push(`/${filter}`);
  if (ui.screen === "sinks" && snapshot.sinks.length > 0) {
    if (ui.faultsOnly) words.push("faults only");
    if (ui.sort !== "worst" || ui.reverse) words.push(`by ${ui.sort}${ui.reverse ? ", reversed" : ""}`);
    const shown = filter === "" && !ui.faultsOnly ? snapshot.sinks.length : shownSinks(snapshot, ui, now).length;
    if (shown < snapshot.sinks.length) words.push(`${shown} of ${snapshot.sinks.length}`);
  }
  if (ui.privacy) words.push("privacy");
  return words.length === 0 ? [] : [seg(words.join("  "), "warn")];
}
