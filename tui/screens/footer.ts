// The end of every screen: an action's question, else two lines: what came of the last action (or which keys to try first), and which
// keys matter here with what is chosen. Hints are made from the key table; what does not fit is left out, never cut. Pure.
import type { EpochMs } from "../../src/platform/clock.ts";
import { clockTime } from "../../src/status/text/words.ts";
import { blank, cut, type Line, line, lineWidth, type Segment, seg, spread } from "../drawing/line.ts";
import { wrap } from "../drawing/width.ts";
import { completion } from "../input/command.ts";
import { filterProblem } from "../input/filter.ts";
import { type Binding, boundOn } from "../input/keys.ts";
import { shownSinks } from "../input/order.ts";
import { type Scene, shownText } from "./scene.ts";

/** @param now the real one: a frozen screen still tells what came of an action */
export function footer(scene: Scene, now: EpochMs): Line[] {
  const { ui, columns, glyphs } = scene;
  if (ui.asking !== undefined) return question(scene, ui.asking);
  const note = notice(scene, now);
  if (ui.typing === "filter") return [note, filterLine(scene)];
  if (ui.typing === "command") return [note, commandLine(scene)];
  const right = cut(chosen(scene), Math.floor(columns / 2), glyphs.more);
  return [note, spread(hints(scene, columns - lineWidth({ segments: right }) - 2), right, columns, glyphs.more)];
}

/** On a line of its own: it hides neither filter nor keys. */
function notice(scene: Scene, now: EpochMs): Line {
  const { ui, columns, glyphs } = scene;
  if (ui.notice !== undefined && now < ui.notice.until) {
    const { text, ok } = ui.notice;
    const mark = ok ? seg(`${glyphs.ready} `, "good") : seg(`${glyphs.notReady} `, "bad");
    return line(...cut([mark, seg(shownText(text, scene))], columns, glyphs.more));
  }
  if (ui.frozen?.recorded !== undefined) return timeline(scene, ui.frozen.recorded, ui.frozen.at);
  if (!ui.hint) return blank;
  const tries = [...hint("w", "says why"), ...hint("enter", "opens a sink"), ...hint("<", "goes back in time")];
  return line(...cut([seg("New here?  ", "strong"), ...tries], columns, glyphs.more));
}

/** `13:02:11Z ├──────●───┤ 14:02:11Z   < > { } move   esc live`; a click goes there. */
function timeline({ columns, glyphs }: Scene, { from, to }: { from: EpochMs; to: EpochMs }, at: EpochMs): Line {
  const by = (text: string, byMs: number): Segment => ({ ...seg(text, "accent"), hit: { type: "travel", byMs } });
  const keys = [
    ...[seg("   "), by("<", -5_000), seg(" "), by(">", 5_000), seg(" 5 s   ", "dim")],
    ...[by("{", -60_000), seg(" "), by("}", 60_000), seg(" 1 min   ", "dim")],
    ...[seg("esc", "accent"), seg(" live", "dim")].map((s) => ({ ...s, hit: { type: "travel" as const } })),
  ];
  const [begin, end] = [seg(`${clockTime(from)} `, "dim"), seg(` ${clockTime(to)}`, "dim")];
  const room = Math.max(10, Math.min(60, columns - lineWidth(line(begin, end, ...keys)) - 2));
  const where = Math.round(((at - from) / Math.max(1, to - from)) * (room - 1));
  const place = Math.min(room - 1, Math.max(0, where));
  const hit = (offset: number) => (column: number) => ({
    type: "travel" as const,
    toMs: from + ((offset + column) / Math.max(1, room - 1)) * (to - from),
  });
  return {
    segments: cut(
      [
        begin,
        { ...seg(glyphs.rule.repeat(place), "dim"), hit: hit(0) },
        seg(glyphs.ready, "warn"),
        { ...seg(glyphs.rule.repeat(room - 1 - place), "dim"), hit: hit(place + 1) },
        end,
        ...keys,
      ],
      columns,
      glyphs.more,
    ),
  };
}

