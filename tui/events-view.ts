// The events: the same lines that headless mode prints, newest last. Pure.
import type { AgentEvent } from "../src/status/snapshot.ts";
import { clockTime } from "../src/status/words.ts";
import { type Line, line, type Style, seg } from "./line.ts";
import { nameOf, type Scene, shownText } from "./scene.ts";
import { fit, wrap } from "./width.ts";

const TIME = 11;

export function eventsView(scene: Scene, height: number): Line[] {
  const { snapshot, ui, columns, glyphs } = scene;
  const shown = ui.eventsOf === undefined ? snapshot.events : snapshot.events.filter((e) => e.sink === ui.eventsOf);
  const title =
    ui.eventsOf === undefined
      ? `${shown.length} events, newest last`
      : `${shown.length} events of ${nameOf(ui.eventsOf)}, newest last`;
  const head = line(seg(fit(title, columns, glyphs.more), "dim"));
  const lines = shown.flatMap((e) => eventLines(e, scene));
  const page = Math.max(1, height - 1);
  const end = Math.max(Math.min(page, lines.length), lines.length - ui.scroll);
  return [head, ...lines.slice(Math.max(0, end - page), end)];
}

const styles: Readonly<Record<AgentEvent["level"], Style>> = { info: "plain", warn: "warn", error: "bad" };
const words: Readonly<Record<AgentEvent["level"], string>> = { info: "     ", warn: "warn ", error: "error" };

function eventLines(event: AgentEvent, scene: Scene): Line[] {
  const indent = TIME + 6;
  return wrap(shownText(nameOf(event.text), scene), scene.columns - indent).map((text, i) =>
    i === 0
      ? line(
          seg(fit(clockTime(event.at), TIME, ""), "dim"),
          seg(`${words[event.level]} `, styles[event.level]),
          seg(text),
        )
      : line(seg(" ".repeat(indent)), seg(text)),
  );
}
