// The events: the same lines that headless mode prints, newest last. Pure.
import type { AgentEvent } from "../../src/status/snapshot.ts";
import { clockTime, counted } from "../../src/status/text/words.ts";
import { cut, type Line, line, type Segment, type Style, seg } from "../drawing/line.ts";
import { fit, wrap } from "../drawing/width.ts";
import { shownEvents } from "../input/order.ts";
import { type Scene, shownText } from "./scene.ts";

const TIME = 11;

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

/** The newest ones, a line each, as a pane shows them. */
export function newestEvents(scene: Scene, height: number): Line[] {
  const { snapshot, columns, glyphs } = scene;
  return snapshot.events
    .slice(-Math.max(1, height))
    .map((event) => line(...cut(pieces(event, shownText(event.text, scene)), columns, glyphs.more)));
}

const styles: Readonly<Record<AgentEvent["level"], Style>> = { info: "plain", warn: "warn", error: "bad" };
const words: Readonly<Record<AgentEvent["level"], string>> = { info: "     ", warn: "warn ", error: "error" };

function eventLines(event: AgentEvent, scene: Scene): Line[] {
  const indent = TIME + 6;
  return wrap(shownText(event.text, scene), scene.columns - indent).map((text, i) =>
    i === 0 ? line(...pieces(event, text)) : line(seg(" ".repeat(indent)), seg(text)),
  );
}

const pieces = ({ at, level }: AgentEvent, text: string): Segment[] => [
  seg(fit(clockTime(at), TIME, ""), "dim"),
  seg(`${words[level]} `, styles[level]),
  seg(text),
];