function filterLine({ ui, columns, glyphs }: Scene): Line {
  const filter = ui.filters[ui.screen] ?? "";
  const problem = filterProblem(filter);
  const typed = [seg("filter ", "dim"), seg(`${filter}_`, "strong")];
  const right =
    problem === undefined
      ? [seg("enter keeps, esc clears", "dim")]
      : [seg(`not a valid regular expression: ${problem}; taken as plain text`, "warn")];
  return spread(
    typed,
    cut(right, Math.max(20, columns - lineWidth(line(...typed)) - 2), glyphs.more),
    columns,
    glyphs.more,
  );
}

function commandLine({ ui, snapshot, columns, glyphs }: Scene): Line {
  const { candidates } = completion(ui.command, snapshot);
  const typed = [seg(":", "dim"), seg(`${ui.command}_`, "strong")];
  const room = Math.max(10, columns - lineWidth(line(...typed)) - 8);
  const list = candidates.length === 0 ? [] : [seg("tab  ", "accent"), seg(candidates.join("  "), "dim")];
  return line(...typed, seg("   "), ...cut(list, room, glyphs.more));
}

function question({ columns, glyphs }: Scene, ask: NonNullable<Scene["ui"]["asking"]>): Line[] {
  return [
    line(seg(glyphs.rule.repeat(columns), "warn")),
    line(...cut([seg(ask.question, "strong")], columns, glyphs.more)),
    ...wrap(ask.does, Math.min(columns, 110)).map((t) => line(seg(t))),
    blank,
    line(
      { ...seg("y", "accent"), hit: { type: "yes" } },
      { ...seg(" yes", "dim"), hit: { type: "yes" } },
      { ...seg("   any other key", "accent"), hit: { type: "no" } },
      { ...seg(" no", "dim"), hit: { type: "no" } },
    ),
  ];
}

/** Help and quit are always there; the others come while there is room. */
function hints({ ui, glyphs, acts, snapshot }: Scene, room: number): Segment[] {
  if (ui.panel === "columns")
    return [
      ...hint(glyphs.arrows, "move"),
      ...hint("space", "shows or hides"),
      ...hint("K J", "reorder"),
      ...hint("r", "the usual ones"),
      ...hint("esc", "close"),
    ].slice(0, -1);
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
  const always = hinted.filter((b) => b.hint === "help" || b.hint === "quit").map(bound);
  const back = ui.screen === "sinks" ? [] : [hint("esc", "back")];
  const others = hinted.filter((b) => b.hint !== "help" && b.hint !== "quit").map(bound);
  let left = room - [...back, ...always].reduce((n, h) => n + widthOfHint(h), 0);
  const kept = [hint(glyphs.arrows, "move"), ...others].filter((h) => {
    left -= widthOfHint(h);
    return left >= 0;
  });
  const [first = [], ...rest] = kept;
  return [...first, ...back.flat(), ...rest.flat(), ...always.flat()].slice(0, -1);
}

const hint = (key = "", does = ""): Segment[] => [seg(key, "accent"), seg(` ${does}`, "dim"), seg("   ")];

/** A hint can be clicked. */
const bound = ({ shown, hint: word, intent }: Binding): Segment[] =>
  hint(shown.split(" ")[0], word).map((s, i) => (i < 2 ? { ...s, hit: intent } : s));

const widthOfHint = (segments: Segment[]): number => lineWidth({ segments });

function chosen({ snapshot, ui, now }: Scene): Segment[] {
  const words: string[] = [];
  const filter = ui.filters[ui.screen] ?? "";
  if (filter !== "") words.push(`/${filter}${filterProblem(filter) === undefined ? "" : " (as text)"}`);
  if (ui.screen === "sinks" && snapshot.sinks.length > 0) {
    if (ui.faultsOnly) words.push("faults only");
    if (ui.group !== "none") words.push(`grouped by ${ui.group}`);
    if (ui.sort !== "worst" || ui.reverse) words.push(`by ${ui.sort}${ui.reverse ? ", reversed" : ""}`);
    const shown = filter === "" && !ui.faultsOnly ? snapshot.sinks.length : shownSinks(snapshot, ui, now).length;
    if (shown < snapshot.sinks.length) words.push(`${shown} of ${snapshot.sinks.length}`);
    if (ui.marked.size > 0) words.push(`${ui.marked.size} marked`);
  }
  if (ui.privacy) words.push("privacy");
  return words.length === 0 ? [] : [seg(words.join("  "), "warn")];
}
