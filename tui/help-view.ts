// Help: the key table in groups, so it cannot be wrong. Pure.
import { bindings } from "./keys.ts";
import { blank, type Line, line, seg } from "./line.ts";
import type { Scene } from "./scene.ts";
import { fit } from "./width.ts";

const KEYS = 12;
const TWO_COLUMNS = 100;

export function helpView({ columns, glyphs, ui }: Scene, height: number): Line[] {
  const blocks = [
    block("Move", glyphs.arrows),
    block("Screens", glyphs.arrows),
    block("Sinks", glyphs.arrows),
    block("Screen", glyphs.arrows),
  ];
  const lines =
    columns >= TWO_COLUMNS
      ? beside([...(blocks[0] ?? []), blank, ...(blocks[1] ?? [])], [...(blocks[2] ?? []), blank, ...(blocks[3] ?? [])])
      : blocks.flatMap((b, i) => (i === 0 ? b : [blank, ...b]));
  const top = Math.max(0, Math.min(ui.scroll, lines.length - height));
  return lines.slice(top, top + height).map((l) => ({ segments: l.segments }));
}

function block(group: (typeof bindings)[number]["group"], arrows: string): Line[] {
  const plain = !arrows.startsWith("↑");
  const shown = (keys: string) => (plain ? keys.replace("↑", "up").replace("↓", "down") : keys);
  const rows = bindings.filter((b) => b.group === group);
  return [
    line(seg(titles[group], "strong")),
    ...rows.map((b) => line(seg(`  ${fit(shown(b.shown), KEYS, "")}`, "accent"), seg(b.does))),
  ];
}

const titles = { Move: "Move", Screens: "Screens", Sinks: "Sinks", Screen: "This screen" } as const;

const LEFT = 52;

function beside(left: readonly Line[], right: readonly Line[]): Line[] {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const a = left[i] ?? blank;
    const used = a.segments.reduce((n, s) => n + s.text.length, 0);
    return { segments: [...a.segments, seg(" ".repeat(Math.max(2, LEFT - used))), ...(right[i] ?? blank).segments] };
  });
}
