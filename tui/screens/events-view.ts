// The events: the same lines that headless mode prints, newest last. Pure.
import type { AgentEvent } from "../../src/status/snapshot.ts";
import { clockTime, counted } from "../../src/status/text/words.ts";
import { cut, type Line, line, type Segment, type Style, seg } from "../drawing/line.ts";
import { fit, wrap } from "../drawing/width.ts";
import { shownEvents } from "../input/order.ts";
import { type Scene, shownText } from "./scene.ts";

const TIME = 11;
/** Of the lines of a text after its first. */
const INDENT = TIME + 6;

export function eventsView(scene: Scene, height: number): Line[] {
  const { snapshot, ui, columns, glyphs } = scene;
  const shown = shownEvents(snapshot, ui.eventsOf, ui.filters.events ?? "");
  const page = Math.max(1, height - 1);
  // Wrapping only what can be seen: the newest `scroll` lines and a page before them.
  const lines: Line[] = [];
  for (let i = shown.length - 1; i >= 0 && lines.length < ui.scroll + page; i--)
    lines.unshift(...eventLines(shown[i] as AgentEvent, scene));
  const end = Math.max(Math.min(page, lines.length), lines.length - ui.scroll);
  const of = ui.eventsOf === undefined ? "" : ` of ${ui.eventsOf}`;
  const back = lines.length - end > 0 ? `, ${lines.length - end} newer lines below` : ", newest last";
  const head = line(seg(fit(`${counted(shown.length, "event")}${of}${back}`, columns, glyphs.more), "dim"));
  return [head, ...lines.slice(Math.max(0, end - page), end)];
}

/** The newest ones as a pane shows them, newest last; each whole, in two lines at most. */
export function newestEvents(scene: Scene, height: number): Line[] {
  const { snapshot, columns, glyphs } = scene;
  const lines: Line[] = [];
  for (let i = snapshot.events.length - 1; i >= 0 && lines.length < height; i--) {
    const event = snapshot.events[i] as AgentEvent;
    const text = shownText(event.text, scene);
    const [first = "", ...rest] = wrap(text, columns - INDENT);
    lines.unshift(
      line(...cut(pieces(event, first), columns, glyphs.more)),
      ...(rest.length === 0
        ? []
        : [line(...cut([seg(" ".repeat(INDENT)), seg(rest.join(" "))], columns, glyphs.more))]),
    );
  }
  return lines.slice(-Math.max(1, height));
}

const styles: Readonly<Record<AgentEvent["level"], Style>> = { info: "plain", warn: "warn", error: "bad" };
const words: Readonly<Record<AgentEvent["level"], string>> = { info: "     ", warn: "warn ", error: "error" };

function eventLines(event: AgentEvent, scene: Scene): Line[] {
  return wrap(shownText(event.text, scene), scene.columns - INDENT).map((text, i) =>
    i === 0 ? line(...pieces(event, text)) : line(seg(" ".repeat(INDENT)), seg(text)),
  );
}

const pieces = ({ at, level }: AgentEvent, text: string): Segment[] => [
  seg(fit(clockTime(at), TIME, ""), "dim"),
  seg(`${words[level]} `, styles[level]),
  seg(text),
];
